import { createHash } from 'node:crypto'

/** A call's identity as four 32-bit words: a UUID as it is, any other text as a digest. */
export const IDENTITY_WORDS = 4

const UUID_LENGTH = 36
const NO_DIGIT = 255
/** The value of a lower-case hexadecimal digit, by its byte. */
const DIGIT = new Uint8Array(256).fill(NO_DIGIT)
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value
const HYPHEN = 0x2d

/**
 * Writes the words of the identity whose UTF-8 text is `bytes[start, end)` to `words` from `offset`. Only the canonical spelling of a
 * UUID is taken as its 16 bytes, so that ids which differ in case stay different; of other text it is the SHA-256's first 16 bytes.
 */
export function writeIdentity(bytes: Uint8Array, start: number, end: number, words: Uint32Array, offset: number): void {
  if (end - start === UUID_LENGTH && writeUuid(bytes, start, words, offset)) return
  const digest = createHash('sha256').update(bytes.subarray(start, end)).digest()
  for (let word = 0; word < IDENTITY_WORDS; word++) words[offset + word] = digest.readUInt32BE(4 * word)
}

function writeUuid(bytes: Uint8Array, start: number, words: Uint32Array, offset: number): boolean {
  let digits = 0
  let word = 0
  for (let place = 0; place < UUID_LENGTH; place++) {
    const byte = bytes[start + place] ?? 0
    if (place === 8 || place === 13 || place === 18 || place === 23) {
      if (byte !== HYPHEN) return false
      continue
    }
    const value = DIGIT[byte] ?? NO_DIGIT
    if (value === NO_DIGIT) return false
    word = (word << 4) | value
    digits++
    if ((digits & 7) === 0) words[offset + (digits >> 3) - 1] = word
  }
  return true
}
