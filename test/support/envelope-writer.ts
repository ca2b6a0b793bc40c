import { createCipheriv, hkdfSync } from 'node:crypto'
import { sampleBytes } from './envelope-bytes.ts'
import type { Keyring } from '../../shared/envelope/index.ts'

export type HandWritten = {
  readonly plaintext: Buffer
  /** Stored in the message; no more than one, so that nothing has to be ordered. */
  readonly stored?: readonly [key: string, value: string]
  /** Authenticated, but not stored. */
  readonly notStored?: readonly [key: string, value: string]
  /** Null: one block without frames. */
  readonly frameLength: number | null
  /** Instead of what belongs there. */
  readonly frameIv?: Buffer
  readonly blockLength?: number
  /** Whether plaintext that fills its frames is followed by an empty final frame. */
  readonly emptyFinalFrame?: boolean
}

const DATA_KEY = sampleBytes(32, 'data key')
const MESSAGE_ID = sampleBytes(32, 'message id')
const CODE = Buffer.of(4, 0x78)

/** A keyring that gives the data key of every hand-written message. */
export const WRITER_KEYRING: Keyring = {
  identity: 'hand-written',
  generateDataKey: () => Promise.reject(new Error('it only reads')),
  decryptDataKey: () => Promise.resolve({ bytes: Buffer.from(DATA_KEY), wrappedBy: 'by hand' }),
}

/** A message of suite 0478 in forms that Keytrail reads and does not write: made of the documents, without a line of the product. */
export function handWritten(message: HandWritten): Buffer {
  const { stored, notStored, frameLength, plaintext } = message
  const key = Buffer.from(hkdfSync('sha512', DATA_KEY, MESSAGE_ID, Buffer.concat([CODE, Buffer.from('DERIVEKEY')]), 32))
  const commitment = Buffer.from(hkdfSync('sha512', DATA_KEY, MESSAGE_ID, Buffer.from('COMMITKEY'), 32))
  const context = stored === undefined ? Buffer.alloc(0) : pairBytes(stored)
  const header = Buffer.concat([
    Buffer.of(2),
    CODE,
    MESSAGE_ID,
    text(context),
    number(1, 2),
    ...['provider', 'info', 'wrapped'].map((part) => text(Buffer.from(part))),
    Buffer.of(frameLength === null ? 1 : 2),
    number(frameLength ?? 0, 4),
    commitment,
  ])
  const authenticated = Buffer.concat([header, notStored === undefined ? Buffer.alloc(0) : pairBytes(notStored)])
  const { tag } = sealed(key, Buffer.alloc(12), authenticated, Buffer.alloc(0))
  const body = frameLength === null ? blockBytes(key, message) : frameBytes(key, plaintext, frameLength, message)
  return Buffer.concat([header, tag, ...body])
}

function blockBytes(key: Buffer, { plaintext, frameIv, blockLength }: HandWritten): readonly Buffer[] {
  const iv = frameIv ?? number(1, 12)
  const { ciphertext, tag } = sealed(key, iv, bodyAad('Single Block', 1, plaintext.length), plaintext)
  return [iv, number(blockLength ?? plaintext.length, 8), ciphertext, tag]
}

function frameBytes(
  key: Buffer,
  plaintext: Buffer,
  frameLength: number,
  { frameIv, emptyFinalFrame = false }: HandWritten,
): readonly Buffer[] {
  const parts: Buffer[] = []
  let at = 0
  for (let sequence = 1; ; sequence++) {
    const iv = frameIv ?? number(sequence, 12)
    const left = plaintext.length - at
    const last = emptyFinalFrame ? left < frameLength : left <= frameLength
    const content = plaintext.subarray(at, at + frameLength)
    const { ciphertext, tag } = sealed(key, iv, bodyAad(last ? 'Final Frame' : 'Frame', sequence, content.length), content)
    if (last) return [...parts, Buffer.alloc(4, 0xff), number(sequence, 4), iv, number(content.length, 4), ciphertext, tag]
    parts.push(number(sequence, 4), iv, ciphertext, tag)
    at += frameLength
  }
}

function bodyAad(label: string, sequence: number, length: number): Buffer {
  return Buffer.concat([MESSAGE_ID, Buffer.from(`AWSKMSEncryptionClient ${label}`), number(sequence, 4), number(length, 8)])
}

function sealed(key: Buffer, iv: Buffer, aad: Buffer, content: Buffer): { readonly ciphertext: Buffer; readonly tag: Buffer } {
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(aad)
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()])
  return { ciphertext, tag: cipher.getAuthTag() }
}

function pairBytes([key, value]: readonly [string, string]): Buffer {
  return Buffer.concat([number(1, 2), text(Buffer.from(key)), text(Buffer.from(value))])
}

function text(bytes: Buffer): Buffer {
  return Buffer.concat([number(bytes.length, 2), bytes])
}

function number(value: number, bytes: number): Buffer {
  const written = Buffer.alloc(bytes)
  written.writeUIntBE(value, Math.max(0, bytes - 6), Math.min(bytes, 6))
  return written
}
