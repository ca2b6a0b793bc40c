import { describe, expect, it } from 'vitest'
import { createDataKeyCache } from '../../shared/cache/data-key-cache.ts'
import { totalStatistics } from '../../shared/cache/statistics.ts'
import { cachingMaterials, type CachingOptions } from '../../shared/envelope/caching-materials.ts'
import { decrypt } from '../../shared/envelope/decrypt.ts'
import { encrypt } from '../../shared/envelope/encrypt.ts'
import { checkedContext, PUBLIC_KEY_NAME } from '../../shared/envelope/encryption-context.ts'
import type { DecryptionRequest, EncryptedDataKey, EncryptionRequest, MaterialsSource } from '../../shared/envelope/materials.ts'
import { suiteOf } from '../../shared/envelope/suites.ts'
import { createFakeKeyring, isZero, KEY_ARN } from '../support/fake-keyring.ts'

function encryption(asked: Partial<EncryptionRequest> = {}): EncryptionRequest {
  return { suite: suiteOf('0478'), encryptionContext: checkedContext({ tenant: 'a' }), plaintextBytes: 10, ...asked }
}

function createGround(options: Partial<CachingOptions> = {}) {
  const clock = { ms: 0 }
  const keyring = createFakeKeyring()
  const cache = createDataKeyCache({ capacity: 10, nowMs: () => clock.ms })
  const materials = cachingMaterials({ keyring, cache, maxAgeMs: 60_000, ...options })
  return { clock, keyring, cache, materials }
}

/** Encrypts once, and says how to decrypt it. */
async function encrypted(materials: MaterialsSource, asked: Partial<EncryptionRequest> = {}): Promise<DecryptionRequest> {
  const lease = await materials.forEncryption(encryption(asked))
  const { suite, encryptionContext, encryptedDataKeys } = lease.materials
  lease.release()
  return { suite, encryptionContext, encryptedDataKeys }
}

describe('caching materials', () => {
  it.each(['0478', '0578'] as const)('make one call for 200 cold parallel encrypts with suite %s', async (id) => {
    const { keyring, materials } = createGround()
    const leases = await Promise.all(Array.from({ length: 200 }, () => materials.forEncryption(encryption({ suite: suiteOf(id) }))))
    expect(keyring.generated).toHaveLength(1)
    expect(new Set(leases.map((lease) => lease.materials.signingKey)).size).toBe(1)
  })

  it.each(['0478', '0578'] as const)('make one call for 200 cold parallel decrypts of one message with suite %s', async (id) => {
    const { keyring, materials } = createGround()
    const request = await encrypted(materials, { suite: suiteOf(id) })
    const leases = await Promise.all(Array.from({ length: 200 }, () => materials.forDecryption(request)))
    expect(keyring.decrypted).toHaveLength(1)
    expect(leases.every((lease) => lease.materials.dataKey.bytes.equals(keyring.handedOut[0] ?? Buffer.alloc(0)))).toBe(true)
    expect(new Set(leases.map((lease) => lease.materials.verificationKey)).size).toBe(1)
  })

  it('make one call for parallel encrypts of as many messages as a key may serve', async () => {
    const { keyring, materials } = createGround({ maxMessages: 10 })
    await Promise.all(Array.from({ length: 200 }, () => materials.forEncryption(encryption())))
    expect(keyring.generated).toHaveLength(20)
  })

  it('count bytes of plaintext', async () => {
    const { keyring, materials } = createGround({ maxBytes: 100 })
    for (const plaintextBytes of [60, 40, 1, 100, 0, 101]) (await materials.forEncryption(encryption({ plaintextBytes }))).release()
    // 60 + 40 under one key, 1 under the next, 100 + 0 under another; 101 fits under none.
    expect(keyring.generated).toHaveLength(4)
  })

  it('find signed suites by the context without the public key, and answer with it', async () => {
    const { keyring, materials } = createGround()
    const first = await materials.forEncryption(encryption({ suite: suiteOf('0578') }))
    const second = await materials.forEncryption(encryption({ suite: suiteOf('0578') }))
    expect(second.materials).toBe(first.materials)
    expect(Object.keys(first.materials.encryptionContext)).toEqual(['tenant', PUBLIC_KEY_NAME])
    expect(keyring.generated[0]?.encryptionContext).toEqual(first.materials.encryptionContext)
    expect(first.materials.signingKey?.asymmetricKeyDetails?.namedCurve).toBe('secp384r1')
  })

  it.each([
    { title: 'another suite', asked: { suite: suiteOf('0578') } },
    { title: 'another value in the context', asked: { encryptionContext: checkedContext({ tenant: 'b' }) } },
    { title: 'one pair more', asked: { encryptionContext: checkedContext({ tenant: 'a', purpose: 'x' }) } },
    { title: 'no context', asked: { encryptionContext: checkedContext({}) } },
  ])('keep apart: $title', async ({ asked }) => {
    const { keyring, materials } = createGround()
    await materials.forEncryption(encryption())
    await materials.forEncryption(encryption(asked))
    expect(keyring.generated).toHaveLength(2)
  })

  it('decrypt by age only', async () => {
    const { clock, keyring, materials } = createGround({ maxMessages: 1, maxBytes: 1 })
    const request = await encrypted(materials)
    for (let count = 0; count < 5; count++) (await materials.forDecryption(request)).release()
    expect(keyring.decrypted).toHaveLength(1)
    clock.ms = 60_001
    await materials.forDecryption(request)
    expect(keyring.decrypted).toHaveLength(2)
  })

  it('ask again for a message with other encrypted data keys, another context or another suite', async () => {
    const { keyring, materials } = createGround()
    const request = await encrypted(materials)
    const [key] = request.encryptedDataKeys
    const extra: EncryptedDataKey = { providerId: 'aws-kms', providerInfo: Buffer.from('other'), ciphertext: Buffer.from('other') }
    const keys = key === undefined ? [] : [key, extra]
    await materials.forDecryption(request)
    await materials.forDecryption({ ...request, encryptedDataKeys: keys })
    await materials.forDecryption({ ...request, encryptedDataKeys: keys.toReversed() })
    await materials.forDecryption({ ...request, encryptionContext: checkedContext({}) })
    await materials.forDecryption({ ...request, suite: suiteOf('0178') })
    expect(keyring.decrypted).toHaveLength(4)
  })

  it.each(['0014', '0046', '0078'] as const)('never keep the data key of suite %s, which derives none', async (id) => {
    const { keyring, cache, materials } = createGround()
    const request = await encrypted(materials, { suite: suiteOf(id) })
    for (let count = 0; count < 3; count++) (await materials.forDecryption(request)).release()
    expect(keyring.decrypted).toHaveLength(3)
    expect(cache.snapshot().entries).toBe(0)
    expect(totalStatistics(cache.snapshot()).bypasses.identityKdf).toBe(4)
    expect(keyring.handedOut.every(isZero)).toBe(true)
  })

  it('keep nothing for plaintext of unknown length', async () => {
    const { keyring, cache, materials } = createGround()
    for (let count = 0; count < 3; count++) (await materials.forEncryption(encryption({ plaintextBytes: null }))).release()
    expect(keyring.generated).toHaveLength(3)
    expect(keyring.handedOut.every(isZero)).toBe(true)
    expect(totalStatistics(cache.snapshot()).bypasses.unknownLength).toBe(3)
  })

  it('give a failure to all who wait, and keep none', async () => {
    const { keyring, materials } = createGround()
    const failure = new Error('KMS is away')
    keyring.before = () => Promise.reject(failure)
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => materials.forEncryption(encryption())))
    expect(results.every((result) => result.status === 'rejected' && result.reason === failure)).toBe(true)
    expect(keyring.generated).toHaveLength(1)
    keyring.before = async () => {}
    await materials.forEncryption(encryption())
    expect(keyring.generated).toHaveLength(2)
  })

  it('do not keep what does not fit the suite', async () => {
    const { keyring, cache, materials } = createGround()
    const bytes = Buffer.alloc(31, 1)
    const short = cachingMaterials({
      keyring: { ...keyring, generateDataKey: async () => ({ dataKey: { bytes, wrappedBy: KEY_ARN }, encryptedDataKeys: [] }) },
      cache,
      maxAgeMs: 1000,
    })
    await expect(short.forEncryption(encryption())).rejects.toMatchObject({ rule: 'materials' })
    expect(isZero(bytes)).toBe(true)
    expect(cache.snapshot().entries).toBe(0)
    await materials.forEncryption(encryption())
  })

  it('do not see what a caller does with its own context and messages later', async () => {
    const { keyring, materials } = createGround()
    const context = { tenant: 'a' }
    const asked = materials.forEncryption(encryption({ encryptionContext: context }))
    context.tenant = 'b'
    const { materials: held } = await asked
    expect(keyring.generated[0]?.encryptionContext).toEqual({ tenant: 'a' })
    expect(held.encryptionContext).toEqual({ tenant: 'a' })
    expect(Object.isFrozen(held.encryptionContext)).toBe(true)

    const [key] = held.encryptedDataKeys
    const reused = Buffer.from(key?.ciphertext ?? [])
    const encryptedDataKeys = [{ providerId: 'aws-kms', providerInfo: Buffer.from(KEY_ARN), ciphertext: reused }]
    const decrypting = materials.forDecryption({ suite: suiteOf('0478'), encryptionContext: context, encryptedDataKeys })
    reused.fill(0)
    expect((await decrypting).materials.dataKey.bytes.equals(held.dataKey.bytes)).toBe(true)
  })

  it('overwrite every data key in the end', async () => {
    const { keyring, cache, materials } = createGround({ maxMessages: 2 })
    const leases = await Promise.all(Array.from({ length: 9 }, () => materials.forEncryption(encryption())))
    cache.clear(KEY_ARN)
    expect(keyring.handedOut.some(isZero)).toBe(false)
    for (const lease of leases) lease.release()
    expect(keyring.handedOut).toHaveLength(5)
    expect(keyring.handedOut.every(isZero)).toBe(true)
  })
})

describe('encrypt and decrypt over a cache', () => {
  it.each(['0478', '0578'] as const)('make one call each for 200 in parallel with suite %s', async (suite) => {
    const { keyring, cache, materials } = createGround()
    const encryptionContext = { tenant: 'a', Größe: 'groß' }
    const texts = Array.from({ length: 200 }, (_, index) => Buffer.from(`text ${index}`))
    const messages = await Promise.all(texts.map(async (text) => encrypt(text, { materials, suite, encryptionContext })))
    const plaintexts = await Promise.all(messages.map(async ({ message }) => decrypt(message, { materials, encryptionContext })))
    expect(plaintexts.map(({ plaintext }) => plaintext.toString())).toEqual(texts.map(String))
    expect([keyring.generated.length, keyring.decrypted.length]).toEqual([1, 1])
    // Whatever became of the operations, nobody holds a key any more.
    cache.clear()
    expect(keyring.handedOut.every(isZero)).toBe(true)
  })

  it('hold no key after a message that fails', async () => {
    const { keyring, cache, materials } = createGround()
    const { message } = await encrypt(Buffer.from('text'), { materials, suite: '0478' })
    message.writeUInt8(message.readUInt8(message.length - 1) ^ 1, message.length - 1)
    await expect(decrypt(message, { materials })).rejects.toMatchObject({ name: 'EnvelopeError' })
    cache.clear()
    expect(keyring.handedOut.map(isZero)).toEqual([true, true])
  })
})

describe('two tenants', () => {
  const partition = 'shared by name'

  it('never get each other’s data keys, though cache, partition and request are the same', async () => {
    const cache = createDataKeyCache({ capacity: 10 })
    const [first, second] = ['tenant 1', 'tenant 2'].map((identity) => createFakeKeyring({ identity }))
    if (first === undefined || second === undefined) throw new Error('two keyrings were made')
    const ofFirst = cachingMaterials({ keyring: first, cache, maxAgeMs: 60_000, partition })
    const ofSecond = cachingMaterials({ keyring: second, cache, maxAgeMs: 60_000, partition })
    const request = await encrypted(ofFirst)
    const other = await encrypted(ofSecond)
    expect(other.encryptedDataKeys).not.toEqual(request.encryptedDataKeys)
    await ofFirst.forDecryption(request)
    await expect(ofSecond.forDecryption(request)).rejects.toThrow('none of these data keys')
    expect([first.generated.length, second.generated.length, second.decrypted.length]).toEqual([1, 1, 1])
  })

  it.each([
    { title: 'of one keyring share keys if they are told one partition', partitions: ['p', 'p'], calls: 1 },
    { title: 'of one keyring share none in two partitions', partitions: ['p', 'q'], calls: 2 },
    { title: 'of one keyring share none unless told', partitions: [undefined, undefined], calls: 2 },
  ])('$title', async ({ partitions, calls }) => {
    const cache = createDataKeyCache({ capacity: 10 })
    const keyring = createFakeKeyring()
    for (const one of partitions) await encrypted(cachingMaterials({ keyring, cache, maxAgeMs: 60_000, partition: one }))
    expect(keyring.generated).toHaveLength(calls)
  })
})

describe('wrong use', () => {
  const cache = createDataKeyCache({ capacity: 1 })
  const keyring = createFakeKeyring()

  it.each([
    { options: {}, rule: 'cache-limits', word: 'maxAgeMs is missing' },
    { options: { maxAgeMs: 0 }, rule: 'cache-limits', word: 'maxAgeMs' },
    { options: { maxAgeMs: Number.NaN }, rule: 'cache-limits', word: 'maxAgeMs' },
    { options: { maxAgeMs: 1000, maxMessages: 2 ** 32 + 1 }, rule: 'cache-limits', word: 'maxMessages' },
    { options: { maxAgeMs: 1000, maxMessages: 0.5 }, rule: 'cache-limits', word: 'maxMessages' },
    { options: { maxAgeMs: 1000, maxBytes: 0 }, rule: 'cache-limits', word: 'maxBytes' },
    { options: { maxAgeMs: 1000, partition: '' }, rule: 'options', word: 'partition' },
    { options: { maxAgeMs: 1000, keyring: { ...keyring, identity: '' } }, rule: 'options', word: 'identity' },
  ])('$options is told: $word', ({ options, rule, word }) => {
    let error: unknown
    try {
      cachingMaterials({ keyring, cache, ...options } as CachingOptions)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ name: 'EnvelopeError', rule, message: expect.stringContaining(word) as string })
  })
})
