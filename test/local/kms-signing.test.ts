import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { base64, Cloud, textOf } from './kms-calls.ts'
import { saidInSample, saidOfCall } from './kms-samples.ts'

const MESSAGE = Buffer.from('an order of Northwind')
const RSA_ALGORITHMS = ['RSASSA_PSS', 'RSASSA_PKCS1_V1_5'].flatMap((scheme) => ['256', '384', '512'].map((bits) => `${scheme}_SHA_${bits}`))
const SIGNERS: readonly (readonly [spec: string, algorithms: readonly string[]])[] = [
  ['RSA_2048', RSA_ALGORITHMS],
  ['ECC_NIST_P256', ['ECDSA_SHA_256']],
  ['ECC_NIST_P384', ['ECDSA_SHA_384']],
  ['ECC_NIST_P521', ['ECDSA_SHA_512']],
  ['ECC_SECG_P256K1', ['ECDSA_SHA_256']],
]

async function signer(spec: string): Promise<{ readonly cloud: Cloud; readonly keyId: string; readonly keyArn: string }> {
  const cloud = new Cloud()
  return { cloud, ...(await cloud.createKey({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' })) }
}

async function publicKeyOf(cloud: Cloud, keyId: string): Promise<KeyObject> {
  const { PublicKey } = await cloud.do('GetPublicKey', { KeyId: keyId })
  return createPublicKey({ key: Buffer.from(String(PublicKey), 'base64'), format: 'der', type: 'spki' })
}

function hashOf(algorithm: string): string {
  return `sha${algorithm.slice(-3)}`
}

function digestOf(algorithm: string): string {
  return base64(createHash(hashOf(algorithm)).update(MESSAGE).digest())
}

/** KMS's signatures, as anybody reads them who has the public key. */
function isGenuine(algorithm: string, key: KeyObject, signature: Buffer): boolean {
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  return verify(hashOf(algorithm), MESSAGE, algorithm.startsWith('RSASSA_PSS') ? { key, ...padding } : key, signature)
}

describe('Sign and Verify', () => {
  it.each(SIGNERS)('%s: OpenSSL takes the signature of a message and of its digest, and so does Verify', async (spec, algorithms) => {
    const { cloud, keyId, keyArn } = await signer(spec)
    const publicKey = await publicKeyOf(cloud, keyId)
    for (const algorithm of algorithms) {
      const raw = { KeyId: keyId, Message: base64(MESSAGE), SigningAlgorithm: algorithm }
      const digest = { ...raw, Message: digestOf(algorithm), MessageType: 'DIGEST' }
      for (const request of [raw, digest]) {
        const signed = await cloud.do('Sign', request)
        expect(signed).toEqual({ KeyId: keyArn, Signature: signed['Signature'], SigningAlgorithm: algorithm })
        const signature = Buffer.from(textOf(signed, 'Signature'), 'base64')
        expect(isGenuine(algorithm, publicKey, signature), algorithm).toBe(true)
        const valid = { KeyId: keyArn, SignatureValid: true, SigningAlgorithm: algorithm }
        for (const other of [raw, digest]) expect(await cloud.do('Verify', { ...other, Signature: base64(signature) })).toEqual(valid)
        for (const at of [0, 4, signature.length - 1]) {
          const changed = Buffer.from(signature)
          changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
          expect(await cloud.codeOf('Verify', { ...raw, Signature: base64(changed) }), `byte ${at}`).toBe('KMSInvalidSignatureException')
        }
        const forged = { ...raw, Message: base64('another'), Signature: base64(signature) }
        expect(await cloud.codeOf('Verify', forged)).toBe('KMSInvalidSignatureException')
      }
    }
  })

  it.each<readonly [input: JsonObject, code: string | null]>([
    [{ Message: '' }, null],
    [{ Message: base64(new Uint8Array(4096)) }, null],
    [{ Message: base64(new Uint8Array(4097)) }, 'ValidationException'],
    [{ Message: undefined }, 'ValidationException'],
    [{ Message: base64(new Uint8Array(32)), MessageType: 'DIGEST' }, null],
    [{ Message: base64(new Uint8Array(31)), MessageType: 'DIGEST' }, 'ValidationException'],
    [{ Message: base64(new Uint8Array(64)), MessageType: 'EXTERNAL_MU' }, 'ValidationException'],
    [{ MessageType: 'HASH' }, 'ValidationException'],
    [{ SigningAlgorithm: 'ECDSA' }, 'ValidationException'],
    [{ SigningAlgorithm: undefined }, 'ValidationException'],
    [{ SigningAlgorithm: 'ECDSA_SHA_384' }, 'InvalidKeyUsageException'],
    [{ DryRun: true }, 'DryRunOperationException'],
  ])('Sign of %j', async (input, code) => {
    const { cloud, keyId } = await signer('ECC_NIST_P256')
    const request = { KeyId: keyId, Message: base64(MESSAGE), SigningAlgorithm: 'ECDSA_SHA_256' }
    expect(await cloud.codeOf('Sign', { ...request, ...input })).toBe(code)
  })

  it('a dry run of Verify looks at the signature first', async () => {
    const { cloud, keyId } = await signer('ECC_NIST_P256')
    const request = { KeyId: keyId, Message: base64(MESSAGE), SigningAlgorithm: 'ECDSA_SHA_256' }
    const { Signature } = await cloud.do('Sign', request)
    expect(await cloud.codeOf('Verify', { ...request, Signature, DryRun: true })).toBe('DryRunOperationException')
    expect(await cloud.codeOf('Verify', { ...request, Signature: 'YQ==', DryRun: true })).toBe('KMSInvalidSignatureException')
    expect(await cloud.codeOf('Verify', request)).toBe('ValidationException')
  })

  it('a signature of another key is none', async () => {
    const { cloud, keyId } = await signer('ECC_NIST_P256')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const request = { KeyId: keyId, Message: base64(MESSAGE), SigningAlgorithm: 'ECDSA_SHA_256' }
    const foreign = base64(sign('sha256', MESSAGE, privateKey))
    expect(await cloud.codeOf('Verify', { ...request, Signature: foreign })).toBe('KMSInvalidSignatureException')
  })
})

describe('GetPublicKey', () => {
  it('tells the key, its kind and its algorithms', async () => {
    const { cloud, keyId, keyArn } = await signer('ECC_NIST_P384')
    const answer = await cloud.do('GetPublicKey', { KeyId: keyId })
    expect(answer).toEqual({
      KeyId: keyArn,
      PublicKey: answer['PublicKey'],
      CustomerMasterKeySpec: 'ECC_NIST_P384',
      KeySpec: 'ECC_NIST_P384',
      KeyUsage: 'SIGN_VERIFY',
      SigningAlgorithms: ['ECDSA_SHA_384'],
    })
    expect((await publicKeyOf(cloud, keyId)).asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' })
  })
})

describe('DeriveSharedSecret', () => {
  it('gives both sides the same secret, KMS and whoever has the other private key', async () => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' })
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const PublicKey = base64(publicKey.export({ format: 'der', type: 'spki' }))
    const request = { KeyId: keyId, KeyAgreementAlgorithm: 'ECDH', PublicKey }
    const ours = diffieHellman({ privateKey, publicKey: await publicKeyOf(cloud, keyId) })
    expect(await cloud.do('DeriveSharedSecret', request)).toEqual({
      KeyId: keyArn,
      SharedSecret: base64(ours),
      KeyAgreementAlgorithm: 'ECDH',
      KeyOrigin: 'AWS_KMS',
    })
    expect(await cloud.codeOf('DeriveSharedSecret', { ...request, DryRun: true })).toBe('DryRunOperationException')
    const { publicKey: otherCurve } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    for (const foreign of ['YQ==', base64(otherCurve.export({ format: 'der', type: 'spki' }))]) {
      expect(await cloud.codeOf('DeriveSharedSecret', { ...request, PublicKey: foreign })).toBe('ValidationException')
    }
  })
})

describe('GenerateMac and VerifyMac', () => {
  it.each(['224', '256', '384', '512'])('HMAC_%s: a MAC of the length of its hash, and of no other message, MAC or key', async (bits) => {
    const cloud = new Cloud()
    const kind = { KeySpec: `HMAC_${bits}`, KeyUsage: 'GENERATE_VERIFY_MAC' }
    const { keyId, keyArn } = await cloud.createKey(kind)
    const MacAlgorithm = `HMAC_SHA_${bits}`
    const request = { KeyId: keyId, Message: base64(MESSAGE), MacAlgorithm }
    const made = await cloud.do('GenerateMac', request)
    expect(made).toEqual({ KeyId: keyArn, Mac: made['Mac'], MacAlgorithm })
    const mac = Buffer.from(textOf(made, 'Mac'), 'base64')
    expect(mac).toHaveLength(Number(bits) / 8)
    expect(mac).not.toEqual(createHmac(`sha${bits}`, '').update(MESSAGE).digest())
    expect(await cloud.do('VerifyMac', { ...request, Mac: made['Mac'] })).toEqual({ KeyId: keyArn, MacValid: true, MacAlgorithm })
    const other = await cloud.createKey(kind)
    const wrong: readonly JsonObject[] = [
      { Message: base64('another') },
      { KeyId: other.keyId },
      { Mac: 'YQ==' },
      { Mac: base64(mac.fill(0)) },
    ]
    for (const each of wrong) {
      expect(await cloud.codeOf('VerifyMac', { ...request, Mac: made['Mac'], ...each })).toBe('KMSInvalidMacException')
    }
    expect(await cloud.codeOf('GenerateMac', { ...request, DryRun: true })).toBe('DryRunOperationException')
    expect(await cloud.codeOf('VerifyMac', { ...request, Mac: made['Mac'], DryRun: true })).toBe('DryRunOperationException')
    expect(await cloud.codeOf('VerifyMac', { ...request, Mac: 'YQ==', DryRun: true })).toBe('KMSInvalidMacException')
    expect(await cloud.codeOf('VerifyMac', request)).toBe('ValidationException')
  })

  it.each([
    [0, 'ValidationException'],
    [1, null],
    [4096, null],
    [4097, 'ValidationException'],
  ])('of %d bytes of message', async (bytes, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    const request = { KeyId: keyId, Message: base64(new Uint8Array(bytes)), MacAlgorithm: 'HMAC_SHA_256' }
    expect(await cloud.codeOf('GenerateMac', request)).toBe(code)
  })
})

describe('the record of a call', () => {
  const ECC = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }
  const HMAC = { KeySpec: 'HMAC_384', KeyUsage: 'GENERATE_VERIFY_MAC' }
  const AGREEMENT = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }
  const SIGN = { Message: digestOf('ECDSA_SHA_256'), MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' }
  const GENERATE_MAC = { Message: base64(MESSAGE), MacAlgorithm: 'HMAC_SHA_384' }
  const PAIR = { KeyPairSpec: 'ECC_NIST_P384', EncryptionContext: { purpose: 'orders', tenant: 'northwind' } }

  it.each<readonly [operation: string, kind: JsonObject, input: JsonObject, source: string | null]>([
    ['Sign', ECC, SIGN, null],
    ['Verify', ECC, SIGN, 'Sign.Signature'],
    ['GetPublicKey', ECC, {}, null],
    ['DeriveSharedSecret', AGREEMENT, { KeyAgreementAlgorithm: 'ECDH' }, 'GetPublicKey.PublicKey'],
    ['GenerateMac', HMAC, GENERATE_MAC, null],
    ['VerifyMac', HMAC, GENERATE_MAC, 'GenerateMac.Mac'],
    ['GenerateDataKeyPair', {}, PAIR, null],
    ['GenerateDataKeyPairWithoutPlaintext', {}, PAIR, null],
    ['ListKeyPolicies', {}, { Limit: 100 }, null],
    ['UpdateKeyDescription', {}, { Description: 'Orders at rest, since 2026' }, null],
  ])('of %s is that of the sample, and holds no message, signature or key', async (operation, kind, input, source) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey(kind)
    const named = { ...input, KeyId: keyId }
    const [maker = '', member = ''] = source?.split('.') ?? []
    const added = source === null ? {} : { [member]: (await cloud.do(maker, named))[member] }
    const sent = await cloud.send(operation, { ...named, ...added })
    expect(sent.answer).toHaveProperty('output')
    expect(saidOfCall(sent)).toEqual(saidInSample(operation))
  })
})
