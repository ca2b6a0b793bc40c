import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { ACCOUNT, base64, Cloud, DAY_MS, REGION, START_MS, textOf } from './kms-calls.ts'

const arnOf = (aliasName: string): string => `arn:aws:kms:${REGION}:${ACCOUNT}:${aliasName}`

async function everyItem(cloud: Cloud, operation: string, member: string, input: JsonObject): Promise<readonly JsonObject[]> {
  const items: JsonObject[] = []
  let marker: unknown
  do {
    const page = await cloud.do(operation, { ...input, ...(marker === undefined ? {} : { Marker: marker }) })
    items.push(...(page[member] as JsonObject[]))
    marker = page['NextMarker']
  } while (marker !== undefined)
  return items
}

function namesOf(items: readonly JsonObject[]): readonly unknown[] {
  return items.map((item) => item['AliasName'])
}

describe('aliases', () => {
  it.each([
    ['alias/orders', null],
    ['alias/a/b_c-D9', null],
    [`alias/${'a'.repeat(250)}`, null],
    [`alias/${'a'.repeat(251)}`, 'ValidationException'],
    ['alias/orders!', 'ValidationException'],
    ['alias/ordérs', 'ValidationException'],
    ['', 'ValidationException'],
    ['orders', 'InvalidAliasNameException'],
    ['alias/', 'InvalidAliasNameException'],
    ['Alias/orders', 'InvalidAliasNameException'],
    ['alias/or:ders', 'InvalidAliasNameException'],
    ['alias/aws/s3', 'NotAuthorizedException'],
    ['alias/awsome', null],
    [undefined, 'ValidationException'],
  ])('%s', async (name, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf('CreateAlias', { AliasName: name, TargetKeyId: keyId })).toBe(code)
  })

  it('stand for one key at a time, and change it', async () => {
    const cloud = new Cloud()
    const first = await cloud.createKey()
    const second = await cloud.createKey()
    const alias = { AliasName: 'alias/orders', TargetKeyId: first.keyId }
    const blob = await cloud.do('CreateAlias', alias).then(async () => cloud.encrypt('alias/orders', 'a'))
    expect(await cloud.codeOf('CreateAlias', { ...alias, TargetKeyId: second.keyId })).toBe('AlreadyExistsException')
    cloud.timeMs += 1000
    await cloud.do('UpdateAlias', { ...alias, TargetKeyId: second.keyArn })
    expect(await cloud.do('ListAliases')).toEqual({
      Aliases: [
        {
          AliasName: 'alias/orders',
          AliasArn: arnOf('alias/orders'),
          TargetKeyId: second.keyId,
          CreationDate: START_MS / 1000,
          LastUpdatedDate: START_MS / 1000 + 1,
        },
      ],
      Truncated: false,
    })
    expect(await cloud.do('Decrypt', { CiphertextBlob: blob })).toMatchObject({ KeyId: first.keyArn })
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob, KeyId: 'alias/orders' })).toBe('IncorrectKeyException')
    await cloud.do('DeleteAlias', { AliasName: 'alias/orders' })
    expect(await cloud.codeOf('Encrypt', { KeyId: 'alias/orders', Plaintext: base64('a') })).toBe('NotFoundException')
    expect(await cloud.codeOf('DescribeKey', { KeyId: second.keyId })).toBeNull()
  })

  it('follow the states of their keys', async () => {
    const cloud = new Cloud()
    const pending = await cloud.createKey()
    const enabled = await cloud.createKey()
    await cloud.do('CreateAlias', { AliasName: 'alias/leaves', TargetKeyId: pending.keyId })
    await cloud.do('CreateAlias', { AliasName: 'alias/stays', TargetKeyId: enabled.keyId })
    await cloud.do('CreateAlias', { AliasName: 'alias/goes', TargetKeyId: pending.keyId })
    await cloud.do('ScheduleKeyDeletion', { KeyId: pending.keyId })
    const toPending = { TargetKeyId: pending.keyId }
    expect(await cloud.codeOf('CreateAlias', { ...toPending, AliasName: 'alias/new' })).toBe('KMSInvalidStateException')
    expect(await cloud.codeOf('UpdateAlias', { ...toPending, AliasName: 'alias/stays' })).toBe('KMSInvalidStateException')
    expect(await cloud.codeOf('UpdateAlias', { AliasName: 'alias/leaves', TargetKeyId: enabled.keyId })).toBeNull()
    expect(await cloud.codeOf('DeleteAlias', { AliasName: 'alias/goes' })).toBeNull()
  })

  it.each(['UpdateAlias', 'DeleteAlias'])('that are none cannot be changed by %s', async (operation) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf(operation, { AliasName: 'alias/none', TargetKeyId: keyId })).toBe('NotFoundException')
    expect(await cloud.codeOf(operation, { AliasName: 'alias/aws/s3', TargetKeyId: keyId })).toBe('NotAuthorizedException')
  })

  it('are at most 50 a key, and are listed page by page, also by key', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const other = await cloud.createKey()
    const names = Array.from({ length: 50 }, (_, index) => `alias/orders-${index}`)
    for (const name of names) await cloud.do('CreateAlias', { AliasName: name, TargetKeyId: keyId })
    const oneMore = { AliasName: 'alias/one-more', TargetKeyId: keyId }
    expect(await cloud.codeOf('CreateAlias', oneMore)).toBe('LimitExceededException')
    await cloud.do('CreateAlias', { ...oneMore, TargetKeyId: other.keyId })
    expect(await cloud.codeOf('UpdateAlias', oneMore)).toBe('LimitExceededException')
    const all = namesOf(await everyItem(cloud, 'ListAliases', 'Aliases', { Limit: 7 }))
    expect(all).toEqual([...names, 'alias/one-more'].toSorted())
    expect(namesOf(await everyItem(cloud, 'ListAliases', 'Aliases', { Limit: 7, KeyId: keyId }))).toEqual(names.toSorted())
    expect(await cloud.do('ListAliases', { KeyId: other.keyId })).toMatchObject({
      Truncated: false,
      Aliases: [{ TargetKeyId: other.keyId }],
    })
    expect(await cloud.do('ListAliases')).toMatchObject({ Truncated: true })
    expect(await cloud.codeOf('ListAliases', { Limit: 101 })).toBe('ValidationException')
    expect(await cloud.codeOf('ListAliases', { Marker: 'x' })).toBe('InvalidMarkerException')
  })
})

describe('rotation', () => {
  it('is off until it is enabled, and hides while the key waits for its deletion', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const status = async (): Promise<JsonObject> => cloud.do('GetKeyRotationStatus', { KeyId: keyId })
    const off = { KeyId: keyId, KeyRotationEnabled: false }
    const on = { KeyId: keyId, KeyRotationEnabled: true, RotationPeriodInDays: 90, NextRotationDate: START_MS / 1000 + 90 * 86_400 }
    expect(await status()).toEqual(off)
    await cloud.do('EnableKeyRotation', { KeyId: keyId })
    expect(await status()).toMatchObject({ RotationPeriodInDays: 365 })
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    expect(await status()).toEqual(on)
    await cloud.do('ScheduleKeyDeletion', { KeyId: keyId })
    expect(await status()).toEqual(off)
    await cloud.do('CancelKeyDeletion', { KeyId: keyId })
    expect(await status()).toEqual(on)
    await cloud.do('EnableKey', { KeyId: keyId })
    await cloud.do('DisableKeyRotation', { KeyId: keyId })
    expect(await status()).toEqual(off)
  })

  it.each([89, 2561])('has no period of %d days', async (days) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: days })).toBe('ValidationException')
  })

  it('makes new key material when its date has come, and opens what is older', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'old')
    const materialId = async (): Promise<string> =>
      textOf(await cloud.do('GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_128' }), 'KeyMaterialId')
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    const first = await materialId()
    cloud.timeMs = START_MS + 90 * DAY_MS - 1
    expect(await materialId()).toBe(first)
    cloud.timeMs = START_MS + 90 * DAY_MS
    const second = await materialId()
    expect(second).not.toBe(first)
    expect(await cloud.do('Decrypt', { CiphertextBlob: blob })).toMatchObject({ Plaintext: base64('old'), KeyMaterialId: first })
    cloud.timeMs = START_MS + 500 * DAY_MS
    const status = await cloud.do('GetKeyRotationStatus', { KeyId: keyId })
    expect(status).toMatchObject({ NextRotationDate: START_MS / 1000 + 540 * 86_400 })
    expect([first, second]).not.toContain(await materialId())
  })

  it('waits while the key is disabled', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const materialId = async (): Promise<unknown> => {
      const { KeyMetadata } = await cloud.do('DescribeKey', { KeyId: keyId })
      return (KeyMetadata as JsonObject)['CurrentKeyMaterialId']
    }
    const first = await materialId()
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    await cloud.do('DisableKey', { KeyId: keyId })
    cloud.timeMs += 100 * DAY_MS
    expect(await materialId()).toBe(first)
    await cloud.do('EnableKey', { KeyId: keyId })
    expect(await materialId()).not.toBe(first)
  })
})

describe('tags', () => {
  it('are put, replaced, removed and listed page by page', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey({ Tags: [{ TagKey: 'team', TagValue: 'orders' }] })
    const tags = Array.from({ length: 49 }, (_, index) => ({ TagKey: `tag-${index}`, TagValue: '' }))
    await cloud.do('TagResource', { KeyId: keyId, Tags: tags })
    expect(await cloud.codeOf('TagResource', { KeyId: keyId, Tags: [{ TagKey: 'more', TagValue: '' }] })).toBe('LimitExceededException')
    await cloud.do('TagResource', { KeyId: keyId, Tags: [{ TagKey: 'team', TagValue: 'archive' }] })
    const listed = await everyItem(cloud, 'ListResourceTags', 'Tags', { KeyId: keyId, Limit: 9 })
    expect(listed).toHaveLength(50)
    expect(listed).toContainEqual({ TagKey: 'team', TagValue: 'archive' })
    await cloud.do('UntagResource', { KeyId: keyId, TagKeys: [...tags.map(({ TagKey }) => TagKey), 'unknown'] })
    const left = await cloud.do('ListResourceTags', { KeyId: keyId })
    expect(left).toEqual({ Tags: [{ TagKey: 'team', TagValue: 'archive' }], Truncated: false })
  })

  it.each([
    ['TagResource', {}, 'ValidationException'],
    ['TagResource', { Tags: 'team' }, 'SerializationException'],
    ['TagResource', { Tags: [{ TagKey: '', TagValue: '' }] }, 'ValidationException'],
    ['TagResource', { Tags: [{ TagKey: 'a', TagValue: 'a'.repeat(257) }] }, 'ValidationException'],
    ['UntagResource', {}, 'ValidationException'],
    ['UntagResource', { TagKeys: [7] }, 'SerializationException'],
    ['UntagResource', { TagKeys: [null] }, 'ValidationException'],
    ['ListResourceTags', { Limit: 51 }, 'ValidationException'],
  ])('%s refuses %j', async (operation, input, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf(operation, { KeyId: keyId, ...input })).toBe(code)
  })
})

describe('key policies', () => {
  const POLICY = '{"Version": "2012-10-17", "Statement": []}'

  it('are kept as they were written', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const initial = await cloud.do('GetKeyPolicy', { KeyId: keyId })
    expect(initial['PolicyName']).toBe('default')
    expect(JSON.parse(textOf(initial, 'Policy'))).toMatchObject({
      Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' }],
    })
    await cloud.do('PutKeyPolicy', { KeyId: keyId, PolicyName: 'default', Policy: POLICY })
    expect(await cloud.do('GetKeyPolicy', { KeyId: keyId })).toEqual({ Policy: POLICY, PolicyName: 'default' })
  })

  it.each([
    [{ PolicyName: 'other', Policy: POLICY }, 'NotFoundException'],
    [{ PolicyName: 'not a name', Policy: POLICY }, 'ValidationException'],
    [{}, 'ValidationException'],
    [{ Policy: '[]' }, 'MalformedPolicyDocumentException'],
    [{ Policy: '{"Statement":"🗝"}' }, 'ValidationException'],
  ])('refuse %j', async (input, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey({ Policy: POLICY })
    expect(await cloud.codeOf('PutKeyPolicy', { KeyId: keyId, ...input })).toBe(code)
    expect(await cloud.do('GetKeyPolicy', { KeyId: keyId })).toMatchObject({ Policy: POLICY })
  })
})
