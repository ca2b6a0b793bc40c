import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { IDENTITY_WORDS } from './identity.ts'
import type { ContextDigest } from './key-use.ts'
import { packTexts, unpackTexts } from './packed-text.ts'
import { DIGEST_WORD, ENTRY_WORDS, ROW_WORD, SECOND_WORD, type UseBatch } from './use-batch.ts'

/**
 * Uses as bytes: a head, the identities as they are (they are chance, and pack to nothing less), two packed parts: columns (second, row
 * and digest of each use) and the rows, and the digests as they are.
 */

const VERSION = 1
/** Version, checksum of all that follows it, first second, uses, bytes of the columns, bytes of the rows. */
const HEAD = { version: 0, checksum: 1, firstSecond: 5, uses: 9, columns: 13, rows: 17 } as const
const HEAD_BYTES = 21
const IDENTITY_BYTES = 4 * IDENTITY_WORDS
const DIGEST_BYTES = 12
/** Seconds since the use before it; the numbers of its row and its digest. */
const COLUMN_BYTES = 2 + 4 + 4
const COLUMNS_BYTES_MAX = 1 << 24
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
/** The number of the digest of a use that has none. */
const NO_DIGEST = 0

/**
 * `offsets`: the entries that are written, in the order of their seconds, each less than 18 hours after the one before, the first after
 * `firstSecond`.
 */
export function encodeUses(firstSecond: number, { rows, digests, entries }: UseBatch, offsets: readonly number[]): Uint8Array {
  const rowNumbers = createRenumbering(rows.length)
  const digestNumbers = createRenumbering(digests.length + 1)
  digestNumbers.write(NO_DIGEST)
  const head = Buffer.alloc(HEAD_BYTES + IDENTITY_BYTES * offsets.length)
  const columns = Buffer.alloc(COLUMN_BYTES * offsets.length)
  const places = columnPlaces(offsets.length)
  let before = firstSecond
  for (const [index, offset] of offsets.entries()) {
    const at = HEAD_BYTES + IDENTITY_BYTES * index
    for (let word = 0; word < IDENTITY_WORDS; word++) head.writeUInt32BE(entries[offset + word] ?? 0, at + 4 * word)
    const second = entries[offset + SECOND_WORD] ?? 0
    columns.writeUInt16LE(second - before, 2 * index)
    columns.writeUInt32LE(rowNumbers.write(entries[offset + ROW_WORD] ?? 0), places.rows + 4 * index)
    columns.writeUInt32LE(digestNumbers.write(entries[offset + DIGEST_WORD] ?? NO_DIGEST), places.digests + 4 * index)
    before = second
  }
  const packedColumns = zstdCompressSync(columns, OPTIONS)
  const packedRows = packTexts(rowNumbers.order.map((row) => rows[row] ?? ''))
  const digestTexts = digestNumbers.order.slice(1).map((digest) => digests[digest - 1] ?? '')
  const digestBytes = Buffer.from(digestTexts.join(''), 'hex')
  if (digestBytes.length !== DIGEST_BYTES * digestTexts.length) throw new Error(`a digest is not ${DIGEST_BYTES} bytes`)
  head.writeUInt8(VERSION, HEAD.version)
  head.writeUInt32LE(firstSecond, HEAD.firstSecond)
  head.writeUInt32LE(offsets.length, HEAD.uses)
  head.writeUInt32LE(packedColumns.length, HEAD.columns)
  head.writeUInt32LE(packedRows.length, HEAD.rows)
  const bytes = Buffer.concat([head, packedColumns, packedRows, digestBytes])
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD.firstSecond)), HEAD.checksum)
  return bytes
}

/**
 * What `encodeUses` wrote; without `digests`, entries tell only which of them share one. Whoever decodes many segments whose rows are alike
 * says how to unpack them (`createTextUnpacker`). @throws if the bytes are something else
 */
export function decodeUses(bytes: Uint8Array, options: { readonly digests: boolean; readonly unpackRows?: typeof unpackTexts }): UseBatch {
  const { digests, unpackRows = unpackTexts } = options
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
  const rowNumbers = createReading(columns, places.rows, 0)
  const digestNumbers = createReading(columns, places.digests, NO_DIGEST + 1)
  const entries = new Uint32Array(count * ENTRY_WORDS)
  let second = buffer.readUInt32LE(HEAD.firstSecond)
  for (let index = 0, at = 0; index < count; index++, at += ENTRY_WORDS) {
    const from = HEAD_BYTES + IDENTITY_BYTES * index
    for (let word = 0; word < IDENTITY_WORDS; word++) entries[at + word] = buffer.readUInt32BE(from + 4 * word)
    second += columns.readUInt16LE(2 * index)
    entries[at + SECOND_WORD] = second
    entries[at + ROW_WORD] = rowNumbers.read(index)
    entries[at + DIGEST_WORD] = digestNumbers.read(index)
  }
  return { rows: unpackRows(buffer.subarray(rowsAt, digestsAt)), digests: digests ? digestsOf(buffer.subarray(digestsAt)) : [], entries }
}

function digestsOf(bytes: Buffer): readonly ContextDigest[] {
  return Array.from(
    { length: bytes.length / DIGEST_BYTES },
    (_, index) => bytes.toString('hex', DIGEST_BYTES * index, DIGEST_BYTES * (index + 1)) as ContextDigest,
  )
}

function columnPlaces(count: number): { readonly rows: number; readonly digests: number } {
  return { rows: 2 * count, digests: 6 * count }
}

/**
 * Numbers what occurs of `count` things in the order in which it does. What is new is written as 0, number n as n + 1: a column of new ones
 * packs to nothing.
 */
function createRenumbering(count: number): { write(thing: number): number; readonly order: readonly number[] } {
  const written = new Uint32Array(count)
  const order: number[] = []
  return {
    order,
    write(thing) {
      const known = written[thing] ?? 0
      if (known === 0) written[thing] = order.push(thing)
      return known
    },
  }
}

/** Reads, in order, the numbers that a renumbering wrote; the first new one is `firstNew`. */
function createReading(columns: Buffer, from: number, firstNew: number): { read(index: number): number } {
  let known = firstNew
  return {
    read(index) {
      const written = columns.readUInt32LE(from + 4 * index)
      return written === 0 ? known++ : written - 1
    },
  }
}
