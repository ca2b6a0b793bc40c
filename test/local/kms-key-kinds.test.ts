import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { base64, Cloud, textOf, trailOf } from './kms-calls.ts'

const SIGN_VERIFY = { KeyUsage: 'SIGN_VERIFY' }
const MAC = { KeyUsage: 'GENERATE_VERIFY_MAC' }
const RSA_ENCRYPTION = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']
const RSA_SIGNING = ['RSASSA_PKCS1_V1_5', 'RSASSA_PSS'].flatMap((scheme) => ['256', '384', '512'].map((bits) => `${scheme}_SHA_${bits}`))
const LISTS = ['EncryptionAlgorithms', 'SigningAlgorithms', 'MacAlgorithms', 'KeyAgreementAlgorithms']

async function metadataOf(cloud: Cloud, input: JsonObject): Promise<JsonObject> {
  return (await cloud.do('CreateKey', input))['KeyMetadata'] as JsonObject
}

describe('a key of each kind', () => {
  it.each<readonly [input: JsonObject, algorithms: JsonObject]>([
    [{}, { EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'] }],
    [{ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }, { EncryptionAlgorithms: RSA_ENCRYPTION }],
    [{ KeySpec: 'RSA_2048', ...SIGN_VERIFY }, { SigningAlgorithms: RSA_SIGNING }],
    [{ KeySpec: 'ECC_NIST_P256', ...SIGN_VERIFY }, { SigningAlgorithms: ['ECDSA_SHA_256'] }],
    [{ KeySpec: 'ECC_NIST_P384', ...SIGN_VERIFY }, { SigningAlgorithms: ['ECDSA_SHA_384'] }],
    [{ KeySpec: 'ECC_NIST_P521', ...SIGN_VERIFY }, { SigningAlgorithms: ['ECDSA_SHA_512'] }],
    [{ KeySpec: 'ECC_SECG_P256K1', ...SIGN_VERIFY }, { SigningAlgorithms: ['ECDSA_SHA_256'] }],
    [{ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }, { KeyAgreementAlgorithms: ['ECDH'] }],
    [{ KeySpec: 'HMAC_224', ...MAC }, { MacAlgorithms: ['HMAC_SHA_224'] }],
    [{ KeySpec: 'HMAC_256', ...MAC }, { MacAlgorithms: ['HMAC_SHA_256'] }],
    [{ KeySpec: 'HMAC_384', ...MAC }, { MacAlgorithms: ['HMAC_SHA_384'] }],
    [{ KeySpec: 'HMAC_512', ...MAC }, { MacAlgorithms: ['HMAC_SHA_512'] }],
  ])('%j tells its algorithms, and its key material only if it is symmetric', async (input, algorithms) => {
    const cloud = new Cloud()
    const metadata = await metadataOf(cloud, input)
    const { KeySpec = 'SYMMETRIC_DEFAULT', KeyUsage = 'ENCRYPT_DECRYPT' } = input
    expect(metadata).toMatchObject({ KeySpec, CustomerMasterKeySpec: KeySpec, KeyUsage, Origin: 'AWS_KMS', KeyState: 'Enabled' })
    expect(Object.fromEntries(Object.entries(metadata).filter(([name]) => LISTS.includes(name)))).toEqual(algorithms)
    expect('CurrentKeyMaterialId' in metadata).toBe(KeySpec === 'SYMMETRIC_DEFAULT')
    expect(await cloud.do('DescribeKey', { KeyId: metadata['KeyId'] })).toEqual({ KeyMetadata: metadata })
  })

  it('waits for its material if that is imported', async () => {
    const metadata = await metadataOf(new Cloud(), { Origin: 'EXTERNAL' })
    expect(metadata).toMatchObject({ Origin: 'EXTERNAL', KeyState: 'PendingImport', Enabled: false })
    for (const name of ['CurrentKeyMaterialId', 'ExpirationModel', 'ValidTo']) expect(metadata).not.toHaveProperty(name)
  })

  it.each<readonly [input: JsonObject, code: string]>([
    [{ KeySpec: 'RSA_2048' }, 'ValidationException'],
    [{ CustomerMasterKeySpec: 'HMAC_256' }, 'ValidationException'],
    [{ KeySpec: 'AES_256' }, 'ValidationException'],
    [{ KeySpec: 1 }, 'SerializationException'],
    [{ KeyUsage: 'SIGN' }, 'ValidationException'],
    [{ Origin: 'ELSEWHERE' }, 'ValidationException'],
    [{ KeySpec: 'RSA_2048', CustomerMasterKeySpec: 'RSA_2048', ...SIGN_VERIFY }, 'ValidationException'],
    [SIGN_VERIFY, 'ValidationException'],
    [MAC, 'ValidationException'],
    [{ KeySpec: 'RSA_2048', ...MAC }, 'ValidationException'],
    [{ KeySpec: 'RSA_2048', KeyUsage: 'KEY_AGREEMENT' }, 'ValidationException'],
    [{ KeySpec: 'ECC_NIST_P256', KeyUsage: 'ENCRYPT_DECRYPT' }, 'ValidationException'],
    [{ KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'KEY_AGREEMENT' }, 'ValidationException'],
    [{ KeySpec: 'HMAC_256', ...SIGN_VERIFY }, 'ValidationException'],
    [{ KeySpec: 'HMAC_256', ...MAC, Origin: 'EXTERNAL' }, 'UnsupportedOperationException'],
    [{ KeySpec: 'ML_DSA_44', ...SIGN_VERIFY }, 'UnsupportedOperationException'],
    [{ KeySpec: 'SM2', ...SIGN_VERIFY }, 'UnsupportedOperationException'],
    [{ KeyUsage: 'ENCAPSULATE_DECAPSULATE' }, 'UnsupportedOperationException'],
    [{ Origin: 'AWS_CLOUDHSM' }, 'UnsupportedOperationException'],
    [{ CustomKeyStoreId: 'cks-824d80d71985f082a' }, 'UnsupportedOperationException'],
    [{ XksKeyId: 'a' }, 'UnsupportedOperationException'],
  ])('is not made of %j', async (input, code) => {
    const cloud = new Cloud()
    expect(await cloud.codeOf('CreateKey', input)).toBe(code)
    expect(await cloud.do('ListKeys')).toMatchObject({ Keys: [] })
  })

  it('is named by both names of its spec in the record of its making', async () => {
    const answered = await new Cloud().send('CreateKey', { KeySpec: 'HMAC_256', ...MAC })
    expect(trailOf(answered).requestParameters).toMatchObject({ keySpec: 'HMAC_256', customerMasterKeySpec: 'HMAC_256' })
  })
})

describe('operations', () => {
  const SIGN = { Message: 'YQ==', SigningAlgorithm: 'RSASSA_PSS_SHA_256' }
  const GENERATE_MAC = { Message: 'YQ==', MacAlgorithm: 'HMAC_SHA_256' }
  const KINDS: Readonly<Record<string, JsonObject>> = {
    symmetric: {},
    rsa: { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' },
    ecc: { KeySpec: 'ECC_NIST_P256', ...SIGN_VERIFY },
    hmac: { KeySpec: 'HMAC_256', ...MAC },
  }

  it.each<readonly [operation: string, kind: string, input: JsonObject, code: string]>([
    ['Encrypt', 'ecc', { Plaintext: 'YQ==' }, 'InvalidKeyUsageException'],
    ['Encrypt', 'rsa', { Plaintext: 'YQ==' }, 'InvalidKeyUsageException'],
    ['Encrypt', 'symmetric', { Plaintext: 'YQ==', EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }, 'InvalidKeyUsageException'],
    ['Encrypt', 'rsa', { Plaintext: 'YQ==', EncryptionAlgorithm: 'SM2PKE' }, 'UnsupportedOperationException'],
    ['Decrypt', 'ecc', { CiphertextBlob: 'YQ==', EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }, 'InvalidKeyUsageException'],
    ['Decrypt', 'rsa', { CiphertextBlob: 'YQ==', EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }, 'InvalidCiphertextException'],
    ['GenerateDataKey', 'rsa', { KeySpec: 'AES_256' }, 'InvalidKeyUsageException'],
    ['GenerateDataKey', 'hmac', { KeySpec: 'AES_256' }, 'InvalidKeyUsageException'],
    ['GenerateDataKeyPair', 'rsa', { KeyPairSpec: 'ECC_NIST_P256' }, 'InvalidKeyUsageException'],
    ['GenerateDataKeyPair', 'symmetric', { KeyPairSpec: 'ML_KEM_512' }, 'UnsupportedOperationException'],
    ['GenerateDataKeyPair', 'symmetric', { KeyPairSpec: 'HMAC_256' }, 'ValidationException'],
    ['Sign', 'symmetric', SIGN, 'InvalidKeyUsageException'],
    ['Sign', 'ecc', SIGN, 'InvalidKeyUsageException'],
    ['Sign', 'ecc', { ...SIGN, SigningAlgorithm: 'ED25519_SHA_512' }, 'UnsupportedOperationException'],
    ['Verify', 'hmac', { ...SIGN, Signature: 'YQ==' }, 'InvalidKeyUsageException'],
    ['GenerateMac', 'ecc', GENERATE_MAC, 'InvalidKeyUsageException'],
    ['GenerateMac', 'hmac', { ...GENERATE_MAC, MacAlgorithm: 'HMAC_SHA_512' }, 'InvalidKeyUsageException'],
    ['VerifyMac', 'symmetric', { ...GENERATE_MAC, Mac: 'YQ==' }, 'InvalidKeyUsageException'],
    ['GetPublicKey', 'symmetric', {}, 'UnsupportedOperationException'],
    ['GetPublicKey', 'hmac', {}, 'UnsupportedOperationException'],
    ['DeriveSharedSecret', 'ecc', { KeyAgreementAlgorithm: 'ECDH', PublicKey: 'YQ==' }, 'InvalidKeyUsageException'],
    ['EnableKeyRotation', 'ecc', {}, 'UnsupportedOperationException'],
    ['EnableKeyRotation', 'hmac', {}, 'UnsupportedOperationException'],
  ])('%s refuses a key that is %s: %j', async (operation, kind, input, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey(KINDS[kind])
    expect(await cloud.codeOf(operation, { ...input, KeyId: keyId })).toBe(code)
  })
})

describe('RSA keys', () => {
  const KIND = { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }

  it.each([
    ['RSAES_OAEP_SHA_1', 214],
    ['RSAES_OAEP_SHA_256', 190],
  ])('encrypt with %s up to %d bytes, and decrypt under their name only', async (algorithm, bytesMax) => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey(KIND)
    const named = { KeyId: keyId, EncryptionAlgorithm: algorithm }
    const plaintext = base64(new Uint8Array(bytesMax).fill(7))
    const sealed = await cloud.do('Encrypt', { ...named, Plaintext: plaintext })
    expect(sealed).toEqual({ CiphertextBlob: sealed['CiphertextBlob'], KeyId: keyArn, EncryptionAlgorithm: algorithm })
    const blob = { CiphertextBlob: sealed['CiphertextBlob'] }
    expect(await cloud.do('Decrypt', { ...named, ...blob })).toEqual({
      KeyId: keyArn,
      Plaintext: plaintext,
      EncryptionAlgorithm: algorithm,
    })

    const { answer } = await cloud.send('Encrypt', { ...named, Plaintext: base64(new Uint8Array(bytesMax + 1)) })
    const message = `Algorithm ${algorithm} and key spec RSA_2048 cannot encrypt data larger than ${bytesMax} bytes.`
    expect(answer).toMatchObject({ failure: { code: 'ValidationException', message } })
    expect(await cloud.codeOf('Decrypt', { ...blob, EncryptionAlgorithm: algorithm })).toBe('ValidationException')
    expect(await cloud.codeOf('Decrypt', blob)).toBe('InvalidCiphertextException')
    expect(await cloud.codeOf('Encrypt', { ...named, Plaintext: 'YQ==', EncryptionContext: { a: 'b' } })).toBe('ValidationException')
    expect(await cloud.codeOf('Encrypt', { ...named, Plaintext: 'YQ==', DryRun: true })).toBe('DryRunOperationException')
  })

  it('take part in ReEncrypt on both sides', async () => {
    const cloud = new Cloud()
    const [symmetric, rsa] = [await cloud.createKey(), await cloud.createKey(KIND)]
    const algorithm = 'RSAES_OAEP_SHA_256'
    const there = await cloud.do('ReEncrypt', {
      CiphertextBlob: await cloud.encrypt(symmetric.keyId, 'orders'),
      DestinationKeyId: rsa.keyId,
      DestinationEncryptionAlgorithm: algorithm,
    })
    expect(there).toMatchObject({
      KeyId: rsa.keyArn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: algorithm,
    })
    expect(there).not.toHaveProperty('DestinationKeyMaterialId')
    const source = { CiphertextBlob: there['CiphertextBlob'], SourceKeyId: rsa.keyId, SourceEncryptionAlgorithm: algorithm }
    const back = await cloud.do('ReEncrypt', { ...source, DestinationKeyId: symmetric.keyId })
    expect(await cloud.do('Decrypt', { CiphertextBlob: back['CiphertextBlob'] })).toMatchObject({ Plaintext: base64('orders') })
    const long = await cloud.encrypt(symmetric.keyId, 'a'.repeat(191))
    const tooLong = { CiphertextBlob: long, DestinationKeyId: rsa.keyId, DestinationEncryptionAlgorithm: algorithm }
    expect(await cloud.codeOf('ReEncrypt', tooLong)).toBe('ValidationException')
  })
})

describe('data key pairs', () => {
  it.each(['RSA_2048', 'ECC_NIST_P256', 'ECC_SECG_P256K1'])(
    'of %s: the private key is sealed, the public one is its other half',
    async (spec) => {
      const cloud = new Cloud()
      const { keyId, keyArn } = await cloud.createKey()
      const request = { KeyId: keyId, KeyPairSpec: spec, EncryptionContext: { tenant: 'northwind' } }
      const pair = await cloud.do('GenerateDataKeyPair', request)
      const opened = await cloud.do('Decrypt', {
        CiphertextBlob: pair['PrivateKeyCiphertextBlob'],
        EncryptionContext: { tenant: 'northwind' },
      })
      expect(opened).toMatchObject({ KeyId: keyArn, Plaintext: pair['PrivateKeyPlaintext'], KeyMaterialId: pair['KeyMaterialId'] })
      const key = Buffer.from(textOf(pair, 'PrivateKeyPlaintext'), 'base64')
      const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
      expect(base64(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }))).toBe(pair['PublicKey'])
      const hidden = await cloud.do('GenerateDataKeyPairWithoutPlaintext', request)
      expect(Object.keys(hidden).toSorted()).toEqual(['KeyId', 'KeyMaterialId', 'KeyPairSpec', 'PrivateKeyCiphertextBlob', 'PublicKey'])
      expect(await cloud.codeOf('GenerateDataKeyPair', { ...request, DryRun: true })).toBe('DryRunOperationException')
    },
  )
})

describe('descriptions and policy names', () => {
  it('a description is replaced, the only policy is named default', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey({ Description: 'before' })
    expect(await cloud.do('UpdateKeyDescription', { KeyId: keyId, Description: '' })).toEqual({})
    expect((await cloud.do('DescribeKey', { KeyId: keyId }))['KeyMetadata']).toMatchObject({ Description: '' })
    expect(await cloud.codeOf('UpdateKeyDescription', { KeyId: keyId })).toBe('ValidationException')
    expect(await cloud.codeOf('UpdateKeyDescription', { KeyId: keyId, Description: 'a'.repeat(8193) })).toBe('ValidationException')
    expect(await cloud.codeOf('UpdateKeyDescription', { KeyId: 'alias/a', Description: '' })).toBe('NotFoundException')
    expect(await cloud.do('ListKeyPolicies', { KeyId: keyId })).toEqual({ PolicyNames: ['default'], Truncated: false })
    expect(await cloud.codeOf('ListKeyPolicies', { KeyId: keyId, Limit: 1001 })).toBe('ValidationException')
  })
})
