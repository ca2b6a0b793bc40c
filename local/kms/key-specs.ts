/** https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html */
export const KEY_SPECS = [
  'SYMMETRIC_DEFAULT',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
] as const
export const KEY_USAGES = ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'] as const
export const KEY_ORIGINS = ['AWS_KMS', 'EXTERNAL'] as const

export type KeySpec = (typeof KEY_SPECS)[number]
export type KeyUsage = (typeof KEY_USAGES)[number]
/** EXTERNAL: the key material is imported. */
export type KeyOrigin = (typeof KEY_ORIGINS)[number]

/** What a key is for, of a kind that it keeps as long as it lives. */
export type KeyKind = { readonly spec: KeySpec; readonly usage: KeyUsage; readonly origin: KeyOrigin }

export const SYMMETRIC = 'SYMMETRIC_DEFAULT'

const RSA_ENCRYPTION = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const
const RSA_SIGNING = [
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
] as const

export const SIGNING_ALGORITHMS = [...RSA_SIGNING, 'ECDSA_SHA_256', 'ECDSA_SHA_384', 'ECDSA_SHA_512'] as const
export const MAC_ALGORITHMS = ['HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'] as const

export type EncryptionAlgorithm = typeof SYMMETRIC | (typeof RSA_ENCRYPTION)[number]
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]
export type MacAlgorithm = (typeof MAC_ALGORITHMS)[number]
export type KeyAgreementAlgorithm = 'ECDH'

type Specification =
  | { readonly family: 'symmetric' }
  | { readonly family: 'rsa'; readonly modulusBits: number }
  | { readonly family: 'ecc'; readonly curve: string; readonly signing: SigningAlgorithm; readonly agrees: boolean }
  | { readonly family: 'hmac'; readonly mac: MacAlgorithm; readonly bytes: number }

/** Key lengths and curves by their names in OpenSSL; a secret of an HMAC key is as long as its hash. */
export const SPECIFICATIONS: Readonly<Record<KeySpec, Specification>> = {
  SYMMETRIC_DEFAULT: { family: 'symmetric' },
  RSA_2048: { family: 'rsa', modulusBits: 2048 },
  RSA_3072: { family: 'rsa', modulusBits: 3072 },
  RSA_4096: { family: 'rsa', modulusBits: 4096 },
  ECC_NIST_P256: { family: 'ecc', curve: 'prime256v1', signing: 'ECDSA_SHA_256', agrees: true },
  ECC_NIST_P384: { family: 'ecc', curve: 'secp384r1', signing: 'ECDSA_SHA_384', agrees: true },
  ECC_NIST_P521: { family: 'ecc', curve: 'secp521r1', signing: 'ECDSA_SHA_512', agrees: true },
  ECC_SECG_P256K1: { family: 'ecc', curve: 'secp256k1', signing: 'ECDSA_SHA_256', agrees: false },
  HMAC_224: { family: 'hmac', mac: 'HMAC_SHA_224', bytes: 28 },
  HMAC_256: { family: 'hmac', mac: 'HMAC_SHA_256', bytes: 32 },
  HMAC_384: { family: 'hmac', mac: 'HMAC_SHA_384', bytes: 48 },
  HMAC_512: { family: 'hmac', mac: 'HMAC_SHA_512', bytes: 64 },
}

/** The first usage is that of a key whose maker names none; AWS has such a default for symmetric encryption keys only. */
export function usagesOf(spec: KeySpec): readonly KeyUsage[] {
  const specification = SPECIFICATIONS[spec]
  switch (specification.family) {
    case 'symmetric':
      return ['ENCRYPT_DECRYPT']
    case 'rsa':
      return ['ENCRYPT_DECRYPT', 'SIGN_VERIFY']
    case 'ecc':
      return specification.agrees ? ['SIGN_VERIFY', 'KEY_AGREEMENT'] : ['SIGN_VERIFY']
    case 'hmac':
      return ['GENERATE_VERIFY_MAC']
  }
}

/** The algorithms of a key; each list is empty where its usage is another. */
export type Algorithms = {
  readonly encryption: readonly EncryptionAlgorithm[]
  readonly signing: readonly SigningAlgorithm[]
  readonly mac: readonly MacAlgorithm[]
  readonly agreement: readonly KeyAgreementAlgorithm[]
}

const NO_ALGORITHMS: Algorithms = { encryption: [], signing: [], mac: [], agreement: [] }

/** In the order in which AWS lists them. */
export function algorithmsOf({ spec, usage }: Pick<KeyKind, 'spec' | 'usage'>): Algorithms {
  const specification = SPECIFICATIONS[spec]
  switch (specification.family) {
    case 'symmetric':
      return { ...NO_ALGORITHMS, encryption: [SYMMETRIC] }
    case 'rsa':
      return { ...NO_ALGORITHMS, ...(usage === 'SIGN_VERIFY' ? { signing: RSA_SIGNING } : { encryption: RSA_ENCRYPTION }) }
    case 'ecc':
      return { ...NO_ALGORITHMS, ...(usage === 'KEY_AGREEMENT' ? { agreement: ['ECDH'] } : { signing: [specification.signing] }) }
    case 'hmac':
      return { ...NO_ALGORITHMS, mac: [specification.mac] }
  }
}
