import type { KeyObject, Sign } from 'node:crypto'
import { createByteQueue } from './byte-queue.ts'
import { EnvelopeError } from './errors.ts'
import { FRAME_HEAD_BYTES, type FrameCrypt, type FrameKind } from './frames.ts'
import { headerLength } from './header.ts'
import { createMessageStream, type MessageOutput, type MessageStream, type MessageWork } from './message-stream.ts'
import { type EncryptOptions, type EncryptPlan, encryptPlan, requireInteger } from './options.ts'
import { newSigner } from './signature.ts'
import { leaseForWriting, writtenHeader } from './write-message.ts'

export type EncryptStreamOptions = EncryptOptions & {
  /** How many bytes will come, if that is known: only then may keys come from a cache. More or fewer are an error. */
  readonly plaintextBytes?: number
}

/** What a message is written with, once its header is out. */
type Writing = { readonly frames: FrameCrypt; readonly signer: Sign | null; readonly signingKey: KeyObject | null }

const SIGNATURE_LENGTH_BYTES = 2

/**
 * A stream from plaintext to a message of the AWS Encryption SDK. It holds one frame of plaintext, and asks for keys when the first bytes
 * come.
 * @throws EnvelopeError at once for wrong use; the stream fails with one for keys that cannot be had, and `plaintext-length`
 */
export function encryptStream(options: EncryptStreamOptions): MessageStream {
  const plan = encryptPlan(options)
  const { plaintextBytes = null } = options
  if (plaintextBytes !== null) requireInteger('options', 'plaintextBytes', plaintextBytes, Number.MAX_SAFE_INTEGER, 0)
  return createMessageStream((output) => encryptWork(plan, plaintextBytes, output))
}

function encryptWork(plan: EncryptPlan, plaintextBytes: number | null, output: MessageOutput): MessageWork {
  const queue = createByteQueue()
  let writing: Writing | null = null
  let total = 0
  /** The tag of the frame before: it goes out with the head of the next one, as small chunks cost as much as large ones. */
  let pending = Buffer.alloc(0)

  async function begun(): Promise<Writing> {
    const lease = await leaseForWriting(plan, plaintextBytes)
    try {
      const target = Buffer.alloc(headerLength(lease.materials))
      const { header, frames } = writtenHeader(plan, lease.materials, target)
      output.showHeader(header)
      const signer = newSigner(plan.suite)
      signer?.update(target)
      output.push(target)
      return { frames, signer, signingKey: lease.materials.signingKey }
    } finally {
      lease.release()
    }
  }

  function emit(bytes: Buffer, signer: Sign | null): void {
    signer?.update(bytes)
    output.push(bytes)
  }

  function writeFrame({ frames, signer }: Writing, kind: FrameKind, length: number): void {
    const head = Buffer.allocUnsafe(pending.length + FRAME_HEAD_BYTES[kind])
    head.set(pending)
    frames.writeHead(head, pending.length, kind, length)
    emit(head, signer)
    const cipher = frames.nextCipher(kind, length)
    for (const piece of queue.takePieces(length)) emit(cipher.update(piece), signer)
    cipher.final()
    pending = cipher.getAuthTag()
  }

  /** A frame is written as soon as it is known not to be the last one. */
  function writeFrames(to: Writing): void {
    while (queue.length > plan.frameLength) writeFrame(to, 'regular', plan.frameLength)
  }

  function finish(to: Writing): void {
    if (plaintextBytes !== null && total !== plaintextBytes) throw wrongLength(plaintextBytes, 'only', total)
    writeFrame(to, 'final', queue.length)
    emit(pending, to.signer)
    if (to.signer === null || to.signingKey === null) return
    const signature = to.signer.sign(to.signingKey)
    const length = Buffer.alloc(SIGNATURE_LENGTH_BYTES)
    length.writeUInt16BE(signature.length)
    output.push(Buffer.concat([length, signature]))
  }

  return {
    onBytes(bytes) {
      total += bytes.length
      if (plaintextBytes !== null && total > plaintextBytes) throw wrongLength(plaintextBytes, 'at least', total)
      queue.push(bytes)
      if (writing === null) return begun().then((to) => writeFrames((writing = to)))
      writeFrames(writing)
      return null
    },
    onEnd() {
      if (writing === null) return begun().then(finish)
      finish(writing)
      return null
    },
  }
}

function wrongLength(announced: number, came: 'only' | 'at least', total: number): EnvelopeError {
  return new EnvelopeError('plaintext-length', `plaintextBytes announced ${announced} bytes, and ${came} ${total} came`)
}
