import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { canonicalText, type EncryptionContext } from './encryption-context.ts'

/** One of the secrets a KMS key has had. */
export type KeyMaterial = {
  /** 64 hexadecimal digits, as CloudTrail names key material. */
  readonly materialId: string
  /** 32 bytes of a symmetric encryption key. */
  readonly secret: Uint8Array
}

/** What a ciphertext tells without its key. */
export type Ciphertext = {
  readonly keyArn: string
  readonly materialId: string
  readonly header: Buffer
  readonly iv: Buffer
  readonly tag: Buffer
  readonly sealed: Buffer
}

const VERSION = 1
const CIPHER = 'aes-256-gcm'
const MATERIAL_ID_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

export function newMaterialId(): string {
  return randomBytes(MATERIAL_ID_BYTES).toString('hex')
}

/**
 * Version, length of the key's ARN, ARN, key material ID (together the header), IV, tag, sealed bytes. Header and encryption context are
 * authenticated.
 */
export function seal(keyArn: string, material: KeyMaterial, context: EncryptionContext, plaintext: Uint8Array): Buffer {
  const arn = Buffer.from(keyArn, 'latin1')
  const header = Buffer.concat([Buffer.from([VERSION, arn.length]), arn, Buffer.from(material.materialId, 'hex')])
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, material.secret, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(authenticatedData(header, context))
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([header, iv, cipher.getAuthTag(), sealed])
}

/** Null if the bytes are no ciphertext of ours. */
export function parseCiphertext(blob: Buffer): Ciphertext | null {
  const arnLength = blob[1]
  if (blob[0] !== VERSION || arnLength === undefined) return null
  const headerEnd = 2 + arnLength + MATERIAL_ID_BYTES
  const sealedStart = headerEnd + IV_BYTES + TAG_BYTES
  if (blob.length <= sealedStart) return null
  return {
    keyArn: blob.toString('latin1', 2, 2 + arnLength),
    materialId: blob.toString('hex', 2 + arnLength, headerEnd),
    header: blob.subarray(0, headerEnd),
    iv: blob.subarray(headerEnd, headerEnd + IV_BYTES),
    tag: blob.subarray(headerEnd + IV_BYTES, sealedStart),
    sealed: blob.subarray(sealedStart),
  }
}

/** The plaintext; null if a byte of the ciphertext or the encryption context is not what it was sealed with. */
export function open(ciphertext: Ciphertext, secret: Uint8Array, context: EncryptionContext): Buffer | null {
  const decipher = createDecipheriv(CIPHER, secret, ciphertext.iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(authenticatedData(ciphertext.header, context))
  decipher.setAuthTag(ciphertext.tag)
  try {
    return Buffer.concat([decipher.update(ciphertext.sealed), decipher.final()])
  } catch {
    return null
  }
}

function authenticatedData(header: Buffer, context: EncryptionContext): Buffer {
  return Buffer.concat([header, Buffer.from(canonicalText(context), 'utf8')])
}
