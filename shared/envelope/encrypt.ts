import { FRAME_HEAD_BYTES, type FrameCrypt } from './frames.ts'
import { headerLength, type MessageHeader, TAG_BYTES } from './header.ts'
import { type EncryptOptions, encryptPlan, type OutputOptions } from './options.ts'
import { outputFor, viewOf } from './output.ts'
import { signatureOf } from './signature.ts'
import { leaseForWriting, type WrittenHeader, writtenHeader } from './write-message.ts'

const FRAME_OVERHEAD = FRAME_HEAD_BYTES.regular + TAG_BYTES
const FINAL_OVERHEAD = FRAME_HEAD_BYTES.final + TAG_BYTES
const SIGNATURE_LENGTH_BYTES = 2

/**
 * Encrypts bytes to a message of the AWS Encryption SDK (version 2).
 * With `into`, which must have room for the longest signature (106 bytes), `message` is a view of it. The plaintext must not change
 * before the promise settles.
 * @throws EnvelopeError see `rule`: wrong use, or keys that cannot be had
 */
export async function encrypt(
  plaintext: Uint8Array,
  options: EncryptOptions & OutputOptions,
): Promise<{ readonly message: Buffer; readonly header: MessageHeader }> {
  const plan = encryptPlan(options)
  const { suite, frameLength } = plan
  const input = viewOf('plaintext', plaintext)
  const lease = await leaseForWriting(plan, input.length)
  const { signingKey } = lease.materials
  const bodyBytes = bodyLength(input.length, frameLength)
  const { output, headerBytes, header, frames } = begun()
  writeBody(frames, frameLength, input, output, headerBytes)
  const signed = output.subarray(0, headerBytes + bodyBytes)
  if (suite.signature === null || signingKey === null) return { message: signed, header }
  const signature = await signatureOf(suite.signature, signingKey, signed)
  const end = output.writeUInt16BE(signature.length, signed.length)
  output.set(signature, end)
  return { message: output.subarray(0, end + signature.length), header }

  /** Once the header stands, the data key has done its work. */
  function begun(): WrittenHeader & { readonly output: Buffer; readonly headerBytes: number } {
    try {
      const length = headerLength(lease.materials)
      const footerBytes = suite.signature === null ? 0 : SIGNATURE_LENGTH_BYTES + suite.signature.signatureBytesMax
      const room = outputFor(options.into, length + bodyBytes + footerBytes, input)
      return { output: room, headerBytes: length, ...writtenHeader(plan, lease.materials, room) }
    } finally {
      lease.release()
    }
  }
}

/** A plaintext that fills its frames ends in a full final frame: no empty one follows. */
function bodyLength(plaintextBytes: number, frameLength: number): number {
  const regularFrames = Math.max(0, Math.ceil(plaintextBytes / frameLength) - 1)
  return regularFrames * FRAME_OVERHEAD + FINAL_OVERHEAD + plaintextBytes
}

function writeBody(frames: FrameCrypt, frameLength: number, input: Buffer, output: Buffer, start: number): void {
  let from = 0
  let at = start
  let last = false
  while (!last) {
    const length = Math.min(frameLength, input.length - from)
    last = from + length === input.length
    const kind = last ? 'final' : 'regular'
    frames.writeHead(output, at, kind, length)
    at += FRAME_HEAD_BYTES[kind]
    const cipher = frames.nextCipher(kind, length)
    output.set(cipher.update(input.subarray(from, from + length)), at)
    cipher.final()
    output.set(cipher.getAuthTag(), at + length)
    at += length + TAG_BYTES
    from += length
  }
}
