import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { ACCOUNT, base64, Cloud, DAY_MS, REGION, START_MS, textOf } from './kms-calls.ts'

describe('a KMS key', () => {
  it('is described as it was made', async () => {
    const cloud = new Cloud()
    const made = await cloud.do('CreateKey', { Description: 'Orders at rest' })
    const metadata = made['KeyMetadata'] as JsonObject
    expect(metadata).toEqual({
      AWSAccountId: ACCOUNT,
      KeyId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      Arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${textOf(metadata, 'KeyId')}`,
      CreationDate: START_MS / 1000,
      Enabled: true,
      Description: 'Orders at rest',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: false,
      CurrentKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await cloud.do('DescribeKey', { KeyId: textOf(metadata, 'KeyId') })).toEqual(made)
  })

  it('of several Regions has an ID of its own form and is a primary', async () => {
    const { KeyMetadata } = await new Cloud().do('CreateKey', { MultiRegion: true })
    const metadata = KeyMetadata as JsonObject
    expect(metadata['KeyId']).toMatch(/^mrk-[0-9a-f]{32}$/)
    expect(metadata['MultiRegionConfiguration']).toEqual({
      MultiRegionKeyType: 'PRIMARY',
      PrimaryKey: { Arn: metadata['Arn'], Region: REGION },
      ReplicaKeys: [],
    })
  })

  it.each([
    [{ Description: 'a'.repeat(8193) }, 'ValidationException'],
    [{ Description: 1 }, 'SerializationException'],
    [{ MultiRegion: 'yes' }, 'SerializationException'],
    [{ Policy: '{}' }, 'MalformedPolicyDocumentException'],
    [{ Policy: 'none' }, 'MalformedPolicyDocumentException'],
    [{ Policy: JSON.stringify({ Statement: [], Id: 'a'.repeat(32_768) }) }, 'LimitExceededException'],
    [
      {
        Tags: [
          { TagKey: 'a', TagValue: '' },
          { TagKey: 'a', TagValue: 'b' },
        ],
      },
      'TagException',
    ],
    [{ Tags: [{ TagKey: 'aws:team', TagValue: '' }] }, 'TagException'],
    [{ Tags: [{ TagKey: 'a' }] }, 'ValidationException'],
    [{ Tags: [{ TagKey: 'a'.repeat(129), TagValue: '' }] }, 'ValidationException'],
    [{ Tags: ['a'] }, 'SerializationException'],
    [{ Tags: Array.from({ length: 51 }, (_, index) => ({ TagKey: `${index}`, TagValue: '' })) }, 'LimitExceededException'],
  ])('is not made of %j', async (input, code) => {
    const cloud = new Cloud()
    expect(await cloud.codeOf('CreateKey', input)).toBe(code)
    expect(await cloud.do('ListKeys')).toEqual({ Keys: [], Truncated: false })
  })

  it('is listed page by page, each once, in its own Region', async () => {
    const cloud = new Cloud()
    const keys = await Promise.all(Array.from({ length: 7 }, async () => cloud.createKey()))
    await cloud.createKey({}, 'us-east-1')
    const listed: string[] = []
    let marker: unknown
    const lengths: number[] = []
    do {
      const page = await cloud.do('ListKeys', { Limit: 3, ...(marker === undefined ? {} : { Marker: marker }) })
      const items = page['Keys'] as JsonObject[]
      lengths.push(items.length)
      listed.push(...items.map((item) => textOf(item, 'KeyArn')))
      expect(page['Truncated']).toBe(page['NextMarker'] !== undefined)
      marker = page['NextMarker']
    } while (marker !== undefined)
    expect(lengths).toEqual([3, 3, 1])
    expect(listed.toSorted()).toEqual(keys.map(({ keyArn }) => keyArn).toSorted())
  })

  it.each([
    [{ Limit: 0 }, 'ValidationException'],
    [{ Limit: 1001 }, 'ValidationException'],
    [{ Limit: 'all' }, 'SerializationException'],
    [{ Marker: '' }, 'ValidationException'],
    [{ Marker: 'elsewhere' }, 'InvalidMarkerException'],
  ])('is not listed by %j', async (input, code) => {
    expect(await new Cloud().codeOf('ListKeys', input)).toBe(code)
  })
})

describe('key states', () => {
  it.each([
    ['Disabled', 'DisabledException'],
    ['PendingDeletion', 'KMSInvalidStateException'],
  ])('%s stops Decrypt and both sides of ReEncrypt', async (state, code) => {
    const cloud = new Cloud()
    const stopped = await cloud.createKey()
    const other = await cloud.createKey()
    const blob = await cloud.encrypt(stopped.keyId, 'a')
    const otherBlob = await cloud.encrypt(other.keyId, 'a')
    await cloud.do(state === 'Disabled' ? 'DisableKey' : 'ScheduleKeyDeletion', { KeyId: stopped.keyId })
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob })).toBe(code)
    expect(await cloud.codeOf('ReEncrypt', { CiphertextBlob: blob, DestinationKeyId: other.keyId })).toBe(code)
    expect(await cloud.codeOf('ReEncrypt', { CiphertextBlob: otherBlob, DestinationKeyId: stopped.keyId })).toBe(code)
    expect(await cloud.codeOf('ReEncrypt', { CiphertextBlob: otherBlob, DestinationKeyId: other.keyId })).toBeNull()
  })
})

describe('deletion', () => {
  it.each([
    [{}, 30],
    [{ PendingWindowInDays: 7 }, 7],
    [{ PendingWindowInDays: 30 }, 30],
  ])('waits for its date: %j', async (input, days) => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a')
    await cloud.do('CreateAlias', { AliasName: 'alias/orders', TargetKeyId: keyId })
    const deletionMs = START_MS + days * DAY_MS
    expect(await cloud.do('ScheduleKeyDeletion', { ...input, KeyId: keyId })).toEqual({
      KeyId: keyArn,
      DeletionDate: deletionMs / 1000,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: days,
    })
    cloud.timeMs = deletionMs - 1
    const { KeyMetadata } = await cloud.do('DescribeKey', { KeyId: 'alias/orders' })
    expect(KeyMetadata).toMatchObject({ KeyState: 'PendingDeletion', Enabled: false, DeletionDate: deletionMs / 1000 })
    cloud.timeMs = deletionMs
    expect(await cloud.codeOf('DescribeKey', { KeyId: keyId })).toBe('NotFoundException')
    expect(await cloud.codeOf('DescribeKey', { KeyId: 'alias/orders' })).toBe('NotFoundException')
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob })).toBe('NotFoundException')
    expect(await cloud.do('ListKeys')).toMatchObject({ Keys: [] })
    expect(await cloud.do('ListAliases')).toMatchObject({ Aliases: [] })
  })

  it('can be cancelled, and leaves the key disabled for good', async () => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a')
    await cloud.do('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 })
    expect(await cloud.do('CancelKeyDeletion', { KeyId: keyId })).toEqual({ KeyId: keyArn })
    cloud.timeMs += 8 * DAY_MS
    const { KeyMetadata } = await cloud.do('DescribeKey', { KeyId: keyId })
    expect(KeyMetadata).toMatchObject({ KeyState: 'Disabled', Enabled: false })
    expect(KeyMetadata).not.toHaveProperty('DeletionDate')
    await cloud.do('EnableKey', { KeyId: keyId })
    expect(await cloud.do('Decrypt', { CiphertextBlob: blob })).toMatchObject({ Plaintext: base64('a') })
  })

  it.each([6, 31, 7.5])('takes no waiting period of %d days', async (days) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: days })).toMatch(
      /^(Validation|Serialization)Exception$/,
    )
  })
})

describe('the service', () => {
  it.each(['Encapsulate', 'ConnectCustomKeyStore', 'constructor', 'encrypt', ''])('has no operation %j', async (operation) => {
    expect((await new Cloud().send(operation)).answer).toMatchObject({
      failure: { code: 'UnknownOperationException', status: 400 },
      trail: null,
    })
  })

  it('keeps keys, aliases, tags and ciphertexts in the database', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kms-'))
    const file = path.join(folder, 'cloud.sqlite')
    try {
      const before = new DatabaseSync(file)
      const first = new Cloud(before)
      const { keyId } = await first.createKey({ Tags: [{ TagKey: 'team', TagValue: 'orders' }], Policy: '{"Statement":[]}' })
      await first.do('CreateAlias', { AliasName: 'alias/orders', TargetKeyId: keyId })
      await first.do('EnableKeyRotation', { KeyId: keyId })
      const blob = await first.encrypt('alias/orders', 'kept', { tenant: 'northwind' })
      const reads = ['DescribeKey', 'ListResourceTags', 'GetKeyPolicy', 'GetKeyRotationStatus', 'ListAliases']
      const outputs = await Promise.all(reads.map(async (operation) => first.do(operation, { KeyId: keyId })))
      before.close()
      const after = new DatabaseSync(file)
      const second = new Cloud(after)
      expect(await Promise.all(reads.map(async (operation) => second.do(operation, { KeyId: keyId })))).toEqual(outputs)
      const opened = await second.do('Decrypt', { CiphertextBlob: blob, EncryptionContext: { tenant: 'northwind' } })
      expect(opened).toMatchObject({ Plaintext: base64('kept') })
      after.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
