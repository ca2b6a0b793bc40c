import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { IDENTITY_WORDS } from './identity.ts'
import { packTexts, unpackTexts } from './packed-text.ts'
import { ENTRY_WORDS, ROW_WORD, rowParts, SECOND_WORD, type UseBatch, wholeRow } from './use-batch.ts'

/**
 * Uses as bytes: a head, the identities as they are (they are chance, and pack to nothing less), then three packed parts: columns
 * (second, row and digest of each use), the rows without their digests, the digests.
 */

const VERSION = 1
/** Version, checksum of all that follows it, first second, uses, bytes of the columns, bytes of the rows. */
const HEAD = { version: 0, checksum: 1, firstSecond: 5, uses: 9, columns: 13, rows: 17 } as const
const HEAD_BYTES = 21
const IDENTITY_BYTES = 4 * IDENTITY_WORDS
/** Seconds since the use before it; the numbers of its row and its digest. */
const COLUMN_BYTES = 2 + 4 + 4
const COLUMNS_BYTES_MAX = 1 << 24
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }

/**
 * `offsets`: the entries that are written, in the order of their seconds, each less than 18 hours after the one before, the first after
 * `firstSecond`.
 */
export function encodeUses(firstSecond: number, { rows, entries }: UseBatch, offsets: readonly number[]): Uint8Array {
  const rowNumbers = createNumbering()
  const digestNumbers = createNumbering()
  const parts = rows.map(rowParts)
  const head = Buffer.alloc(HEAD_BYTES + IDENTITY_BYTES * offsets.length)
  const columns = Buffer.alloc(COLUMN_BYTES * offsets.length)
  const places = columnPlaces(offsets.length)
  let before = firstSecond
  for (const [index, offset] of offsets.entries()) {
    const at = HEAD_BYTES + IDENTITY_BYTES * index
    for (let word = 0; word < IDENTITY_WORDS; word++) head.writeUInt32BE(entries[offset + word] ?? 0, at + 4 * word)
    const second = entries[offset + SECOND_WORD] ?? 0
    const [row, digest] = parts[entries[offset + ROW_WORD] ?? 0] ?? ['', '']
    columns.writeUInt16LE(second - before, 2 * index)
    columns.writeUInt32LE(rowNumbers.write(row), places.rows + 4 * index)
    columns.writeUInt32LE(digestNumbers.write(digest), places.digests + 4 * index)
    before = second
  }
  const packedColumns = zstdCompressSync(columns, OPTIONS)
  const packedRows = packTexts(rowNumbers.texts())
  head.writeUInt8(VERSION, HEAD.version)
  head.writeUInt32LE(firstSecond, HEAD.firstSecond)
  head.writeUInt32LE(offsets.length, HEAD.uses)
  head.writeUInt32LE(packedColumns.length, HEAD.columns)
  head.writeUInt32LE(packedRows.length, HEAD.rows)
  const bytes = Buffer.concat([head, packedColumns, packedRows, packTexts(digestNumbers.texts())])
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD.firstSecond)), HEAD.checksum)
  return bytes
}

/** What `encodeUses` wrote; without `digests`, rows that differ in nothing else are one. @throws if the bytes are something else */
export function decodeUses(bytes: Uint8Array, { digests }: { readonly digests: boolean }): UseBatch {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < HEAD_BYTES || buffer.readUInt8(HEAD.version) !== VERSION)
    throw new Error('no uses of keys of a version that is known here')
  if (buffer.readUInt32LE(HEAD.checksum) !== crc32(buffer.subarray(HEAD.firstSecond))) throw new Error('damaged uses of keys')
  const count = buffer.readUInt32LE(HEAD.uses)
  const columnsAt = HEAD_BYTES + IDENTITY_BYTES * count
  const rowsAt = columnsAt + buffer.readUInt32LE(HEAD.columns)
  const digestsAt = rowsAt + buffer.readUInt32LE(HEAD.rows)
  const columns = zstdDecompressSync(buffer.subarray(columnsAt, rowsAt), { maxOutputLength: COLUMNS_BYTES_MAX })
  const places = columnPlaces(count)
  const rowNumbers = createReading(columns, places.rows)
  const digestNumbers = createReading(columns, places.digests)
  const rowTexts = unpackTexts(buffer.subarray(rowsAt, digestsAt))
  const combined = digests ? createCombining(rowTexts, unpackTexts(buffer.subarray(digestsAt))) : null
  const entries = new Uint32Array(count * ENTRY_WORDS)
  let second = buffer.readUInt32LE(HEAD.firstSecond)
  for (let index = 0, at = 0; index < count; index++, at += ENTRY_WORDS) {
    const from = HEAD_BYTES + IDENTITY_BYTES * index
    for (let word = 0; word < IDENTITY_WORDS; word++) entries[at + word] = buffer.readUInt32BE(from + 4 * word)
    second += columns.readUInt16LE(2 * index)
    entries[at + SECOND_WORD] = second
    const row = rowNumbers.read(index)
    entries[at + ROW_WORD] = combined === null ? row : combined.number(row, digestNumbers.read(index))
  }
  return { rows: combined?.texts() ?? rowTexts.map((row) => wholeRow(row, null)), entries }
}

function columnPlaces(count: number): { readonly rows: number; readonly digests: number } {
  return { rows: 2 * count, digests: 6 * count }
}

/** Numbers texts from 0. A text that is new is written as 0, text n as n + 1: a column of new ones packs to nothing. */
function createNumbering(): { write(text: string): number; texts(): readonly string[] } {
  const numbers = new Map<string, number>()
  return {
    write(text) {
      const known = numbers.get(text)
      if (known !== undefined) return known + 1
      numbers.set(text, numbers.size)
      return 0
    },
    texts: () => [...numbers.keys()],
  }
}

/** Reads, in order, the numbers that a numbering wrote. */
function createReading(columns: Buffer, from: number): { read(index: number): number } {
  let known = 0
  return {
    read(index) {
      const written = columns.readUInt32LE(from + 4 * index)
      return written === 0 ? known++ : written - 1
    },
  }
}

/** Numbers the pairs of row and digest that occur. */
function createCombining(
  rows: readonly string[],
  digests: readonly string[],
): { number(row: number, digest: number): number; texts(): readonly string[] } {
  const numbers = new Map<number, number>()
  const texts: string[] = []
  return {
    number(row, digest) {
      const pair = row * digests.length + digest
      const known = numbers.get(pair)
      if (known !== undefined) return known
      numbers.set(pair, texts.length)
      texts.push(wholeRow(rows[row] ?? '', digests[digest] ?? null))
      return texts.length - 1
    },
    texts: () => texts,
  }
}
