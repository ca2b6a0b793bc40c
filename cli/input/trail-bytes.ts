import { createReadStream, readFileSync } from 'node:fs'
import { fileError } from './file-error.ts'
import { createUnpacker, isGzip, unpackedAtOnce } from './gunzip.ts'
import { STANDARD_INPUT, type TrailFile } from './trail-paths.ts'

const READ_BYTES = 1 << 18
const SMALL_FILE_BYTES = 8 << 20
const SMALL_EXPANDED_BYTES = 32 << 20
/** What of standard input is kept to read it a second time. */
const KEPT_BYTES_MAX = 64 << 20

/**
 * Reads a file to its end, unpacked if its first bytes say gzip, and gives its bytes on piece by piece.
 * @param options.expandedBytesMax what a packed file may hold at most
 * @param options.onRead is told of the bytes of the file itself, as they are read
 * @returns why the file could not be read to its end; null if it was
 */
export async function readTrailBytes(
  file: TrailFile,
  options: { readonly expandedBytesMax: number; readonly onRead: (byteCount: number) => void },
  give: (bytes: Uint8Array) => void,
): Promise<string | null> {
  const atOnce = readAtOnce(file, options.expandedBytesMax)
  if (atOnce !== null) {
    options.onRead(file.bytes)
    give(atOnce)
    return null
  }
  const source = openSource(file)
  try {
    const pieces = readPieces(source.bytes(), options.onRead)
    const first = await pieces.next()
    if (first.done === true) return 'the file is empty'
    async function* all(head: Buffer): AsyncGenerator<Buffer, void> {
      yield head
      yield* pieces
    }
    if (!isGzip(first.value)) {
      for await (const piece of all(first.value)) give(piece)
      return null
    }
    const unpacker = createUnpacker(options.expandedBytesMax, give)
    const failure = await unpacker.unpack(all(first.value))
    if (failure === null) return unpacker.givenBytes() === 0 ? 'the file is empty' : null
    const again = source.again()
    if (again !== null) await unpacker.salvage(again)
    return failure
  } catch (error) {
    return fileError(error)
  } finally {
    source.close()
  }
}

/** A small file's bytes, unpacked; null if it is not small, or not to be had at once. Streams cost more than such files hold. */
function readAtOnce(file: TrailFile, expandedBytesMax: number): Buffer | null {
  if (file.bytes === 0 || file.bytes > SMALL_FILE_BYTES) return null
  try {
    const bytes = readFileSync(file.path)
    // Reading it piece by piece tells what is wrong with it.
    if (bytes.length < 2 || bytes.length > SMALL_FILE_BYTES) return null
    const unpacked = isGzip(bytes) ? unpackedAtOnce(bytes, Math.min(SMALL_EXPANDED_BYTES, expandedBytesMax)) : bytes
    return unpacked?.length === 0 ? null : unpacked
  } catch {
    return null
  }
}

type Source = {
  bytes(): AsyncIterable<Buffer>
  /** Reads the same bytes from the beginning, as often as wanted; null if that cannot be had. */
  again(): (() => AsyncIterable<Buffer>) | null
  close(): void
}

function openSource(file: TrailFile): Source {
  if (file.path !== STANDARD_INPUT) {
    const open = (): AsyncIterable<Buffer> => createReadStream(file.path, { highWaterMark: READ_BYTES })
    // A pipe that has a name gives its bytes only once, too.
    return { bytes: open, again: () => (file.bytes > 0 ? open : null), close: () => undefined }
  }
  const kept: Buffer[] = []
  let bytes = 0
  async function* keep(): AsyncGenerator<Buffer, void> {
    for await (const piece of process.stdin as AsyncIterable<Buffer>) {
      bytes += piece.length
      // Only what is packed is ever read again.
      if (bytes > KEPT_BYTES_MAX || !(kept.length > 0 || isGzip(piece))) kept.length = 0
      else kept.push(piece)
      yield piece
    }
  }
  async function* replay(): AsyncGenerator<Buffer, void> {
    yield* kept
  }
  // Whoever writes there may never end.
  return { bytes: keep, again: () => (kept.length > 0 ? replay : null), close: () => void process.stdin.destroy() }
}

/** The pieces of a source; the first holds at least two bytes, which tell a gzip file, unless there are no more. */
async function* readPieces(source: AsyncIterable<Buffer>, onRead: (byteCount: number) => void): AsyncGenerator<Buffer, void> {
  let head: Buffer | undefined
  let isBegun = false
  for await (const piece of source) {
    onRead(piece.length)
    head = head === undefined ? piece : Buffer.concat([head, piece])
    if (!isBegun && head.length < 2) continue
    isBegun = true
    yield head
    head = undefined
  }
  if (head !== undefined) yield head
}
