import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM, type KeyObject } from 'node:crypto'
import { EnvelopeError } from './errors.ts'
import { IV_BYTES, TAG_BYTES } from './header.ts'
import type { Suite } from './suites.ts'

/** A frame of full length, the last frame, or the one block of a message without frames. */
export type FrameKind = 'regular' | 'final' | 'block'

/** https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html#body-structure */
const LABEL = {
  regular: Buffer.from('AWSKMSEncryptionClient Frame'),
  final: Buffer.from('AWSKMSEncryptionClient Final Frame'),
  block: Buffer.from('AWSKMSEncryptionClient Single Block'),
} as const
/** What stands before the ciphertext: sequence number and IV; marker, sequence number, IV and length; IV and a length of eight bytes. */
export const FRAME_HEAD_BYTES = { regular: 4 + IV_BYTES, final: 4 + 4 + IV_BYTES + 4, block: IV_BYTES + 8 } as const
/** Stands in place of the sequence number of a final frame. */
const FINAL_MARKER = 0xffffffff
/** Sequence numbers have four bytes, and their highest value is the marker. */
const FRAMES_MAX = FINAL_MARKER
export const FRAME_LENGTH_MAX = 0xffffffff
const SEQUENCE_AT = IV_BYTES - 4
const TWO_32 = 2 ** 32
const FIRST_IV = Buffer.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
const WITH_TAG = { authTagLength: TAG_BYTES } as const

/**
 * Encrypts or decrypts the frames of one message. Sequence numbers are counted here, never taken from callers or messages, and an IV ends in
 * one. The eight bytes before are zero when written; when read, those of the first frame hold for all: known-answer messages of AWS have
 * others (https://github.com/aws/aws-encryption-sdk-python, test/resources/commitment-test-vectors.json).
 */
export type FrameCrypt = {
  /** What the next frame begins with: `FRAME_HEAD_BYTES[kind]` bytes, written to `target` at `at`. */
  writeHead(target: Buffer, at: number, kind: FrameKind, length: number): void
  /** @throws EnvelopeError `frame-sequence`, `frame-iv` unless the head in `bytes` at `at` is that of the next frame */
  requireHead(bytes: Buffer, at: number, kind: FrameKind): void
  /** The cipher of the next frame. */
  nextCipher(kind: FrameKind, length: number): CipherGCM
  nextDecipher(kind: FrameKind, length: number): DecipherGCM
}

export function createFrameCrypt(suite: Suite, key: KeyObject, messageId: Uint8Array): FrameCrypt {
  const iv = Buffer.from(FIRST_IV)
  const aads: Partial<Record<FrameKind, Buffer>> = {}
  let sequence = 1

  /** Message id, label, sequence number, length of the content. */
  function aadOf(kind: FrameKind, length: number): Buffer {
    const aad = (aads[kind] ??= newAad(messageId, LABEL[kind]))
    aad.writeUInt32BE(sequence, aad.length - 12)
    writeLength(aad, length, aad.length - 8)
    return aad
  }
  function advance(): void {
    sequence++
    if (sequence <= FRAMES_MAX) iv.writeUInt32BE(sequence, SEQUENCE_AT)
  }

  return {
    writeHead(target, at, kind, length) {
      // The final frame may have the highest number; behind it there is none.
      if (sequence > FRAMES_MAX || (kind === 'regular' && sequence === FRAMES_MAX)) throw tooManyFrames()
      let to = at
      if (kind === 'final') to = target.writeUInt32BE(FINAL_MARKER, to)
      if (kind !== 'block') to = target.writeUInt32BE(sequence, to)
      target.set(iv, to)
      if (kind === 'final') target.writeUInt32BE(length, to + IV_BYTES)
      if (kind === 'block') writeLength(target, length, to + IV_BYTES)
    },
    requireHead(bytes, at, kind) {
      const ivAt = at + (kind === 'final' ? 8 : kind === 'regular' ? 4 : 0)
      if (kind !== 'block' && bytes.readUInt32BE(ivAt - 4) !== sequence) {
        throw new EnvelopeError('frame-sequence', `the frame where number ${sequence} belongs has another number`)
      }
      if (sequence === 1) bytes.copy(iv, 0, ivAt, ivAt + SEQUENCE_AT)
      if (bytes.compare(iv, 0, IV_BYTES, ivAt, ivAt + IV_BYTES) !== 0) {
        throw new EnvelopeError('frame-iv', `the IV of frame ${sequence} is not made of its number`)
      }
    },
    nextCipher(kind, length) {
      const cipher = createCipheriv(suite.cipher, key, iv)
      cipher.setAAD(aadOf(kind, length))
      advance()
      return cipher
    },
    nextDecipher(kind, length) {
      const decipher = createDecipheriv(suite.cipher, key, iv, WITH_TAG)
      decipher.setAAD(aadOf(kind, length))
      advance()
      return decipher
    },
  }
}

/** @throws EnvelopeError `frame-tag` unless the tag belongs to all that the decipher was given */
export function requireFrameTag(decipher: DecipherGCM, tag: Uint8Array): void {
  decipher.setAuthTag(tag)
  try {
    decipher.final()
  } catch {
    throw new EnvelopeError('frame-tag', 'a frame was changed, or is not of this message')
  }
}

/** What is known of a frame once its head is there. */
export type FrameShape = { readonly kind: FrameKind; readonly length: number }

/**
 * Reads which frame begins at `at`: null, if `bytes` end before that can be told.
 * @throws EnvelopeError `frame-size` for a final frame longer than `frameLength`, or a block longer than Node.js can hold
 */
export function frameShape(bytes: Buffer, at: number, frameLength: number | null): FrameShape | null {
  const left = bytes.length - at
  if (frameLength === null) {
    if (left < FRAME_HEAD_BYTES.block) return null
    const length = bytes.readUInt32BE(at + IV_BYTES) * TWO_32 + bytes.readUInt32BE(at + IV_BYTES + 4)
    if (length > BLOCK_BYTES_MAX) throw new EnvelopeError('frame-size', `a body without frames has at most ${BLOCK_BYTES_MAX} bytes`)
    return { kind: 'block', length }
  }
  if (left < 4) return null
  if (bytes.readUInt32BE(at) !== FINAL_MARKER) return { kind: 'regular', length: frameLength }
  if (left < FRAME_HEAD_BYTES.final) return null
  const length = bytes.readUInt32BE(at + FRAME_HEAD_BYTES.final - 4)
  if (length > frameLength) throw new EnvelopeError('frame-size', 'the final frame is longer than the frame length of the message')
  return { kind: 'final', length }
}

/** AES-GCM under one IV. https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html#body-no-framing */
const BLOCK_BYTES_MAX = 2 ** 36 - 32

function newAad(messageId: Uint8Array, label: Buffer): Buffer {
  const aad = Buffer.allocUnsafe(messageId.length + label.length + 12)
  aad.set(messageId)
  aad.set(label, messageId.length)
  return aad
}

function writeLength(target: Buffer, length: number, at: number): void {
  target.writeUInt32BE(Math.floor(length / TWO_32), at)
  target.writeUInt32BE(length % TWO_32, at + 4)
}

function tooManyFrames(): EnvelopeError {
  return new EnvelopeError('frame-count', `a message has at most ${FRAMES_MAX} frames: take a longer frame length`)
}
