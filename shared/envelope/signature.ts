import {
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPair,
  type KeyObject,
  sign,
  type Sign,
  verify,
  type Verify,
} from 'node:crypto'
import { type EncryptionContext, mergedContext, PUBLIC_KEY_NAME } from './encryption-context.ts'
import { EnvelopeError } from './errors.ts'
import type { SignatureAlgorithm, Suite } from './suites.ts'

/**
 * Up to here a message is hashed in the thread pool, which copies it first; a longer one costs more to copy than its signature
 * costs the event loop (0.7 ms, beside 1.6 ms for hashing each MiB).
 */
const POOLED_BYTES_MAX = 256 * 1024
/** DER of a SubjectPublicKeyInfo up to the point: OpenSSL undoes the compression 25 times faster than a program in JavaScript. */
const SPKI_HEAD = {
  prime256v1: Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
  secp384r1: Buffer.from('3046301006072a8648ce3d020106052b81040022033200', 'hex'),
} as const
const UNCOMPRESSED_HEAD = 4

/** What a suite adds to a new data key: a key pair whose public half goes into the encryption context. */
export type Signing = { readonly signingKey: KeyObject | null; readonly encryptionContext: EncryptionContext }

/** A fresh key pair for a suite that signs; for others the context as it is. Costs 0.7 ms in the thread pool. */
export async function newSigning(suite: Suite, encryptionContext: EncryptionContext): Promise<Signing> {
  const { signature } = suite
  if (signature === null) return { signingKey: null, encryptionContext }
  const { publicKey, privateKey } = await newKeyPair(signature)
  const publicKeyText = compressedPoint(publicKey, signature).toString('base64')
  return { signingKey: privateKey, encryptionContext: mergedContext(encryptionContext, { [PUBLIC_KEY_NAME]: publicKeyText }) }
}

/**
 * The key that verifies a message with this context; null for suites that do not sign.
 * @throws EnvelopeError `signature-key` if it is missing, unusable, or there though the suite does not sign
 */
export function verificationKeyOf(suite: Suite, context: EncryptionContext): KeyObject | null {
  requireMatchingPublicKey(suite, context)
  return suite.signature === null ? null : parsePublicKey(suite.signature, context[PUBLIC_KEY_NAME] ?? '')
}

/** @throws EnvelopeError `signature-key` unless a public key is there exactly if the suite signs */
export function requireMatchingPublicKey(suite: Suite, context: EncryptionContext): void {
  const signs = suite.signature !== null
  if (signs === PUBLIC_KEY_NAME in context) return
  throw new EnvelopeError('signature-key', signs ? 'a signed message without a public key' : 'a public key in a message that is not signed')
}

/** The DER signature of all that `message` holds. */
export async function signatureOf(algorithm: SignatureAlgorithm, key: KeyObject, message: Uint8Array): Promise<Buffer> {
  if (message.length > POOLED_BYTES_MAX) return createSign(algorithm.hash).update(message).sign(key)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  sign(algorithm.hash, message, key, (error, signature) => (error === null ? resolve(signature) : reject(error)))
  return promise
}

/** @throws EnvelopeError `signature` unless it is the signature of all that `message` holds */
export async function requireSignature(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  if (message.length > POOLED_BYTES_MAX) return requireVerified(createVerify(algorithm.hash).update(message), key, signature)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  // Bytes that are no DER are a wrong signature, too.
  verify(algorithm.hash, message, key, signature, (error, valid) => resolve(error === null && valid))
  if (!(await promise)) throw wrongSignature()
}

/** For messages that come in pieces. @throws EnvelopeError `signature` */
export function requireVerified(verifier: Verify, key: KeyObject, signature: Uint8Array): void {
  if (!verifier.verify(key, signature)) throw wrongSignature()
}

/** What a stream gives every byte before the signature to; null for suites that do not sign. */
export function newSigner(suite: Suite): Sign | null {
  return suite.signature === null ? null : createSign(suite.signature.hash)
}

/** The same for reading. */
export function newVerifier(suite: Suite): Verify | null {
  return suite.signature === null ? null : createVerify(suite.signature.hash)
}

async function newKeyPair({ curve }: SignatureAlgorithm): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ publicKey: KeyObject; privateKey: KeyObject }>()
  generateKeyPair('ec', { namedCurve: curve }, (error, publicKey, privateKey) => {
    if (error === null) resolve({ publicKey, privateKey })
    else reject(error)
  })
  return promise
}

function compressedPoint(key: KeyObject, { pointBytes }: SignatureAlgorithm): Buffer {
  const half = pointBytes - 1
  // The uncompressed point is the end of the DER form: 04, x, y. What is left of y is whether it is odd.
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-(1 + 2 * half))
  if (point[0] !== UNCOMPRESSED_HEAD) throw new Error('OpenSSL gave a public key in a form of its own')
  return Buffer.concat([Buffer.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 1 + half)])
}

function parsePublicKey({ curve, pointBytes }: SignatureAlgorithm, text: string): KeyObject {
  const point = Buffer.from(text, 'base64')
  if (point.length === pointBytes && (point[0] === 2 || point[0] === 3) && point.toString('base64') === text) {
    try {
      return createPublicKey({ key: Buffer.concat([SPKI_HEAD[curve], point]), format: 'der', type: 'spki' })
    } catch {
      // Not on the curve: told below.
    }
  }
  throw new EnvelopeError('signature-key', 'the public key of the signature is no compressed point of its curve')
}

function wrongSignature(): EnvelopeError {
  return new EnvelopeError('signature', 'the signature does not belong to this message')
}
