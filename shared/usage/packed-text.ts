import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/**
 * Text in few bytes. UUIDs and long runs of hexadecimal digits (key IDs, key material IDs, digests) are chance: no compression makes
 * anything of them, so they stand as bytes beside the text that is left, which repeats itself.
 */

/** JSON has no such characters: texts are JSON, one a line. */
const UUID_MARK = 1
const RUN_MARK = 2
const MARKS = new RegExp(`${String.fromCharCode(UUID_MARK)}|${String.fromCharCode(RUN_MARK)}(.)`, 'g')
/** A run is so many digits, and a multiple of 16; its mark is followed by a letter that tells how many times 16. */
const RUN_LENGTH = { step: 16, min: 32, max: 256 } as const
const FIRST_LETTER = 0x41
const HYPHEN = 0x2d
const IS_DIGIT = new Uint8Array(256)
for (const digit of Buffer.from('0123456789abcdef')) IS_DIGIT[digit] = 1
const UUID_GROUPS = [8, 4, 4, 4, 12] as const
const UUID_DIGITS = 32
const UUID_LENGTH = 36
const LINE_FEED = 0x0a
/** How many texts; how many bytes of letters. */
const HEAD = { texts: 0, letters: 4 } as const
const HEAD_BYTES = 8
/** The number of a line. */
const NUMBER_BYTES = 3
/** What the largest item of a store can unpack to with room to spare; more is no text of ours. */
const UNPACKED_BYTES_MAX = 64 << 20
/** What an unpacker remembers. The rows of an hour's segments are a few thousand different ones, and come hundreds of times each. */
const TEXTS_KNOWN_MAX = 1 << 16
/** Level 3, the default: level 6 saves 3 % more, level 1 is no faster on texts of this size. */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } }

/** Packs JSON texts without line feeds: the different lines of letters, the number of each text's line, and the digits of all texts. */
export function packTexts(texts: readonly string[]): Uint8Array {
  const text = Buffer.from(texts.join('\n'))
  // By bytes: a regular expression takes ten times as long. Neither part is longer than the text.
  const letters = Buffer.allocUnsafe(text.length + 1)
  const digits = Buffer.allocUnsafe(text.length)
  const numbers = Buffer.alloc(NUMBER_BYTES * texts.length)
  const numberOfLine = new Map<string, number>()
  let lettersEnd = 0
  let digitsEnd = 0

  /** Moves the digits of a run, or of a UUID, that begins at `at`, and sets a mark. Returns where it ends. */
  function takeRun(at: number, length: number): number {
    digitsEnd += text.copy(digits, digitsEnd, at, at + length)
    letters[lettersEnd++] = RUN_MARK
    letters[lettersEnd++] = FIRST_LETTER + length / RUN_LENGTH.step
    return at + length
  }
  function takeUuid(at: number): number {
    const end = at + UUID_LENGTH
    for (let place = at; place < end; place++) if (text[place] !== HYPHEN) digits[digitsEnd++] = text[place] ?? 0
    letters[lettersEnd++] = UUID_MARK
    return end
  }
  function takeLetters(from: number, to: number): void {
    lettersEnd += text.copy(letters, lettersEnd, from, to)
  }

  function takeText(from: number, to: number): void {
    const step = UUID_GROUPS[0]
    let lettersFrom = from
    // Each wanted run of digits holds one of the places that are this many apart.
    for (let at = from, probe = from + step - 1; probe < to; probe = at + step - 1) {
      at = probe + 1
      if (!isDigit(text[probe])) continue
      let start = probe
      while (start > lettersFrom && isDigit(text[start - 1])) start--
      while (at - start < RUN_LENGTH.max && isDigit(text[at])) at++
      const length = at - start
      if (length >= RUN_LENGTH.min) {
        takeLetters(lettersFrom, start)
        lettersFrom = at = takeRun(start, length - (length % RUN_LENGTH.step))
      } else if (length >= step && isUuid(text, at - step)) {
        takeLetters(lettersFrom, at - step)
        lettersFrom = at = takeUuid(at - step)
      } else at++
    }
    takeLetters(lettersFrom, to)
  }

  for (let index = 0, from = 0; index < texts.length; index++) {
    const to = index === texts.length - 1 ? text.length : text.indexOf(LINE_FEED, from)
    const lineStart = lettersEnd
    takeText(from, to)
    from = to + 1
    const line = letters.toString('latin1', lineStart, lettersEnd)
    const number = numberOfLine.get(line) ?? numberOfLine.size
    if (number === numberOfLine.size) {
      numberOfLine.set(line, number)
      letters[lettersEnd++] = LINE_FEED
    } else lettersEnd = lineStart
    // Byte by byte apart: but for the first, they are nearly all zero.
    for (let byte = 0; byte < NUMBER_BYTES; byte++) numbers[byte * texts.length + index] = number >>> (8 * byte)
  }
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(texts.length, HEAD.texts)
  head.writeUInt32LE(lettersEnd, HEAD.letters)
  const digitBytes = Buffer.from(digits.toString('latin1', 0, digitsEnd), 'hex')
  return zstdCompressSync(Buffer.concat([head, letters.subarray(0, lettersEnd), numbers, digitBytes]), OPTIONS)
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
  return createTextUnpacker()(packed)
}

/** What texts have in common once their digits are taken out, and the texts by their digits: bytes as characters. */
type Line = { readonly letters: string; readonly digitBytes: number; readonly texts: Map<string, string> }

/** Unpacks what `packTexts` wrote, call after call: a text that comes again is looked up by its packed form, and is the same string. */
export function createTextUnpacker(): (packed: Uint8Array) => readonly string[] {
  const lines = new Map<string, Line>()
  let known = 0

  function lineOf(piece: string): Line {
    const line = lines.get(piece)
    if (line !== undefined) return line
    // A copy: a piece of a text keeps all of it in memory.
    const letters = Buffer.from(piece).toString()
    const added = { letters, digitBytes: digitsOf(letters) / 2, texts: new Map<string, string>() }
    lines.set(letters, added)
    return added
  }

  function textOf({ letters, texts }: Line, bytes: Buffer, from: number, to: number): string {
    const digits = bytes.toString('latin1', from, to)
    const found = texts.get(digits)
    if (found !== undefined) return found
    const text = withDigits(letters, bytes.toString('hex', from, to))
    if (known === TEXTS_KNOWN_MAX) {
      lines.clear()
      known = 0
    }
    texts.set(digits, text)
    known++
    return text
  }

  return (packed) => {
    const bytes = zstdDecompressSync(packed, { maxOutputLength: UNPACKED_BYTES_MAX })
    const count = bytes.readUInt32LE(HEAD.texts)
    const numbersAt = HEAD_BYTES + bytes.readUInt32LE(HEAD.letters)
    const linesOfTexts = bytes.toString('utf8', HEAD_BYTES, numbersAt).split('\n').map(lineOf)
    const texts: string[] = []
    let at = numbersAt + NUMBER_BYTES * count
    for (let index = 0; index < count; index++) {
      let number = 0
      for (let byte = 0; byte < NUMBER_BYTES; byte++) number |= (bytes[numbersAt + byte * count + index] ?? 0) << (8 * byte)
      const line = linesOfTexts[number]
      if (line === undefined) throw new Error('packed texts without their letters')
      texts.push(textOf(line, bytes, at, (at += line.digitBytes)))
    }
    if (at !== bytes.length) throw new Error('packed texts whose digits do not fit')
    return texts
  }
}

function digitsOf(letters: string): number {
  let digits = 0
  for (const [, run] of letters.matchAll(MARKS)) digits += run === undefined ? UUID_DIGITS : runDigits(run)
  return digits
}

function runDigits(letter: string): number {
  return RUN_LENGTH.step * (letter.charCodeAt(0) - FIRST_LETTER)
}

function withDigits(letters: string, digits: string): string {
  let at = 0
  const take = (count: number): string => digits.slice(at, (at += count))
  return letters.replace(MARKS, (_, run: string | undefined) =>
    run === undefined ? UUID_GROUPS.map(take).join('-') : take(runDigits(run)),
  )
}
