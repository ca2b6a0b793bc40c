import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { type KeySpec, SPECIFICATIONS } from './key-specs.ts'

const SYMMETRIC_BYTES = 32

/** What a new key of this kind keeps secret: the bytes of a symmetric or HMAC key, or a private key as PKCS #8 in DER. */
export function newSecret(spec: KeySpec): Uint8Array {
  const specification = SPECIFICATIONS[spec]
  switch (specification.family) {
    case 'symmetric':
      return randomBytes(SYMMETRIC_BYTES)
    case 'hmac':
      return randomBytes(specification.bytes)
    case 'rsa':
      return privateKeyBytes(generateKeyPairSync('rsa', { modulusLength: specification.modulusBits }).privateKey)
    case 'ecc':
      return privateKeyBytes(generateKeyPairSync('ec', { namedCurve: specification.curve }).privateKey)
  }
}

function privateKeyBytes(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' })
}
