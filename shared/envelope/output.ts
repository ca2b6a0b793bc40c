import { EnvelopeError } from './errors.ts'

/** The bytes as a Buffer: a view, no copy. @throws EnvelopeError `options` for anything but bytes */
export function viewOf(name: string, bytes: unknown): Buffer {
  if (!(bytes instanceof Uint8Array)) throw new EnvelopeError('options', `${name} must be a Buffer or a Uint8Array`)
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * `bytes` bytes to write to: of `into`, or new ones.
 * @throws EnvelopeError `output-size` if `into` is too small, `options` if it lies over the bytes that are read
 */
export function outputFor(into: Uint8Array | undefined, bytes: number, input: Uint8Array): Buffer {
  if (into === undefined) return Buffer.allocUnsafe(bytes)
  const view = viewOf('into', into)
  if (view.length < bytes) throw new EnvelopeError('output-size', `into has ${view.length} bytes, and ${bytes} are needed`)
  if (overlap(view, input)) throw new EnvelopeError('options', 'into must not overlap the bytes that are read')
  return view.subarray(0, bytes)
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
}
