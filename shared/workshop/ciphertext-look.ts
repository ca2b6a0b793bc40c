import { headerBytesNeeded } from '../envelope/header.ts'

/** What bytes look like to somebody without the key. */
export type Look = {
  /** Shannon's entropy of single bytes: 8 of chance, 4 to 5 of English text. */
  readonly bitsPerByte: number
  /** Some 16 bytes in a row of the plaintext stand in it. */
  readonly showsPlaintext: boolean
}

/** A block of AES. */
const BLOCK_BYTES = 16
/** Ten thousand bytes of chance have 7.98. */
const CHANCE_BITS_MIN = 7.9

/** As many as the Encryption SDK reads unless told. */
const ENCRYPTED_DATA_KEYS_MAX = 16

/**
 * Looks at the body of an envelope message, a few thousand bytes at least: fewer never look like chance. The header names the key and says
 * the context in clear. @throws EnvelopeError if it is no such message
 */
export function lookAtMessage(message: Uint8Array, plaintext: Uint8Array): Look {
  const body = message.subarray(headerBytesNeeded(Buffer.from(message), ENCRYPTED_DATA_KEYS_MAX))
  return { bitsPerByte: entropyOf(body), showsPlaintext: hasBlockOf(message, plaintext) }
}

export function looksLikeCiphertext({ bitsPerByte, showsPlaintext }: Look): boolean {
  return bitsPerByte >= CHANCE_BITS_MIN && !showsPlaintext
}

export function entropyOf(bytes: Uint8Array): number {
  const counts = Array.from({ length: 256 }, () => 0)
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
  return counts
    .filter((count) => count > 0)
    .map((count) => count / bytes.length)
    .reduce((sum, share) => sum - share * Math.log2(share), 0)
}

function hasBlockOf(bytes: Uint8Array, plaintext: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1')
  const blocks = new Set<string>()
  for (let at = 0; at + BLOCK_BYTES <= text.length; at++) blocks.add(text.slice(at, at + BLOCK_BYTES))
  const plain = Buffer.from(plaintext).toString('latin1')
  for (let at = 0; at + BLOCK_BYTES <= plain.length; at++) if (blocks.has(plain.slice(at, at + BLOCK_BYTES))) return true
  return false
}
