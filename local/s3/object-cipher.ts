import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** One run of stored bytes: an object put at once, or one part of it. */
export type Segment = {
  readonly length: number
  /** Initialization vector and tag of each layer, the innermost first, in base64. */
  readonly layers: readonly { readonly iv: string; readonly tag: string }[]
}

/** Keys of an object's layers: one, or two with DSSE-KMS. */
export type ObjectKeys = readonly Buffer[]

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
/** https://csrc.nist.gov/pubs/sp/800/38/d/final, 5.2.1.1 */
const IV_BYTES = 12
const TAG_BYTES = 16

export function newKey(): Buffer {
  return randomBytes(KEY_BYTES)
}

/** Ciphertext as long as the bytes, bound to the object's name. */
export function sealBytes(keys: ObjectKeys, name: string, bytes: Buffer): { readonly stored: Buffer; readonly segment: Segment } {
  let stored = bytes
  const layers = keys.map((key) => {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(name))
    stored = Buffer.concat([cipher.update(stored), cipher.final()])
    return { iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64') }
  })
  return { stored, segment: { length: bytes.length, layers } }
}

/** The bytes; null if anything of it was changed. */
export function openBytes(keys: ObjectKeys, name: string, stored: Buffer, segments: readonly Segment[]): Buffer | null {
  if (segments.reduce((length, segment) => length + segment.length, 0) !== stored.length) return null
  let at = 0
  const opened: Buffer[] = []
  for (const { length, layers } of segments) {
    let bytes: Buffer | null = stored.subarray(at, at + length)
    if (layers.length !== keys.length) return null
    for (const [index, { iv, tag }] of [...layers.entries()].toReversed()) {
      const key = keys[index]
      bytes = key === undefined || bytes === null ? null : openLayer(key, name, { iv, tag }, bytes)
    }
    if (bytes === null) return null
    opened.push(bytes)
    at += length
  }
  return opened.length === 1 ? (opened[0] ?? null) : Buffer.concat(opened)
}

function openLayer(key: Buffer, name: string, { iv, tag }: { readonly iv: string; readonly tag: string }, bytes: Buffer): Buffer | null {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(iv, 'base64'), { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(name)).setAuthTag(Buffer.from(tag, 'base64'))
    return Buffer.concat([decipher.update(bytes), decipher.final()])
  } catch {
    return null
  }
}

/** An object's key under another, in base64. */
export function wrapKey(wrapping: Buffer, name: string, key: Buffer): string {
  const { stored, segment } = sealBytes([derived(wrapping, name)], name, key)
  const [layer = { iv: '', tag: '' }] = segment.layers
  return Buffer.concat([Buffer.from(layer.iv, 'base64'), Buffer.from(layer.tag, 'base64'), stored]).toString('base64')
}

/** Null if it was wrapped under another key, for another object, or was changed. */
export function unwrapKey(wrapping: Buffer, name: string, wrapped: string): Buffer | null {
  const bytes = Buffer.from(wrapped, 'base64')
  if (bytes.length !== IV_BYTES + TAG_BYTES + KEY_BYTES) return null
  const iv = bytes.toString('base64', 0, IV_BYTES)
  const tag = bytes.toString('base64', IV_BYTES, IV_BYTES + TAG_BYTES)
  return openLayer(derived(wrapping, name), name, { iv, tag }, bytes.subarray(IV_BYTES + TAG_BYTES))
}

/** A key of its own for each object: one bucket-level key wraps those of many. https://www.rfc-editor.org/rfc/rfc5869 */
function derived(key: Buffer, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `keytrail s3 ${name}`, KEY_BYTES))
}

/** The entity tag of bytes in one piece, with its quotes. */
export function entityTag(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/** The entity tag of an object of parts, from theirs. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html */
export function entityTagOfParts(tags: readonly string[]): string {
  const digest = createHash('md5')
  for (const tag of tags) digest.update(Buffer.from(tag.replaceAll('"', ''), 'hex'))
  return `"${digest.digest('hex')}-${tags.length}"`
}
