import { createHash } from 'node:crypto'
import type { CallIdentity } from '../cloudtrail/record.ts'

/** A call's identity as four 32-bit words: a UUID as it is, any other text as a digest. */
export const IDENTITY_WORDS = 4

const UUID_LENGTH = 36
/** The value of a lower-case hexadecimal digit; 255 for any other byte. */
const DIGIT = new Uint8Array(128).fill(255)
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value
const HYPHEN = 0x2d
const HYPHEN_PLACES: ReadonlySet<number> = new Set([8, 13, 18, 23])

/**
 * Writes the identity's words to `words` from `offset`. Only the canonical spelling of a UUID is taken as its 16 bytes, so that ids
 * which differ in case stay different; every other text becomes the first 16 bytes of its SHA-256.
 */
export function writeIdentity(identity: CallIdentity, words: Uint32Array, offset: number): void {
  if (identity.length === UUID_LENGTH && writeUuid(identity, words, offset)) return
  const digest = createHash('sha256').update(identity, 'utf8').digest()
  for (let word = 0; word < IDENTITY_WORDS; word++) words[offset + word] = digest.readUInt32BE(4 * word)
}

function writeUuid(text: string, words: Uint32Array, offset: number): boolean {
  let digits = 0
  let word = 0
  for (let place = 0; place < UUID_LENGTH; place++) {
    const code = text.charCodeAt(place)
    if (HYPHEN_PLACES.has(place)) {
      if (code !== HYPHEN) return false
      continue
    }
    const value = code < 128 ? (DIGIT[code] ?? 255) : 255
    if (value > 15) return false
    word = (word << 4) | value
    digits++
    if (digits % 8 === 0) {
      words[offset + digits / 8 - 1] = word
      word = 0
    }
  }
  return true
}
