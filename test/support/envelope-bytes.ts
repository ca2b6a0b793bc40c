import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { EnvelopeError, type MessageStream, rawAesKeyring } from '../../shared/envelope/index.ts'

/** Bytes that differ from place to place, and are the same in every run. */
export function sampleBytes(length: number, seed = 'sample'): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) => createHash('sha256').update(`${seed} ${index}`).digest())
  return Buffer.concat(blocks, length)
}

export const WRAPPING_KEY = sampleBytes(32, 'wrapping key')
export const NAMES = { namespace: 'keytrail tests', name: 'a key, größer als ASCII' } as const

export function sampleKeyring(key: Uint8Array = WRAPPING_KEY): ReturnType<typeof rawAesKeyring> {
  return rawAesKeyring({ ...NAMES, key })
}

/** In pieces of so many bytes. */
export function cut(bytes: Buffer, pieceBytes: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  )
}

/** All that comes out of a stream that is fed these pieces. */
export async function through(stream: MessageStream, pieces: readonly Buffer[]): Promise<Buffer> {
  Readable.from(pieces, { objectMode: false }).pipe(stream)
  return buffer(stream)
}

/** How an operation ended: its rule if it failed as it should, or what else came of it. */
export async function ruleOf(operation: () => Promise<unknown>): Promise<string> {
  try {
    await operation()
    return 'no error'
  } catch (error) {
    return error instanceof EnvelopeError ? error.rule : `not an EnvelopeError: ${String(error)}`
  }
}

/** The error an operation ends in. @throws if it does not */
export async function errorOf(operation: () => Promise<unknown>): Promise<EnvelopeError> {
  try {
    await operation()
  } catch (error) {
    if (error instanceof EnvelopeError) return error
    throw error
  }
  throw new Error('the operation did not fail')
}

/** The parts of a message that was written here (version 2, framed, unsigned or signed). */
export type MessageParts = { readonly header: Buffer; readonly frames: readonly Buffer[]; readonly footer: Buffer }

/** Read without a line of the product. `headerBytes` from `headerBytesOf`. */
export function partsOf(message: Buffer, frameLength: number): MessageParts {
  const headerBytes = headerBytesOf(message)
  const frames: Buffer[] = []
  let at = headerBytes
  let last = false
  while (!last) {
    last = message.readUInt32BE(at) === 0xffffffff
    const end = at + (last ? 24 + message.readUInt32BE(at + 20) : 16 + frameLength) + 16
    frames.push(message.subarray(at, end))
    at = end
  }
  return { header: message.subarray(0, headerBytes), frames, footer: message.subarray(at) }
}

export function headerBytesOf(message: Buffer): number {
  let at = 35
  at += 2 + message.readUInt16BE(at)
  const keys = message.readUInt16BE(at)
  at += 2
  for (let field = 0; field < 3 * keys; field++) at += 2 + message.readUInt16BE(at)
  return at + 1 + 4 + 32 + 16
}
