import { Readable } from 'node:stream'
import { createGunzip, gunzipSync } from 'node:zlib'
import { fileError } from './file-error.ts'

const GUNZIP_BYTES = 1 << 20
const SMALL_PIECE_BYTES = 1 << 12

export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** The unpacked bytes of a small gzip file; null if they are not to be had at once: an `Unpacker` then says why, or takes its time. */
export function unpackedAtOnce(packed: Buffer, bytesMax: number): Buffer | null {
  // The last four bytes tell the size of the last member, modulo 4 GiB: a hint, no promise. RFC 1952, 2.3.1.
  const sizeHint = packed.length < 18 ? 0 : packed.readUInt32LE(packed.length - 4)
  if (sizeHint > bytesMax) return null
  try {
    return gunzipSync(packed, { chunkSize: Math.max(sizeHint + 64, GUNZIP_BYTES), maxOutputLength: bytesMax })
  } catch {
    return null
  }
}

/** Unpacks a gzip file, and gives its bytes on piece by piece. */
export type Unpacker = {
  /** @returns why it could not be unpacked to its end; null if it was */
  unpack(packed: AsyncIterable<Buffer>): Promise<string | null>
  /**
   * After a failure, gives on what stands before the fault and was not given: zlib throws away what it unpacked in the call that
   * fails, up to a megabyte. Unpacks again in small pieces, then the piece that fails byte by byte.
   */
  salvage(packed: () => AsyncIterable<Buffer>): Promise<void>
  givenBytes(): number
}

export function createUnpacker(expandedBytesMax: number, give: (bytes: Uint8Array) => void): Unpacker {
  let given = 0
  let isTooLarge = false

  return {
    async unpack(packed) {
      const source = Readable.from(packed)
      const gunzip = createGunzip({ chunkSize: GUNZIP_BYTES })
      source.on('error', (error) => gunzip.destroy(error))
      try {
        for await (const piece of source.pipe(gunzip) as AsyncIterable<Buffer>) {
          isTooLarge = given + piece.length > expandedBytesMax
          if (isTooLarge) break
          given += piece.length
          give(piece)
        }
      } catch (error) {
        return fileError(error)
      } finally {
        // Not waited for: standard input may never give another byte.
        source.destroy()
      }
      return isTooLarge ? `it unpacks to more than ${expandedBytesMax} bytes (--expanded-mib raises the limit)` : null
    },
    async salvage(packed) {
      if (isTooLarge) return
      const sound = await soundBytes(packed(), SMALL_PIECE_BYTES, Number.POSITIVE_INFINITY, () => undefined)
      let skipped = given
      await soundBytes(packed(), SMALL_PIECE_BYTES, sound, (piece) => {
        const rest = piece.subarray(Math.min(skipped, piece.length))
        skipped -= piece.length - rest.length
        if (rest.length === 0 || given + rest.length > expandedBytesMax) return
        given += rest.length
        give(rest)
      })
    },
    givenBytes: () => given,
  }
}

/** Unpacks piece by piece, from `singlyFrom` on byte by byte, until a piece fails. @returns how many packed bytes did not */
async function soundBytes(
  packed: AsyncIterable<Buffer>,
  pieceBytes: number,
  singlyFrom: number,
  give: (bytes: Buffer) => void,
): Promise<number> {
  const gunzip = createGunzip({ chunkSize: GUNZIP_BYTES })
  gunzip.on('data', give)
  const isFailed = new Promise<false>((resolve) => gunzip.on('error', () => resolve(false)))
  let sound = 0
  try {
    for await (const buffer of packed) {
      for (let offset = 0; offset < buffer.length;) {
        const size = sound < singlyFrom ? Math.min(pieceBytes, singlyFrom - sound) : 1
        const piece = buffer.subarray(offset, offset + size)
        const isWritten = new Promise<boolean>((resolve) => gunzip.write(piece, (error) => resolve(!error)))
        if (!(await Promise.race([isWritten, isFailed]))) return sound
        sound += piece.length
        offset += piece.length
      }
    }
    return sound
  } finally {
    gunzip.destroy()
  }
}
