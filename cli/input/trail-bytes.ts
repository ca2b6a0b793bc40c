import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { fileError } from './file-error.ts'
import { STANDARD_INPUT, type TrailFile } from './trail-paths.ts'

const READ_BYTES = 1 << 18
const GUNZIP_BYTES = 1 << 20
const GZIP_MAGIC = [0x1f, 0x8b] as const

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
  try {
    const pieces = readPieces(file, options.onRead)
    const first = await pieces.next()
    if (first.done === true) return 'the file is empty'
    if (!isGzip(first.value)) {
      give(first.value)
      for await (const piece of pieces) give(piece)
      return null
    }
    let expandedBytes = 0
    for await (const piece of unpack(first.value, pieces)) {
      expandedBytes += piece.length
      if (expandedBytes > options.expandedBytesMax)
        return `it unpacks to more than ${options.expandedBytesMax} bytes (--expanded-mib raises the limit)`
      give(piece)
    }
    return null
  } catch (error) {
    return fileError(error)
  }
}

/** The file's bytes; the first piece holds at least two unless there are no more. */
async function* readPieces(file: TrailFile, onRead: (byteCount: number) => void): AsyncGenerator<Buffer, void> {
  const source = file.path === STANDARD_INPUT ? process.stdin : createReadStream(file.path, { highWaterMark: READ_BYTES })
  let head: Buffer | undefined
  let isBegun = false
  for await (const piece of source as AsyncIterable<Buffer>) {
    onRead(piece.length)
    head = head === undefined ? piece : Buffer.concat([head, piece])
    if (!isBegun && head.length < GZIP_MAGIC.length) continue
    isBegun = true
    yield head
    head = undefined
  }
  if (head !== undefined) yield head
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1]
}

function unpack(first: Buffer, rest: AsyncGenerator<Buffer, void>): AsyncIterable<Buffer> {
  async function* packed(): AsyncGenerator<Buffer, void> {
    yield first
    yield* rest
  }
  const source = Readable.from(packed())
  const gunzip = createGunzip({ chunkSize: GUNZIP_BYTES })
  source.on('error', (error) => gunzip.destroy(error))
  return source.pipe(gunzip)
}
