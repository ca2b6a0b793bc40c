import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  decrypt,
  type DecryptOptions,
  decryptStream,
  encrypt,
  type EncryptOptions,
  encryptStream,
  EnvelopeError,
  type EnvelopeRule,
  type Keyring,
  kmsKeyring,
  rawAesKeyring,
} from '../../shared/envelope/index.ts'
import { keyringMaterials } from '../../shared/envelope/keyring-materials.ts'
import { errorOf, ruleOf, sampleBytes, sampleKeyring, WRAPPING_KEY } from '../support/envelope-bytes.ts'
import { createFakeKms, KEY_ARN } from '../support/envelope-kms.ts'

const keyring = sampleKeyring()
const materials = keyringMaterials(keyring)
const PLAINTEXT = sampleBytes(100, 'plaintext')
/** A value no code can know to be of the type that it should have. */
const wrong = (value: unknown): never => value as never

const WRITE: readonly { readonly name: string; readonly options: EncryptOptions; readonly rule: EnvelopeRule }[] = [
  { name: 'a frame length of 0', options: { keyring, frameLength: 0 }, rule: 'frame-length' },
  { name: 'a frame length below 0', options: { keyring, frameLength: -1 }, rule: 'frame-length' },
  { name: 'half a byte in a frame', options: { keyring, frameLength: 1.5 }, rule: 'frame-length' },
  { name: 'a frame length of more than four bytes', options: { keyring, frameLength: 2 ** 32 }, rule: 'frame-length' },
  { name: 'a reserved key', options: { keyring, encryptionContext: { 'aws-crypto-x': 'y' } }, rule: 'encryption-context' },
  {
    name: 'the public key as a pair',
    options: { keyring, encryptionContext: { 'aws-crypto-public-key': 'y' } },
    rule: 'encryption-context',
  },
  { name: 'half a character', options: { keyring, encryptionContext: { a: '\ud800' } }, rule: 'encryption-context' },
  { name: 'a value that is no text', options: { keyring, encryptionContext: { a: wrong(1) } }, rule: 'encryption-context' },
  { name: 'too many pairs', options: { keyring, encryptionContext: { a: 'x'.repeat(65_529) } }, rule: 'encryption-context' },
  { name: 'a keyring and materials', options: wrong({ keyring, materials }), rule: 'options' },
  { name: 'neither a keyring nor materials', options: wrong({}), rule: 'options' },
  { name: 'an old suite', options: { keyring, suite: wrong('0178') }, rule: 'suite' },
  {
    name: 'a policy that forbids what is written',
    options: { keyring, commitmentPolicy: 'FORBID_ENCRYPT_ALLOW_DECRYPT' },
    rule: 'commitment-policy',
  },
  { name: 'a policy nobody knows', options: { keyring, commitmentPolicy: wrong('ALLOW') }, rule: 'options' },
  { name: 'no data keys allowed', options: { keyring, maxEncryptedDataKeys: 0 }, rule: 'options' },
]
const READ: readonly { readonly name: string; readonly options: DecryptOptions; readonly rule: EnvelopeRule }[] = [
  { name: 'a reserved key', options: { keyring, encryptionContext: { 'aws-crypto-public-key': 'y' } }, rule: 'encryption-context' },
  { name: 'a keyring and materials', options: wrong({ keyring, materials }), rule: 'options' },
  { name: 'neither a keyring nor materials', options: wrong({}), rule: 'options' },
  { name: 'too many data keys allowed', options: { keyring, maxEncryptedDataKeys: 65_536 }, rule: 'options' },
]

describe('is told, and no key is asked for', () => {
  it.each(WRITE)('to write with $name', async ({ options, rule }) => {
    expect(await ruleOf(() => encrypt(PLAINTEXT, options))).toBe(rule)
    expect(() => encryptStream(options)).toThrow(EnvelopeError)
  })

  it.each(READ)('to read with $name', async ({ options, rule }) => {
    const { message } = await encrypt(PLAINTEXT, { keyring, suite: '0478' })
    expect(await ruleOf(() => decrypt(message, options))).toBe(rule)
    expect(() => decryptStream(options)).toThrow(EnvelopeError)
  })

  it.each([0, 15, 17, 31, 33])('a raw key of %i bytes', (bytes) => {
    expect(() => rawAesKeyring({ namespace: 'a', name: 'b', key: Buffer.alloc(bytes) })).toThrow(/16, 24 or 32 bytes/)
  })

  it.each([
    { namespace: '', name: 'b' },
    { namespace: 'a', name: '' },
    { namespace: 'aws-kms', name: 'b' },
    { namespace: 'a', name: '\udc00' },
  ])('a raw key named $namespace / $name', (names) => {
    expect(() => rawAesKeyring({ ...names, key: WRAPPING_KEY })).toThrow(EnvelopeError)
  })

  it('what is no bytes', async () => {
    expect(await ruleOf(() => encrypt(wrong('text'), { keyring }))).toBe('options')
    expect(await ruleOf(() => decrypt(wrong('text'), { keyring }))).toBe('options')
    expect(await ruleOf(() => decrypt(Buffer.alloc(0), { keyring }))).toBe('truncated')
  })
})

describe('into', () => {
  it.each(['0478', '0578'] as const)('has to be large enough, suite %s', async (suite) => {
    const options = { keyring, suite, frameLength: 30 }
    const { message } = await encrypt(PLAINTEXT, options)
    const told = /(?<needed>\d+) are needed/.exec((await errorOf(() => encrypt(PLAINTEXT, { ...options, into: Buffer.alloc(1) }))).message)
    const needed = Number(told?.groups?.['needed'])
    expect(needed).toBeGreaterThanOrEqual(message.length)
    expect(await ruleOf(() => encrypt(PLAINTEXT, { ...options, into: Buffer.alloc(needed - 1) }))).toBe('output-size')
    const into = new Uint8Array(needed + 5)
    const written = await encrypt(PLAINTEXT, { ...options, into: into.subarray(5) })
    expect(written.message.buffer).toBe(into.buffer)
    expect(written.message.byteOffset).toBe(5)

    expect(await ruleOf(() => decrypt(message, { keyring, into: Buffer.alloc(PLAINTEXT.length - 1) }))).toBe('output-size')
    const target = Buffer.alloc(PLAINTEXT.length + 1, 7)
    const read = await decrypt(written.message, { keyring, into: target })
    expect(read.plaintext.equals(PLAINTEXT)).toBe(true)
    expect(read.plaintext.buffer).toBe(target.buffer)
    expect(target.at(-1)).toBe(7)
  })

  it('must not lie over what is read', async () => {
    const bytes = Buffer.alloc(1000)
    expect(await ruleOf(() => encrypt(bytes.subarray(500, 600), { keyring, suite: '0478', into: bytes.subarray(0, 501) }))).toBe('options')
    expect(await ruleOf(() => encrypt(bytes.subarray(500, 600), { keyring, suite: '0478', into: bytes.subarray(0, 500) }))).toBe('no error')
  })
})

describe('materials', () => {
  it.each(['another suite', 'another length', 'no data key'] as const)('that do not fit are refused: %s', async (what) => {
    const released: string[] = []
    const source = {
      ...materials,
      forEncryption: async (request: Parameters<typeof materials.forEncryption>[0]) => {
        const lease = await materials.forEncryption(request)
        const changed = {
          ...lease.materials,
          ...(what === 'another suite' ? { suite: { ...request.suite, id: '0578' as const } } : {}),
          ...(what === 'another length' ? { dataKey: { bytes: Buffer.alloc(16), wrappedBy: 'x' } } : {}),
          ...(what === 'no data key' ? { encryptedDataKeys: [] } : {}),
        }
        return { materials: changed, release: () => void released.push(what) }
      },
    }
    expect(await ruleOf(() => encrypt(PLAINTEXT, { materials: source, suite: '0478' }))).toBe('materials')
    expect(released).toEqual([what])
  })

  it('give their data key back overwritten, once, whether it went well or not', async () => {
    const keys: Buffer[] = []
    const watched: Keyring = {
      identity: keyring.identity,
      generateDataKey: async (request) => {
        const made = await keyring.generateDataKey(request)
        keys.push(made.dataKey.bytes)
        return made
      },
      decryptDataKey: async (request) => {
        const dataKey = await keyring.decryptDataKey(request)
        keys.push(dataKey.bytes)
        return dataKey
      },
    }
    const { message } = await encrypt(PLAINTEXT, { keyring: watched })
    await decrypt(message, { keyring: watched })
    message[message.length - 120] = (message[message.length - 120] ?? 0) ^ 1
    await expect(decrypt(message, { keyring: watched })).rejects.toBeInstanceOf(EnvelopeError)
    await expect(encrypt(PLAINTEXT, { keyring: watched, into: Buffer.alloc(1) })).rejects.toBeInstanceOf(EnvelopeError)
    expect(keys).toHaveLength(4)
    expect(keys.every((key) => key.length === 32 && key.equals(Buffer.alloc(32)))).toBe(true)
  })
})

it('errors hold no secrets', async () => {
  const secret = 'context value that nobody may see'
  const encryptionContext = { 'context key that nobody may see': secret }
  const kms = createFakeKms()
  const { message } = await encrypt(PLAINTEXT, { keyring, encryptionContext })
  const underKms = await encrypt(PLAINTEXT, { keyring: kmsKeyring({ client: kms, keyArn: KEY_ARN }), encryptionContext })
  kms.refuse(KEY_ARN, Object.assign(new Error(`1 validation error: Value '${secret}'`), { name: 'ValidationException' }))
  const broken = Buffer.from(message)
  broken[broken.length - 200] = (broken[broken.length - 200] ?? 0) ^ 1
  const errors = await Promise.all([
    errorOf(() => decrypt(message, { keyring, encryptionContext: { 'context key that nobody may see': `another ${secret}` } })),
    errorOf(() => decrypt(message, { keyring: sampleKeyring(sampleBytes(32, 'another key')) })),
    errorOf(() => decrypt(message, { keyring, encryptionContext: { ...encryptionContext, more: secret } })),
    errorOf(() => decrypt(broken, { keyring })),
    errorOf(() => encrypt(PLAINTEXT, { keyring, encryptionContext: { [`aws-crypto-${secret}`]: secret } })),
    errorOf(() => encrypt(PLAINTEXT, { keyring, encryptionContext: { a: `${secret}\ud800` } })),
    errorOf(() => decrypt(underKms.message, { keyring: kmsKeyring({ client: kms, keyArn: KEY_ARN }) })),
    errorOf(() => encrypt(PLAINTEXT, { keyring: kmsKeyring({ client: kms, keyArn: KEY_ARN }), encryptionContext })),
  ])
  expect(new Set(errors.map(({ rule }) => rule)).size).toBeGreaterThan(4)
  const told = errors.map((error) => inspect(error, { depth: 9 })).join('\n')
  const forms = [PLAINTEXT, WRAPPING_KEY].flatMap((bytes) =>
    (['utf8', 'hex', 'base64', 'latin1'] as const).map((form) => bytes.toString(form).slice(0, 12)),
  )
  for (const text of [...forms, 'nobody may see']) expect(told).not.toContain(text)
  expect(told).toContain('ValidationException')
})
