import type { DecipherGCM, Verify } from 'node:crypto'
import { createByteQueue } from './byte-queue.ts'
import { EnvelopeError } from './errors.ts'
import { FRAME_HEAD_BYTES, FRAME_LENGTH_MAX, type FrameKind, frameShape, requireFrameTag } from './frames.ts'
import { headerBytesNeeded, TAG_BYTES } from './header.ts'
import { createMessageStream, type MessageOutput, type MessageStream, type MessageWork } from './message-stream.ts'
import { type DecryptOptions, type DecryptPlan, decryptPlan, requireInteger } from './options.ts'
import { admittedHeader, type OpenedMessage, openedMessage } from './read-message.ts'
import { newVerifier, requireVerified } from './signature.ts'

export type DecryptStreamOptions = DecryptOptions & {
  /**
   * Lets signed messages be read as a stream. All frames but the last one come out before the signature was verified: authentic for who
   * holds the data key, not yet for its writer. Whoever takes them must throw them away if the stream fails. Default false.
   */
  readonly allowUnverified?: boolean
  /** Bytes: a frame, or a body without frames, is held in memory until its tag was checked. 64 MiB unless told. */
  readonly maxFrameLength?: number
}

type Limits = { readonly allowUnverified: boolean; readonly frameBytesMax: number }

/** A message whose header is authentic, and what its signature is checked with. */
type Reading = { readonly message: OpenedMessage; readonly verifier: Verify | null }
/** A frame of which some bytes are still to come. Its plaintext waits for its tag. */
type OpenFrame = { readonly kind: FrameKind; readonly decipher: DecipherGCM; readonly plaintext: Buffer[]; bytesLeft: number }
/** Where in a message the next bytes stand. */
type Place =
  | { readonly in: 'header'; readonly bytesNeeded: number }
  | { readonly in: 'head'; readonly reading: Reading }
  | { readonly in: 'frame'; readonly reading: Reading; readonly frame: OpenFrame }
  | { readonly in: 'footer'; readonly message: OpenedMessage; readonly verifier: Verify }
  | { readonly in: 'end' }

/** Ciphertext is decrypted as it comes, while it is in the processor's cache, but not in smaller pieces, each of which is an object. */
const STEP_BYTES = 16 * 1024
const FRAME_LENGTH_DEFAULT_MAX = 64 * 1024 * 1024

/**
 * A stream from a message of the AWS Encryption SDK to its plaintext. A frame comes out after its own tag was checked; the last one after
 * the signature, if there is one, and the end of the input.
 * @throws EnvelopeError at once for wrong use; the stream fails with one for keys that cannot be had, and for a message that is not what was
 * written
 */
export function decryptStream(options: DecryptStreamOptions): MessageStream {
  const plan = decryptPlan(options)
  const { allowUnverified = false, maxFrameLength = FRAME_LENGTH_DEFAULT_MAX } = options
  requireInteger('options', 'maxFrameLength', maxFrameLength, FRAME_LENGTH_MAX)
  return createMessageStream((output) => decryptWork(plan, { allowUnverified, frameBytesMax: maxFrameLength }, output))
}

function decryptWork(plan: DecryptPlan, limits: Limits, output: MessageOutput): MessageWork {
  const queue = createByteQueue()
  let place: Place = { in: 'header', bytesNeeded: 1 }
  /** The plaintext of the last frame. */
  let held: readonly Buffer[] = []

  /** Goes on as far as the bytes reach. */
  function advance(): Promise<void> | null {
    let moved = true
    while (moved) {
      switch (place.in) {
        case 'header': {
          if (queue.length < place.bytesNeeded) return null
          const bytesNeeded = headerBytesNeeded(queue.peek(place.bytesNeeded), plan.encryptedDataKeysMax)
          if (bytesNeeded === place.bytesNeeded) return openAndAdvance(queue.take(bytesNeeded))
          place = { in: 'header', bytesNeeded }
          break
        }
        case 'head':
          moved = readHead(place.reading)
          break
        case 'frame':
          moved = readFrame(place)
          break
        case 'footer':
          moved = readFooter(place)
          break
        case 'end':
          if (queue.length > 0) throw new EnvelopeError('trailing-bytes', 'bytes follow after the end of the message')
          moved = false
      }
    }
    return null
  }

  async function openAndAdvance(headerBytes: Buffer): Promise<void> {
    await open(headerBytes)
    await advance()
  }

  async function open(bytes: Buffer): Promise<void> {
    const admitted = admittedHeader(plan, Buffer.from(bytes))
    const { suite, frameLength } = admitted.parsed
    if (suite.signature !== null && !limits.allowUnverified) {
      throw new EnvelopeError('signed-stream', 'a signed message is read as a stream only with allowUnverified: see there')
    }
    requireSize(frameLength ?? 0)
    const message = await openedMessage(plan, admitted)
    const verifier = newVerifier(suite)
    verifier?.update(bytes)
    output.showHeader(message.header)
    place = { in: 'head', reading: { message, verifier } }
  }

  /** Whether it was all there. */
  function readHead(reading: Reading): boolean {
    const { frames, header } = reading.message
    const shape = frameShape(queue.peek(Math.min(queue.length, FRAME_HEAD_BYTES.final)), 0, header.frameLength)
    if (shape === null || queue.length < FRAME_HEAD_BYTES[shape.kind]) return false
    requireSize(shape.length)
    const { kind, length } = shape
    const head = queue.take(FRAME_HEAD_BYTES[kind])
    frames.requireHead(head, 0, kind)
    reading.verifier?.update(head)
    place = { in: 'frame', reading, frame: { kind, decipher: frames.nextDecipher(kind, length), plaintext: [], bytesLeft: length } }
    return true
  }

  /** Whether its end was reached. */
  function readFrame({ reading, frame }: Extract<Place, { in: 'frame' }>): boolean {
    const bytes = Math.min(frame.bytesLeft, queue.length)
    if (bytes < Math.min(frame.bytesLeft, STEP_BYTES)) return false
    for (const piece of queue.takePieces(bytes)) {
      reading.verifier?.update(piece)
      frame.plaintext.push(frame.decipher.update(piece))
    }
    frame.bytesLeft -= bytes
    if (frame.bytesLeft > 0 || queue.length < TAG_BYTES) return false
    const tag = queue.take(TAG_BYTES)
    requireFrameTag(frame.decipher, tag)
    reading.verifier?.update(tag)
    if (frame.kind === 'regular') {
      for (const piece of frame.plaintext) output.push(piece)
      place = { in: 'head', reading }
    } else {
      held = frame.plaintext
      place = reading.verifier === null ? { in: 'end' } : { in: 'footer', message: reading.message, verifier: reading.verifier }
    }
    return true
  }

  /** Whether it was all there. */
  function readFooter({ message, verifier }: Extract<Place, { in: 'footer' }>): boolean {
    if (queue.length < 2) return false
    const length = queue.peek(2).readUInt16BE()
    if (queue.length < 2 + length) return false
    const signature = queue.take(2 + length).subarray(2)
    if (message.verificationKey === null) throw new EnvelopeError('signature-key', 'a signed message without a public key')
    requireVerified(verifier, message.verificationKey, signature)
    place = { in: 'end' }
    return true
  }

  function requireSize(bytes: number): void {
    if (bytes <= limits.frameBytesMax) return
    throw new EnvelopeError('frame-size', `a frame of ${bytes} bytes is more than maxFrameLength allows to hold: ${limits.frameBytesMax}`)
  }

  return {
    onBytes(bytes) {
      queue.push(bytes)
      return advance()
    },
    onEnd() {
      if (place.in !== 'end') throw new EnvelopeError('truncated', 'the message is cut off: its end is missing')
      for (const piece of held) output.push(piece)
      return null
    },
  }
}
