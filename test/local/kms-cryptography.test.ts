import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { base64, Cloud, textOf } from './kms-calls.ts'

const CONTEXT = { purpose: 'orders', tenant: 'northwind' }

describe('encryption contexts', () => {
  const MATCHES: readonly (readonly [sealedWith: JsonObject | undefined, openedWith: JsonObject | undefined, matches: boolean])[] = [
    [undefined, undefined, true],
    [undefined, {}, true],
    [{}, undefined, true],
    [CONTEXT, CONTEXT, true],
    [CONTEXT, { tenant: 'northwind', purpose: 'orders' }, true],
    [{ part: '7' }, { part: 7 }, true],
    [{ '': '' }, { '': '' }, true],
    [{ schlüssel: 'größe 🗝' }, { schlüssel: 'größe 🗝' }, true],
    [CONTEXT, undefined, false],
    [undefined, CONTEXT, false],
    [CONTEXT, { purpose: 'orders' }, false],
    [CONTEXT, { ...CONTEXT, more: '' }, false],
    [CONTEXT, { purpose: 'Orders', tenant: 'northwind' }, false],
    [CONTEXT, { Purpose: 'orders', tenant: 'northwind' }, false],
    [CONTEXT, { purpose: 'northwind', tenant: 'orders' }, false],
    [{ a: 'bc' }, { ab: 'c' }, false],
    [{ a: '1', b: '2' }, { a: '1","b":"2' }, false],
    [{ '': '' }, {}, false],
    // One is composed, the other is not.
    [{ name: '\u00E9' }, { name: 'e\u0301' }, false],
  ]

  it.each(MATCHES)('sealed with %j, opened with %j: %j', async (sealedWith, openedWith, matches) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a', sealedWith)
    const code = matches ? null : 'InvalidCiphertextException'
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob, EncryptionContext: openedWith })).toBe(code)
    const reEncrypt = { CiphertextBlob: blob, SourceEncryptionContext: openedWith, DestinationKeyId: keyId }
    expect(await cloud.codeOf('ReEncrypt', reEncrypt)).toBe(code)
  })

  it.each([
    [{ k: 'v'.repeat(8149) }, null],
    [{ k: 'v'.repeat(8150) }, 'ValidationException'],
    [{ a: 'v'.repeat(4000), b: 'v'.repeat(4147) }, null],
    [{ a: 'v'.repeat(4000), b: 'v'.repeat(4148) }, 'ValidationException'],
    [{ k: {} }, 'SerializationException'],
    [{ k: null }, 'SerializationException'],
    [['k'], 'SerializationException'],
    ['k', 'SerializationException'],
  ])('have a limit and hold texts', async (context, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf('Encrypt', { KeyId: keyId, Plaintext: base64('a'), EncryptionContext: context })).toBe(code)
  })
})

function pairsOf(context: JsonObject): string {
  const pairs = Object.entries(context).map((pair) => JSON.stringify(pair))
  return JSON.stringify(pairs.toSorted())
}

describe('Encrypt and Decrypt', () => {
  const contexts = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 12 }), { maxKeys: 4 })
  const plaintexts = fc.uint8Array({ minLength: 1, maxLength: 4096 })

  it('give back what was sealed, and nothing of it once a byte or the context was changed', async () => {
    const cloud = new Cloud()
    const { keyArn } = await cloud.createKey()
    await cloud.createKey()
    await fc.assert(
      fc.asyncProperty(
        plaintexts,
        contexts,
        contexts,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (plaintext, context, other, at, mask) => {
          const sealed = await cloud.do('Encrypt', { KeyId: keyArn, Plaintext: base64(plaintext), EncryptionContext: context })
          const blob = Buffer.from(textOf(sealed, 'CiphertextBlob'), 'base64')
          const request = { CiphertextBlob: base64(blob), EncryptionContext: context }
          expect(await cloud.do('Decrypt', request)).toMatchObject({ Plaintext: base64(plaintext), KeyId: keyArn })

          const isOther = pairsOf(context) !== pairsOf(other)
          const code = isOther ? 'InvalidCiphertextException' : null
          expect(await cloud.codeOf('Decrypt', { ...request, EncryptionContext: other })).toBe(code)

          blob.writeUInt8(blob.readUInt8(at % blob.length) ^ mask, at % blob.length)
          const changed = { ...request, CiphertextBlob: base64(blob) }
          expect(await cloud.codeOf('Decrypt', changed)).toBe('InvalidCiphertextException')
          expect(await cloud.codeOf('Decrypt', { ...changed, KeyId: keyArn })).toBe('InvalidCiphertextException')
        },
      ),
      { numRuns: 150 },
    )
  })

  it('notice every changed byte, every cut and every byte too many', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blob = Buffer.from(await cloud.encrypt(keyId, 'orders', CONTEXT), 'base64')
    const changed = Array.from(blob, (byte, at) => Buffer.concat([blob.subarray(0, at), Buffer.from([byte ^ 1]), blob.subarray(at + 1)]))
    const cut = Array.from({ length: blob.length - 1 }, (_, index) => blob.subarray(0, index + 1))
    const longer = [Buffer.concat([blob, Buffer.from([0])]), Buffer.concat([blob, blob])]
    for (const other of [...changed, ...cut, ...longer]) {
      const code = await cloud.codeOf('Decrypt', { CiphertextBlob: base64(other), EncryptionContext: CONTEXT })
      expect(code, `${other.length} bytes`).toBe('InvalidCiphertextException')
    }
  })

  it('never make the same ciphertext twice', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blobs = await Promise.all(Array.from({ length: 20 }, async () => cloud.encrypt(keyId, 'a')))
    expect(new Set(blobs).size).toBe(20)
  })

  it('answer what the SDK types say', async () => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey()
    const sealed = await cloud.do('Encrypt', { KeyId: keyId, Plaintext: base64('a') })
    expect(sealed).toEqual({ CiphertextBlob: sealed['CiphertextBlob'], KeyId: keyArn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' })
    const { KeyMetadata } = await cloud.do('DescribeKey', { KeyId: keyId })
    expect(await cloud.do('Decrypt', { CiphertextBlob: sealed['CiphertextBlob'] })).toEqual({
      KeyId: keyArn,
      Plaintext: base64('a'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: (KeyMetadata as JsonObject)['CurrentKeyMaterialId'],
    })
  })

  it.each([
    [0, 'ValidationException'],
    [1, null],
    [4096, null],
    [4097, 'ValidationException'],
  ])('take %d bytes of plaintext or not', async (bytes, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf('Encrypt', { KeyId: keyId, Plaintext: base64(new Uint8Array(bytes)) })).toBe(code)
  })

  it.each([
    ['Encrypt', {}, 'ValidationException'],
    ['Encrypt', { Plaintext: 'no base64!' }, 'SerializationException'],
    ['Encrypt', { Plaintext: 'YQ==', EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }, 'InvalidKeyUsageException'],
    ['Encrypt', { Plaintext: 'YQ==', EncryptionAlgorithm: 'AES' }, 'ValidationException'],
    ['Encrypt', { Plaintext: 'YQ==', DryRun: 'yes' }, 'SerializationException'],
    ['Decrypt', {}, 'ValidationException'],
    ['Decrypt', { CiphertextBlob: '' }, 'ValidationException'],
    ['Decrypt', { CiphertextBlob: 'YQ==' }, 'InvalidCiphertextException'],
    ['Decrypt', { CiphertextBlob: base64(new Uint8Array(6145)) }, 'ValidationException'],
    ['Decrypt', { CiphertextBlob: base64(new Uint8Array(6144)) }, 'InvalidCiphertextException'],
    ['Decrypt', { CiphertextBlob: 'YQ==', Recipient: {} }, 'UnsupportedOperationException'],
  ])('%s refuses %j', async (operation, input, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf(operation, { KeyId: keyId, ...input })).toBe(code)
  })

  it('open a ciphertext under no other key than the one it names', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const other = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a')
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob, KeyId: other.keyId })).toBe('IncorrectKeyException')
    const reEncrypt = { CiphertextBlob: blob, SourceKeyId: other.keyArn, DestinationKeyId: keyId }
    expect(await cloud.codeOf('ReEncrypt', reEncrypt)).toBe('IncorrectKeyException')
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob }, 'us-east-1')).toBe('InvalidCiphertextException')
  })
})

describe('ReEncrypt', () => {
  it('moves a ciphertext to another key and context', async () => {
    const cloud = new Cloud()
    const source = await cloud.createKey()
    const destination = await cloud.createKey()
    const moved = await cloud.do('ReEncrypt', {
      CiphertextBlob: await cloud.encrypt(source.keyId, 'orders', CONTEXT),
      SourceEncryptionContext: CONTEXT,
      DestinationKeyId: destination.keyId,
      DestinationEncryptionContext: { purpose: 'archive' },
    })
    expect(moved).toEqual({
      CiphertextBlob: moved['CiphertextBlob'],
      SourceKeyId: source.keyArn,
      KeyId: destination.keyArn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
      DestinationKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const opened = await cloud.do('Decrypt', { CiphertextBlob: moved['CiphertextBlob'], EncryptionContext: { purpose: 'archive' } })
    expect(opened).toMatchObject({ Plaintext: base64('orders'), KeyId: destination.keyArn })
  })
})

describe('data keys and random bytes', () => {
  it.each([
    [{ KeySpec: 'AES_256' }, 32],
    [{ KeySpec: 'AES_128' }, 16],
    [{ NumberOfBytes: 1 }, 1],
    [{ NumberOfBytes: 1024 }, 1024],
  ])('GenerateDataKey of %j makes a key and its ciphertext', async (size, bytes) => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey()
    const request = { ...size, KeyId: keyId, EncryptionContext: CONTEXT }
    const made = await cloud.do('GenerateDataKey', request)
    expect(Buffer.from(textOf(made, 'Plaintext'), 'base64')).toHaveLength(bytes)
    const open = async (blob: unknown): Promise<JsonObject> => cloud.do('Decrypt', { CiphertextBlob: blob, EncryptionContext: CONTEXT })
    const opened = { KeyId: keyArn, KeyMaterialId: made['KeyMaterialId'], Plaintext: made['Plaintext'] }
    expect(made).toEqual({ ...opened, CiphertextBlob: made['CiphertextBlob'] })
    expect(await open(made['CiphertextBlob'])).toMatchObject(opened)
    const hidden = await cloud.do('GenerateDataKeyWithoutPlaintext', request)
    expect(Object.keys(hidden).toSorted()).toEqual(['CiphertextBlob', 'KeyId', 'KeyMaterialId'])
    expect(Buffer.from(textOf(await open(hidden['CiphertextBlob']), 'Plaintext'), 'base64')).toHaveLength(bytes)
  })

  it.each([{}, { KeySpec: 'AES_256', NumberOfBytes: 32 }, { NumberOfBytes: 0 }, { NumberOfBytes: 1025 }, { KeySpec: 'AES_512' }])(
    'are not made of %j',
    async (size) => {
      const cloud = new Cloud()
      const { keyId } = await cloud.createKey()
      for (const operation of ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext']) {
        expect(await cloud.codeOf(operation, { KeyId: keyId, ...size })).toBe('ValidationException')
      }
    },
  )

  it.each([
    [{ NumberOfBytes: 1 }, null],
    [{ NumberOfBytes: 1024 }, null],
    [{}, 'ValidationException'],
    [{ NumberOfBytes: 0 }, 'ValidationException'],
    [{ NumberOfBytes: 1025 }, 'ValidationException'],
    [{ NumberOfBytes: 1, CustomKeyStoreId: 'cks-824d80d71985f082a' }, 'CustomKeyStoreNotFoundException'],
  ])('GenerateRandom of %j', async (input, code) => {
    const cloud = new Cloud()
    expect(await cloud.codeOf('GenerateRandom', input)).toBe(code)
  })

  it('GenerateRandom answers as many bytes as were asked for', async () => {
    const { Plaintext } = await new Cloud().do('GenerateRandom', { NumberOfBytes: 44 })
    expect(Buffer.from(String(Plaintext), 'base64')).toHaveLength(44)
  })
})

describe('dry runs', () => {
  it('fail as the call would have, or say that it would have succeeded', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a')
    const calls: readonly (readonly [operation: string, input: JsonObject])[] = [
      ['Encrypt', { KeyId: keyId, Plaintext: base64('a') }],
      ['Decrypt', { CiphertextBlob: blob }],
      ['Decrypt', { KeyId: keyId, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }],
      ['GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }],
      ['GenerateDataKeyWithoutPlaintext', { KeyId: keyId, KeySpec: 'AES_256' }],
      ['ReEncrypt', { CiphertextBlob: blob, DestinationKeyId: keyId }],
      ['ReEncrypt', { SourceKeyId: keyId, DestinationKeyId: keyId, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }],
    ]
    for (const [operation, input] of calls) {
      expect(await cloud.codeOf(operation, { ...input, DryRun: true }), operation).toBe('DryRunOperationException')
    }
    const foreign = { CiphertextBlob: blob, EncryptionContext: CONTEXT, DryRun: true }
    expect(await cloud.codeOf('Decrypt', foreign)).toBe('InvalidCiphertextException')
    expect(await cloud.codeOf('Decrypt', { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] })).toBe('ValidationException')
    expect(await cloud.codeOf('Decrypt', { KeyId: keyId, DryRunModifiers: ['IGNORE_CIPHERTEXT'] })).toBe('ValidationException')
    await cloud.do('DisableKey', { KeyId: keyId })
    for (const [operation, input] of calls) {
      expect(await cloud.codeOf(operation, { ...input, DryRun: true }), operation).toBe('DisabledException')
    }
  })
})
