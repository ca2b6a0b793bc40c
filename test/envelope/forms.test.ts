import { createPublicKey, generateKeyPairSync, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivedKeys } from '../../shared/envelope/derive.ts'
import { parseContext, serializedContext } from '../../shared/envelope/encryption-context.ts'
import { decrypt, decryptStream, EnvelopeError } from '../../shared/envelope/index.ts'
import { verificationKeyOf } from '../../shared/envelope/signature.ts'
import { suiteOf } from '../../shared/envelope/suites.ts'
import { cut, ruleOf, sampleBytes, sampleKeyring, through } from '../support/envelope-bytes.ts'
import { LEGACY_SUITES, oracleEncryptLegacy, oracleRawKeyring } from '../support/envelope-oracle.ts'
import { handWritten, WRITER_KEYRING } from '../support/envelope-writer.ts'

const PLAINTEXT = sampleBytes(40)
const keyring = WRITER_KEYRING

describe('messages of version 1', () => {
  it.each(LEGACY_SUITES)('are read where the policy allows it: suite %s', async (suite) => {
    const message = await oracleEncryptLegacy(oracleRawKeyring(), PLAINTEXT, suite)
    expect(await ruleOf(() => decrypt(message, { keyring: sampleKeyring() }))).toBe('commitment-policy')
    for (const commitmentPolicy of ['FORBID_ENCRYPT_ALLOW_DECRYPT', 'REQUIRE_ENCRYPT_ALLOW_DECRYPT'] as const) {
      const options = { keyring: sampleKeyring(), commitmentPolicy, encryptionContext: { tenant: 'a' } }
      const { plaintext, header } = await decrypt(message, options)
      expect(plaintext.equals(PLAINTEXT)).toBe(true)
      expect(header).toMatchObject({ suite, messageVersion: 1, frameLength: 10 })
      const stream = decryptStream({ ...options, allowUnverified: true })
      expect((await through(stream, cut(message, 13))).equals(PLAINTEXT)).toBe(true)
    }
  })

  it('that were changed are refused', async () => {
    const message = await oracleEncryptLegacy(oracleRawKeyring(), PLAINTEXT, '0178')
    for (let at = 0; at < message.length; at++) {
      const copy = Buffer.from(message)
      copy[at] = (copy[at] ?? 0) ^ 0x10
      const options = { keyring: sampleKeyring(), commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' } as const
      expect(await ruleOf(() => decrypt(copy, options))).not.toMatch(/^no/)
    }
  })
})

describe('pairs that are authenticated and not stored', () => {
  const message = handWritten({ plaintext: PLAINTEXT, stored: ['a', '1'], notStored: ['b', '2'], frameLength: 16 })

  it('have to be given', async () => {
    const { plaintext, header } = await decrypt(message, { keyring, encryptionContext: { b: '2' } })
    expect(plaintext.equals(PLAINTEXT)).toBe(true)
    expect({ ...header.encryptionContext }).toEqual({ a: '1', b: '2' })
    const stream = decryptStream({ keyring, encryptionContext: { a: '1', b: '2' } })
    expect((await through(stream, cut(message, 50))).equals(PLAINTEXT)).toBe(true)
  })

  it.each([
    { encryptionContext: {}, rule: 'header-tag' },
    { encryptionContext: { b: '3' }, rule: 'header-tag' },
    { encryptionContext: { b: '2', c: '3' }, rule: 'header-tag' },
    { encryptionContext: { a: '2', b: '2' }, rule: 'context-mismatch' },
  ])('have to be the right ones: %o', async ({ encryptionContext, rule }) => {
    expect(await ruleOf(() => decrypt(message, { keyring, encryptionContext }))).toBe(rule)
  })
})

describe('bodies', () => {
  const block = { plaintext: PLAINTEXT, frameLength: null }

  it.each([0, 1, 40])('without frames are read: %i bytes', async (bytes) => {
    const plaintext = PLAINTEXT.subarray(0, bytes)
    const message = handWritten({ plaintext, frameLength: null })
    const read = await decrypt(message, { keyring })
    expect(read.plaintext.equals(plaintext)).toBe(true)
    expect(read.header.frameLength).toBeNull()
    expect((await through(decryptStream({ keyring }), cut(message, 9))).equals(plaintext)).toBe(true)
  })

  it.each([0, 16, 32])('may end in an empty final frame: %i bytes', async (bytes) => {
    const plaintext = PLAINTEXT.subarray(0, bytes)
    const message = handWritten({ plaintext, frameLength: 16, emptyFinalFrame: true })
    expect((await decrypt(message, { keyring })).plaintext.equals(plaintext)).toBe(true)
    expect((await through(decryptStream({ keyring }), cut(message, 9))).equals(plaintext)).toBe(true)
  })

  it.each([
    { name: 'with an IV of another number', written: { ...block, frameIv: Buffer.alloc(12, 2) }, rule: 'frame-iv' },
    {
      name: 'in frames with an IV of another number',
      written: { plaintext: PLAINTEXT, frameLength: 50, frameIv: Buffer.alloc(12) },
      rule: 'frame-iv',
    },
    {
      name: 'in frames that repeat an IV',
      written: { plaintext: PLAINTEXT, frameLength: 16, frameIv: Buffer.concat([Buffer.alloc(11), Buffer.of(1)]) },
      rule: 'frame-iv',
    },
    { name: 'longer than the message', written: { ...block, blockLength: 41 }, rule: 'truncated' },
    { name: 'shorter than the message', written: { ...block, blockLength: 39 }, rule: 'trailing-bytes' },
    { name: 'longer than AES-GCM allows', written: { ...block, blockLength: 2 ** 36 }, rule: 'frame-size' },
  ])('$name are refused', async ({ written, rule }) => {
    const message = handWritten(written)
    expect(await ruleOf(() => decrypt(message, { keyring }))).toBe(rule)
    await expect(through(decryptStream({ keyring }), [message])).rejects.toBeInstanceOf(EnvelopeError)
  })

  it('are held in memory up to a limit only', async () => {
    expect(await ruleOf(() => limited(handWritten(block)))).toBe('frame-size')
    expect(await ruleOf(() => limited(handWritten({ plaintext: PLAINTEXT, frameLength: 40 })))).toBe('frame-size')
    expect(await ruleOf(() => limited(handWritten({ plaintext: PLAINTEXT, frameLength: 39 })))).toBe('no error')
  })
})

it('keys are those of HKDF as OpenSSL does it', () => {
  for (const suite of [suiteOf('0478'), suiteOf('0578')]) {
    const [dataKey, messageId] = [sampleBytes(32, suite.id), sampleBytes(32, `id ${suite.id}`)]
    const info = Buffer.concat([Buffer.from(suite.id, 'hex'), Buffer.from('DERIVEKEY')])
    const { contentKey, commitment } = derivedKeys(suite, dataKey, messageId)
    expect(contentKey.export().equals(Buffer.from(hkdfSync('sha512', dataKey, messageId, info, 32)))).toBe(true)
    expect(commitment?.equals(Buffer.from(hkdfSync('sha512', dataKey, messageId, 'COMMITKEY', 32)))).toBe(true)
  }
})

describe('contexts', () => {
  it('are ordered by the bytes of their keys', () => {
    const keys = Object.keys({ ...parseContext(serializedContext({ '\u{10000}': '', '\uffee': '', b: '', B: '', '10': '', '9': '' })) })
    expect(keys).toEqual(['9', '10', 'B', 'b', '\uffee', '\u{10000}'])
    expect(serializedContext({ b: '1', a: 'é' }).toString('hex')).toBe('00020001610002c3a9000162000131')
    expect(serializedContext({})).toHaveLength(0)
  })

  it('may use names that objects have', () => {
    const context = parseContext(serializedContext(JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>))
    expect(Object.entries(context)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })

  it.each([
    '00',
    '0000',
    '0001',
    '00010001',
    '0001000161',
    '000100016100',
    '00010001610002',
    '0001000161000000',
    '000200016100000001610000',
    '00010001ff0000',
  ])('that are malformed are refused: %s', (hex) => {
    expect(() => parseContext(Buffer.from(hex, 'hex'))).toThrow(EnvelopeError)
  })
})

describe('public keys of signatures', () => {
  const suite = suiteOf('0578')

  it('are read from their compressed form', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-97)
    const compressed = Buffer.concat([Buffer.of(2 + ((point[96] ?? 0) & 1)), point.subarray(1, 49)])
    const read = verificationKeyOf(suite, { 'aws-crypto-public-key': compressed.toString('base64') })
    expect(read?.equals(createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })))).toBe(true)
  })

  it.each([
    '',
    'A',
    Buffer.alloc(49).toString('base64'),
    Buffer.alloc(49, 2).toString('hex'),
    Buffer.alloc(33, 2).toString('base64'),
    Buffer.alloc(49, 0xff).fill(2, 0, 1).toString('base64'),
  ])('that are none are refused: %s', (text) => {
    expect(() => verificationKeyOf(suite, { 'aws-crypto-public-key': text })).toThrow(EnvelopeError)
  })
})

function limited(written: Buffer): Promise<Buffer> {
  return through(decryptStream({ keyring, maxFrameLength: 39 }), [written])
}
