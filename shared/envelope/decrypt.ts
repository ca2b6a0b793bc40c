import { EnvelopeError } from './errors.ts'
import { FRAME_HEAD_BYTES, type FrameCrypt, frameShape, type FrameShape, requireFrameTag } from './frames.ts'
import { headerBytesNeeded, type MessageHeader, type ParsedHeader, TAG_BYTES } from './header.ts'
import { type DecryptOptions, decryptPlan, type OutputOptions } from './options.ts'
import { outputFor, viewOf } from './output.ts'
import { admittedHeader, openedMessage } from './read-message.ts'
import { requireSignature } from './signature.ts'

/** Where the parts of a message stand: all of them are there, and nothing else is. */
type Layout = {
  readonly bodyAt: number
  readonly regularFrames: number
  readonly last: FrameShape
  readonly bodyEnd: number
  readonly plaintextBytes: number
  readonly signature: Buffer | null
}

/**
 * Decrypts a message of the AWS Encryption SDK. Nothing is given out before every tag and the signature were checked.
 * Messages that are cut off, too long or refused by the commitment policy fail before any key is asked for.
 * The message must not change before the promise settles.
 * @throws EnvelopeError see `rule`: wrong use, keys that cannot be had, or a message that is not what was written
 */
export async function decrypt(
  message: Uint8Array,
  options: DecryptOptions & OutputOptions,
): Promise<{ readonly plaintext: Buffer; readonly header: MessageHeader }> {
  const plan = decryptPlan(options)
  const input = viewOf('message', message)
  const headerBytes = headerBytesNeeded(input, plan.encryptedDataKeysMax)
  if (headerBytes > input.length) throw cutOff()
  // A copy: what was parsed must be what is authenticated, whatever the caller does meanwhile.
  const admitted = admittedHeader(plan, Buffer.from(input.subarray(0, headerBytes)))
  const layout = layoutOf(input, headerBytes, admitted.parsed)
  const plaintext = outputFor(options.into, layout.plaintextBytes, input)
  const { header, frames, verificationKey } = await openedMessage(plan, admitted)
  try {
    readBody(frames, input, layout, admitted.parsed.frameLength ?? 0, plaintext)
    const { signature } = admitted.parsed.suite
    if (signature !== null && verificationKey !== null && layout.signature !== null) {
      await requireSignature(signature, verificationKey, input.subarray(0, layout.bodyEnd), layout.signature)
    }
    return { plaintext, header }
  } catch (error) {
    plaintext.fill(0)
    throw error
  }
}

/** @throws EnvelopeError `truncated`, `trailing-bytes`, `frame-size` */
function layoutOf(input: Buffer, bodyAt: number, { suite, frameLength }: ParsedHeader): Layout {
  let at = bodyAt
  let regularFrames = 0
  let shape = frameShape(input, at, frameLength)
  while (shape?.kind === 'regular') {
    at += FRAME_HEAD_BYTES.regular + shape.length + TAG_BYTES
    regularFrames++
    shape = frameShape(input, at, frameLength)
  }
  if (shape === null) throw cutOff()
  const bodyEnd = at + FRAME_HEAD_BYTES[shape.kind] + shape.length + TAG_BYTES
  let end = bodyEnd
  if (suite.signature !== null) end += bodyEnd + 2 > input.length ? 2 : 2 + input.readUInt16BE(bodyEnd)
  if (end > input.length) throw cutOff()
  if (end < input.length) throw new EnvelopeError('trailing-bytes', `${input.length - end} bytes follow after the end of the message`)
  return {
    bodyAt,
    regularFrames,
    last: shape,
    bodyEnd,
    plaintextBytes: regularFrames * (frameLength ?? 0) + shape.length,
    signature: suite.signature === null ? null : input.subarray(bodyEnd + 2),
  }
}

function readBody(
  frames: FrameCrypt,
  input: Buffer,
  { bodyAt, regularFrames, last }: Layout,
  frameLength: number,
  plaintext: Buffer,
): void {
  let at = bodyAt
  let to = 0
  for (let frame = 0; frame <= regularFrames; frame++) {
    const kind = frame < regularFrames ? 'regular' : last.kind
    const length = frame < regularFrames ? frameLength : last.length
    frames.requireHead(input, at, kind)
    at += FRAME_HEAD_BYTES[kind]
    const decipher = frames.nextDecipher(kind, length)
    plaintext.set(decipher.update(input.subarray(at, at + length)), to)
    at += length
    requireFrameTag(decipher, input.subarray(at, at + TAG_BYTES))
    at += TAG_BYTES
    to += length
  }
}

function cutOff(): EnvelopeError {
  return new EnvelopeError('truncated', 'the message is cut off: its end is missing')
}
