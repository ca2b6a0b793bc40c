import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/**
 * Text in few bytes. UUIDs and long runs of hexadecimal digits (key IDs, key material IDs, digests) are chance: no compression makes
 * anything of them, so they stand as bytes beside the text that is left, which repeats itself.
 */

/** JSON has no such characters: texts are JSON, one a line. */
const UUID_MARK = 1
const RUN_MARK = 2
const MARKS = new RegExp(`[${String.fromCharCode(UUID_MARK, RUN_MARK)}]`, 'g')
/** A run is so many digits, and a multiple of 16; its mark is followed by a letter that tells how many times 16. */
const RUN_LENGTH = { step: 16, min: 32, max: 256 } as const
const FIRST_LETTER = 0x41
const HYPHEN = 0x2d
const IS_DIGIT = new Uint8Array(256)
for (const digit of Buffer.from('0123456789abcdef')) IS_DIGIT[digit] = 1
const UUID_GROUPS = [8, 4, 4, 4, 12] as const
const LENGTH_BYTES = 4
/** What the largest item of a store can unpack to with room to spare; more is no text of ours. */
const UNPACKED_BYTES_MAX = 64 << 20
/** Level 3, the default: level 6 saves 3 % more, level 1 is no faster on texts of this size. */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } }

/** Packs JSON texts without line feeds. */
export function packTexts(texts: readonly string[]): Uint8Array {
  const text = Buffer.from(texts.join('\n'))
  // Byte by byte: a regular expression takes ten times as long. Neither part is longer than the text.
  const letters = Buffer.allocUnsafe(LENGTH_BYTES + text.length)
  const digits = Buffer.allocUnsafe(text.length)
  let lettersEnd = LENGTH_BYTES
  let digitsEnd = 0
  let lettersFrom = 0
  const takeDigits = (from: number, to: number): void => void (digitsEnd += text.copy(digits, digitsEnd, from, to))
  const takeLetters = (to: number): void => void (lettersEnd += text.copy(letters, lettersEnd, lettersFrom, to))
  for (let at = 0; at < text.length;) {
    const start = at
    while (at - start < RUN_LENGTH.max && isDigit(text[at])) at++
    const length = at - start
    if (length >= RUN_LENGTH.min) {
      at -= length % RUN_LENGTH.step
      takeLetters(start)
      takeDigits(start, at)
      letters[lettersEnd++] = RUN_MARK
      letters[lettersEnd++] = FIRST_LETTER + (at - start) / RUN_LENGTH.step
      lettersFrom = at
    } else if (length >= UUID_GROUPS[0] && isUuid(text, at - UUID_GROUPS[0])) {
      takeLetters(at - UUID_GROUPS[0])
      at -= UUID_GROUPS[0]
      for (const group of UUID_GROUPS) {
        takeDigits(at, at + group)
        at += group + 1
      }
      letters[lettersEnd++] = UUID_MARK
      lettersFrom = --at
    } else at++
  }
  takeLetters(text.length)
  letters.writeUInt32LE(lettersEnd - LENGTH_BYTES)
  return zstdCompressSync(
    Buffer.concat([letters.subarray(0, lettersEnd), Buffer.from(digits.toString('latin1', 0, digitsEnd), 'hex')]),
    OPTIONS,
  )
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && IS_DIGIT[byte] === 1
}

/** A UUID in lower case stands at `at`. */
function isUuid(text: Buffer, at: number): boolean {
  let place = at
  for (const group of UUID_GROUPS) {
    if (place > at && text[place++] !== HYPHEN) return false
    for (const end = place + group; place < end; place++) if (!isDigit(text[place])) return false
  }
  return true
}

/** What `packTexts` wrote. @throws if the bytes are something else */
export function unpackTexts(packed: Uint8Array): readonly string[] {
  const bytes = zstdDecompressSync(packed, { maxOutputLength: UNPACKED_BYTES_MAX })
  const end = LENGTH_BYTES + bytes.readUInt32LE(0)
  const letters = bytes.toString('utf8', LENGTH_BYTES, end)
  if (letters === '') return []
  const digits = bytes.toString('hex', end)
  let at = 0
  const take = (count: number): string => digits.slice(at, (at += count))
  const parts: string[] = []
  let from = 0
  for (const { index } of letters.matchAll(MARKS)) {
    parts.push(letters.slice(from, index))
    if (letters.charCodeAt(index) === UUID_MARK) {
      parts.push(UUID_GROUPS.map(take).join('-'))
      from = index + 1
    } else {
      parts.push(take(RUN_LENGTH.step * (letters.charCodeAt(index + 1) - FIRST_LETTER)))
      from = index + 2
    }
  }
  if (at !== digits.length) throw new Error('packed texts whose digits do not fit')
  parts.push(letters.slice(from))
  return parts.join('').split('\n')
}
