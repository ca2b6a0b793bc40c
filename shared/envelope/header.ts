import { isUtf8 } from 'node:buffer'
import { type EncryptionContext, parseContext, serializedContext } from './encryption-context.ts'
import { EnvelopeError } from './errors.ts'
import type { EncryptedDataKey, EncryptionMaterials } from './materials.ts'
import { type Suite, type SuiteId, suiteOfCode } from './suites.ts'

/** What a message says of itself: as an operation gives it out, all of it authenticated. */
export type MessageHeader = {
  readonly messageVersion: 1 | 2
  readonly suite: SuiteId
  /** Hexadecimal. */
  readonly messageId: string
  /** All pairs that are authenticated: those the message carries, and those that were given to read it. */
  readonly encryptionContext: EncryptionContext
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
  /** Bytes of plaintext in a frame; null: one block without frames. */
  readonly frameLength: number | null
}

/** A header as it was read: nothing of it is authenticated yet. */
export type ParsedHeader = Omit<MessageHeader, 'suite' | 'messageId'> & {
  readonly suite: Suite
  readonly messageId: Buffer
  readonly commitment: Buffer | null
  /** What the tag authenticates. */
  readonly authenticated: Buffer
  readonly iv: Buffer
  readonly tag: Buffer
}

export const IV_BYTES = 12
export const TAG_BYTES = 16
/** In messages of version 2, the header has sequence number 0 and no IV of its own. */
const ZERO_IV = Buffer.alloc(IV_BYTES)
const COMMITMENT_BYTES = 32
const ID_BYTES = { 1: 16, 2: 32 } as const
/** Version, in version 1 the type, suite. */
const HEAD_BYTES = { 1: 4, 2: 3 } as const
/** Content type, frame length, then: four zeros, IV length, IV (version 1), or the commitment (version 2); the tag. */
const TAIL_BYTES = { 1: 5 + 5 + IV_BYTES + TAG_BYTES, 2: 5 + COMMITMENT_BYTES + TAG_BYTES } as const
const MESSAGE_TYPE = 0x80
const NOT_FRAMED = 1
const FRAMED = 2
/** Base64 of a message begins with it: `AY` or `Ag`. */
const LETTER_A = 0x41
export const ENCRYPTED_DATA_KEYS_LIMIT = 65_535

/**
 * How long the header that `bytes` begin with is, as far as they tell: if this is more than there are, at least so many are needed
 * to tell more. Only lengths are read, so that nothing is allocated before all limits are checked.
 * @throws EnvelopeError `base64`, `version`, `suite`, `header`, or `encrypted-data-keys` for more than `encryptedDataKeysMax`
 */
export function headerBytesNeeded(bytes: Buffer, encryptedDataKeysMax: number): number {
  if (bytes.length === 0) return 1
  const version = versionOf(bytes)
  let at: number = HEAD_BYTES[version]
  if (at > bytes.length) return at
  suiteIn(bytes, version)
  at += ID_BYTES[version]
  for (const field of ['context', 'count'] as const) {
    if (at + 2 > bytes.length) return at + 2
    at += 2 + (field === 'context' ? bytes.readUInt16BE(at) : 0)
  }
  const count = bytes.readUInt16BE(at - 2)
  if (count === 0) throw malformed('it holds no encrypted data key')
  if (count > encryptedDataKeysMax) {
    throw new EnvelopeError('encrypted-data-keys', `the message has ${count} encrypted data keys, and ${encryptedDataKeysMax} are allowed`)
  }
  for (let field = 0; field < 3 * count; field++) {
    if (at + 2 > bytes.length) return at + 2
    at += 2 + bytes.readUInt16BE(at)
  }
  return at + TAIL_BYTES[version]
}

/** Nearly all data keys come from one provider: comparing its bytes costs less than reading them. */
let lastProvider: { readonly bytes: Buffer; readonly text: string } | null = null

/** Reads a header of just so many bytes as `headerBytesNeeded` tells. @throws EnvelopeError `header` */
export function parseHeader(bytes: Buffer): ParsedHeader {
  const messageVersion = versionOf(bytes)
  const suite = suiteIn(bytes, messageVersion)
  let at: number = HEAD_BYTES[messageVersion]
  const messageId = take(ID_BYTES[messageVersion])
  const encryptionContext = parseContext(field())
  const encryptedDataKeys: EncryptedDataKey[] = []
  for (let left = number16(); left > 0; left--) encryptedDataKeys.push(encryptedDataKey())
  const contentType = bytes[at++]
  if (messageVersion === 1 && take(4).readUInt32BE() !== 0) throw malformed('its reserved bytes are not zero')
  if (messageVersion === 1 && take(1)[0] !== IV_BYTES) throw malformed('its IVs have an unknown length')
  const length = bytes.readUInt32BE(at)
  at += 4
  if (contentType !== FRAMED && contentType !== NOT_FRAMED) throw malformed('its content type is unknown')
  if ((contentType === FRAMED) !== length > 0) throw malformed('its frame length does not suit its content type')
  const commitment = suite.commits ? take(COMMITMENT_BYTES) : null
  const authenticated = bytes.subarray(0, at)
  const iv = messageVersion === 1 ? take(IV_BYTES) : ZERO_IV
  const frameLength = contentType === FRAMED ? length : null
  const tag = take(TAG_BYTES)
  return { messageVersion, suite, messageId, encryptionContext, encryptedDataKeys, frameLength, commitment, authenticated, iv, tag }

  function take(count: number): Buffer {
    at += count
    return bytes.subarray(at - count, at)
  }
  function number16(): number {
    at += 2
    return bytes.readUInt16BE(at - 2)
  }
  function field(): Buffer {
    return take(number16())
  }
  function encryptedDataKey(): EncryptedDataKey {
    const providerId = field()
    if (lastProvider === null || !lastProvider.bytes.equals(providerId)) {
      if (!isUtf8(providerId)) throw malformed('the provider of a data key is no UTF-8')
      lastProvider = { bytes: Buffer.from(providerId), text: providerId.toString('utf8') }
    }
    return { providerId: lastProvider.text, providerInfo: field(), ciphertext: field() }
  }
}

/** The header of a message of version 2 that is about to be written, without its id, commitment and tag: see `writeHeader`. */
export function headerLength(materials: EncryptionMaterials): number {
  return HEAD_BYTES[2] + ID_BYTES[2] + keysSection(materials).length + TAIL_BYTES[2]
}

/** Where the parts of a header stand that are known only when its keys are. */
export const MESSAGE_ID_AT = HEAD_BYTES[2]
export const MESSAGE_ID_BYTES = ID_BYTES[2]

/** Writes a header of version 2 to the start of `target`, but for the message id, which stands there already, and the tag at its end. */
export function writeHeader(target: Buffer, materials: EncryptionMaterials, frameLength: number, commitment: Buffer): void {
  target[0] = 2
  target.writeUInt16BE(materials.suite.code, 1)
  const section = keysSection(materials)
  let at = MESSAGE_ID_AT + MESSAGE_ID_BYTES
  target.set(section, at)
  at += section.length
  target[at] = FRAMED
  target.writeUInt32BE(frameLength, at + 1)
  target.set(commitment, at + 5)
}

/** Cached materials serve many messages, whose headers have this part in common. */
const sections = new WeakMap<EncryptionMaterials, Buffer>()

/** @throws EnvelopeError `encryption-context`, `materials` for what does not fit the format */
function keysSection(materials: EncryptionMaterials): Buffer {
  const known = sections.get(materials)
  if (known !== undefined) return known
  const { encryptionContext, encryptedDataKeys } = materials
  const context = serializedContext(encryptionContext)
  const parts = encryptedDataKeys.flatMap((key) => [
    ...withLength(Buffer.from(key.providerId)),
    ...withLength(key.providerInfo),
    ...withLength(key.ciphertext),
  ])
  const section = Buffer.concat([...withLength(context), lengthBytes(encryptedDataKeys.length), ...parts])
  sections.set(materials, section)
  return section
}

function withLength(bytes: Uint8Array): readonly Uint8Array[] {
  return [lengthBytes(bytes.length), bytes]
}

function lengthBytes(length: number): Buffer {
  if (length > ENCRYPTED_DATA_KEYS_LIMIT) throw new EnvelopeError('materials', 'an encrypted data key is longer than a message can carry')
  return Buffer.of(length >> 8, length & 0xff)
}

function versionOf(bytes: Buffer): 1 | 2 {
  const version = bytes[0]
  if (version === 1 || version === 2) return version
  if (version === LETTER_A) throw new EnvelopeError('base64', 'the message is encoded in base64: decode it first')
  throw new EnvelopeError('version', 'this is no message of the AWS Encryption SDK: its version is neither 1 nor 2')
}

function suiteIn(bytes: Buffer, version: 1 | 2): Suite {
  if (version === 1 && bytes[1] !== MESSAGE_TYPE) throw malformed('its type is unknown')
  const suite = suiteOfCode(bytes.readUInt16BE(HEAD_BYTES[version] - 2))
  if (suite?.messageVersion !== version) throw new EnvelopeError('suite', 'the message names a suite that its version does not have')
  return suite
}

function malformed(why: string): EnvelopeError {
  return new EnvelopeError('header', `the header is malformed: ${why}`)
}
