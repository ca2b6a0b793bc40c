import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto'
import { isEcdsaSignature, signEcdsa } from './ecdsa.ts'
import { type EncryptionAlgorithm, type KeySpec, type SigningAlgorithm, SPECIFICATIONS, type SYMMETRIC } from './key-specs.ts'
import { type Hash, isPkcs1Signature, isPssSignature, signPkcs1, signPss } from './rsa-signatures.ts'

/** What asymmetric keys do. A secret is a private key as PKCS #8 in DER. */

type RsaEncryption = Exclude<EncryptionAlgorithm, typeof SYMMETRIC>
type Scheme = { readonly padding: 'pss' | 'pkcs1' | 'ecdsa'; readonly hash: Hash; readonly digestBytes: number }

const SHA256 = { hash: 'sha256', digestBytes: 32 } as const
const SHA384 = { hash: 'sha384', digestBytes: 48 } as const
const SHA512 = { hash: 'sha512', digestBytes: 64 } as const
const SCHEMES: Readonly<Record<SigningAlgorithm, Scheme>> = {
  RSASSA_PSS_SHA_256: { padding: 'pss', ...SHA256 },
  RSASSA_PSS_SHA_384: { padding: 'pss', ...SHA384 },
  RSASSA_PSS_SHA_512: { padding: 'pss', ...SHA512 },
  RSASSA_PKCS1_V1_5_SHA_256: { padding: 'pkcs1', ...SHA256 },
  RSASSA_PKCS1_V1_5_SHA_384: { padding: 'pkcs1', ...SHA384 },
  RSASSA_PKCS1_V1_5_SHA_512: { padding: 'pkcs1', ...SHA512 },
  ECDSA_SHA_256: { padding: 'ecdsa', ...SHA256 },
  ECDSA_SHA_384: { padding: 'ecdsa', ...SHA384 },
  ECDSA_SHA_512: { padding: 'ecdsa', ...SHA512 },
}
const OAEP = { RSAES_OAEP_SHA_1: { hash: 'sha1', hashBytes: 20 }, RSAES_OAEP_SHA_256: { hash: 'sha256', hashBytes: 32 } } as const

function privateKeyOf(secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' })
}

/** SubjectPublicKeyInfo in DER, as GetPublicKey answers it. */
export function publicKeyOf(secret: Uint8Array): Buffer {
  return createPublicKey(privateKeyOf(secret)).export({ format: 'der', type: 'spki' })
}

export function digestOf(algorithm: SigningAlgorithm, message: Uint8Array): Buffer {
  return createHash(SCHEMES[algorithm].hash).update(message).digest()
}

export function digestBytesOf(algorithm: SigningAlgorithm): number {
  return SCHEMES[algorithm].digestBytes
}

export function signDigest(spec: KeySpec, secret: Uint8Array, algorithm: SigningAlgorithm, digest: Uint8Array): Buffer {
  const { padding, hash } = SCHEMES[algorithm]
  const key = privateKeyOf(secret)
  switch (padding) {
    case 'pss':
      return signPss(key, hash, digest)
    case 'pkcs1':
      return signPkcs1(key, hash, digest)
    case 'ecdsa':
      return signEcdsa(curveOf(spec), key, digest)
  }
}

export type Signed = { readonly algorithm: SigningAlgorithm; readonly digest: Uint8Array; readonly signature: Uint8Array }

export function isSignature(spec: KeySpec, secret: Uint8Array, { algorithm, digest, signature }: Signed): boolean {
  const { padding, hash } = SCHEMES[algorithm]
  const key = privateKeyOf(secret)
  switch (padding) {
    case 'pss':
      return isPssSignature(key, hash, digest, signature)
    case 'pkcs1':
      return isPkcs1Signature(key, hash, digest, signature)
    case 'ecdsa':
      return isEcdsaSignature(curveOf(spec), key, digest, signature)
  }
}

function curveOf(spec: KeySpec): string {
  const specification = SPECIFICATIONS[spec]
  return specification.family === 'ecc' ? specification.curve : ''
}

/** RFC 8017, section 7.1.1: the length of the modulus less two hashes and two bytes. */
export function oaepBytesMax(spec: KeySpec, algorithm: RsaEncryption): number {
  const specification = SPECIFICATIONS[spec]
  return specification.family === 'rsa' ? specification.modulusBits / 8 - 2 * OAEP[algorithm].hashBytes - 2 : 0
}

export function encryptOaep(secret: Uint8Array, algorithm: RsaEncryption, plaintext: Uint8Array): Buffer {
  return publicEncrypt({ key: createPublicKey(privateKeyOf(secret)), ...oaep(algorithm) }, plaintext)
}

/** Null if the bytes are no ciphertext of this key and algorithm. */
export function decryptOaep(secret: Uint8Array, algorithm: RsaEncryption, ciphertext: Uint8Array): Buffer | null {
  try {
    return privateDecrypt({ key: privateKeyOf(secret), ...oaep(algorithm) }, ciphertext)
  } catch {
    return null
  }
}

function oaep(algorithm: RsaEncryption): { readonly padding: number; readonly oaepHash: string } {
  return { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: OAEP[algorithm].hash }
}

/** Null if the bytes are no public key of the same curve. */
export function sharedSecret(secret: Uint8Array, peerPublicKey: Uint8Array): Buffer | null {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(peerPublicKey), format: 'der', type: 'spki' })
    return diffieHellman({ privateKey: privateKeyOf(secret), publicKey })
  } catch {
    return null
  }
}
