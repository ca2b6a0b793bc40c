import { createCipheriv, createDecipheriv, type KeyObject, timingSafeEqual } from 'node:crypto'
import { type EncryptionContext, serializedContext } from './encryption-context.ts'
import { EnvelopeError } from './errors.ts'
import { IV_BYTES, type ParsedHeader, TAG_BYTES } from './header.ts'
import type { Suite } from './suites.ts'

const ZERO_IV = Buffer.alloc(IV_BYTES)

/** The tag of a header of version 2. */
export function headerTag(suite: Suite, key: KeyObject, authenticated: Uint8Array): Buffer {
  const cipher = createCipheriv(suite.cipher, key, ZERO_IV)
  cipher.setAAD(authenticated)
  cipher.final()
  return cipher.getAuthTag()
}

/** In constant time, and before the tag: one tag can fit two keys. @throws EnvelopeError `commitment` */
export function requireCommitment({ commitment }: ParsedHeader, derived: Buffer | null): void {
  if (commitment === null && derived === null) return
  if (commitment !== null && derived !== null && timingSafeEqual(commitment, derived)) return
  throw new EnvelopeError('commitment', 'the message was not written with this data key')
}

/** Pairs that the message does not store are authenticated behind the header. @throws EnvelopeError `header-tag` */
export function requireHeaderTag({ suite, iv, authenticated, tag }: ParsedHeader, key: KeyObject, notStored: EncryptionContext): void {
  const pairs = serializedContext(notStored)
  const decipher = createDecipheriv(suite.cipher, key, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(pairs.length === 0 ? authenticated : Buffer.concat([authenticated, pairs]))
  decipher.setAuthTag(tag)
  try {
    decipher.final()
  } catch {
    throw new EnvelopeError('header-tag', 'the header was changed, or written with other pairs in its encryption context')
  }
}
