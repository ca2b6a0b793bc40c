import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { ACCOUNT, base64, Cloud, REGION, usesOf } from './kms-calls.ts'

const ALIAS = 'alias/orders'

/** How callers name a key: what each spelling makes of it. */
const SPELLINGS: Readonly<Record<string, (key: { readonly keyId: string; readonly keyArn: string }) => string>> = {
  'key ID': ({ keyId }) => keyId,
  'key ARN': ({ keyArn }) => keyArn,
  'alias name': () => ALIAS,
  'alias ARN': () => `arn:aws:kms:${REGION}:${ACCOUNT}:${ALIAS}`,
}
const ALIASES = ['alias name', 'alias ARN']

/** Where an operation takes any spelling, and the members besides. A text in place of a blob is sealed under the key first. */
const TAKE_ALIASES: readonly (readonly [operation: string, member: string, input: JsonObject])[] = [
  ['DescribeKey', 'KeyId', {}],
  ['Encrypt', 'KeyId', { Plaintext: base64('a') }],
  ['Decrypt', 'KeyId', { CiphertextBlob: 'sealed' }],
  ['GenerateDataKey', 'KeyId', { KeySpec: 'AES_256' }],
  ['GenerateDataKeyWithoutPlaintext', 'KeyId', { KeySpec: 'AES_128' }],
  ['ReEncrypt', 'SourceKeyId', { CiphertextBlob: 'sealed', DestinationKeyId: ALIAS }],
  ['ReEncrypt', 'DestinationKeyId', { CiphertextBlob: 'sealed' }],
]

const TAKE_KEYS: readonly (readonly [operation: string, member: string, input: JsonObject])[] = [
  ['CreateAlias', 'TargetKeyId', { AliasName: 'alias/second' }],
  ['UpdateAlias', 'TargetKeyId', { AliasName: ALIAS }],
  ['ListAliases', 'KeyId', {}],
  ['DisableKey', 'KeyId', {}],
  ['EnableKey', 'KeyId', {}],
  ['EnableKeyRotation', 'KeyId', {}],
  ['DisableKeyRotation', 'KeyId', {}],
  ['GetKeyRotationStatus', 'KeyId', {}],
  ['TagResource', 'KeyId', { Tags: [] }],
  ['UntagResource', 'KeyId', { TagKeys: [] }],
  ['ListResourceTags', 'KeyId', {}],
  ['GetKeyPolicy', 'KeyId', {}],
  ['PutKeyPolicy', 'KeyId', { Policy: '{"Statement":[]}' }],
  ['ScheduleKeyDeletion', 'KeyId', {}],
]

async function withKey(input: JsonObject): Promise<{ cloud: Cloud; key: { keyId: string; keyArn: string }; input: JsonObject }> {
  const cloud = new Cloud()
  const key = await cloud.createKey()
  await cloud.do('CreateAlias', { AliasName: ALIAS, TargetKeyId: key.keyId })
  const sealed = 'CiphertextBlob' in input ? { CiphertextBlob: await cloud.encrypt(key.keyId, 'a') } : {}
  return { cloud, key, input: { ...input, ...sealed } }
}

describe('spellings of a key', () => {
  it.each(TAKE_ALIASES)('%s takes all in %s, and its record names the key', async (operation, member, input) => {
    const { cloud, key, input: others } = await withKey(input)
    for (const [spelling, nameOf] of Object.entries(SPELLINGS)) {
      const answered = await cloud.send(operation, { ...others, [member]: nameOf(key) })
      expect(answered.answer, spelling).toHaveProperty('output')
      expect(answered.answer.trail?.resources?.[0], spelling).toMatchObject({ ARN: key.keyArn })
      for (const use of usesOf(answered)) expect(use, spelling).toMatchObject({ keyArn: key.keyArn, outcome: 'succeeded' })
      expect(usesOf(answered)).toHaveLength(operation === 'DescribeKey' ? 0 : operation === 'ReEncrypt' ? 2 : 1)
    }
  })

  it.each(TAKE_KEYS)('%s takes no alias in %s', async (operation, member, input) => {
    for (const [spelling, nameOf] of Object.entries(SPELLINGS)) {
      const { cloud, key } = await withKey({})
      const code = ALIASES.includes(spelling) ? 'NotFoundException' : null
      expect(await cloud.codeOf(operation, { ...input, [member]: nameOf(key) }), spelling).toBe(code)
    }
  })

  it('CancelKeyDeletion takes no alias', async () => {
    for (const [spelling, nameOf] of Object.entries(SPELLINGS)) {
      const { cloud, key } = await withKey({})
      await cloud.do('ScheduleKeyDeletion', { KeyId: key.keyId })
      const code = ALIASES.includes(spelling) ? 'NotFoundException' : null
      expect(await cloud.codeOf('CancelKeyDeletion', { KeyId: nameOf(key) }), spelling).toBe(code)
    }
  })
})

describe('names of no key', () => {
  const KEY_ID = 'c0083aa4-172b-4057-adf6-de64be04111c'
  const NAMES: readonly (readonly [name: string, message: string])[] = [
    [KEY_ID, `Key 'arn:aws:kms:${REGION}:${ACCOUNT}:key/${KEY_ID}' does not exist`],
    [`mrk-${'0'.repeat(32)}`, `Key 'arn:aws:kms:${REGION}:${ACCOUNT}:key/mrk-${'0'.repeat(32)}' does not exist`],
    ['fake-key-id', "Invalid keyId 'fake-key-id'"],
    ['mrk-fake', "Invalid keyId 'mrk-fake'"],
    ['alias/none', `Alias arn:aws:kms:${REGION}:${ACCOUNT}:alias/none is not found.`],
    [`arn:aws:kms:us-east-1:${ACCOUNT}:key/${KEY_ID}`, 'Invalid arn us-east-1'],
    [`arn:aws:kms:us-east-1:${ACCOUNT}:${ALIAS}`, 'Invalid arn us-east-1'],
    [`arn:aws:kms:${REGION}:444455556666:key/${KEY_ID}`, `Invalid arn arn:aws:kms:${REGION}:444455556666:key/${KEY_ID}`],
    [`arn:aws-cn:kms:${REGION}:${ACCOUNT}:key/${KEY_ID}`, `Invalid arn arn:aws-cn:kms:${REGION}:${ACCOUNT}:key/${KEY_ID}`],
    ['arn:aws:s3:::bucket', 'Invalid arn arn:aws:s3:::bucket'],
  ]

  it.each(NAMES)('%s', async (name, message) => {
    const cloud = new Cloud()
    const answered = await cloud.send('Encrypt', { KeyId: name, Plaintext: base64('secret') })
    expect(answered.answer).toMatchObject({ failure: { code: 'NotFoundException', message, status: 400 } })
    expect(answered.answer.trail).toEqual({
      readOnly: true,
      requestParameters: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT', keyId: name },
      responseElements: null,
      resources: [],
    })
    expect(usesOf(answered)).toMatchObject([{ keyArn: null, sent: name, outcome: 'failed', errorCode: 'NotFoundException' }])
  })

  it('are what a key of another Region has', async () => {
    const cloud = new Cloud()
    const { keyId, keyArn } = await cloud.createKey({}, 'us-east-1')
    expect(await cloud.codeOf('DescribeKey', { KeyId: keyId })).toBe('NotFoundException')
    expect(await cloud.codeOf('DescribeKey', { KeyId: keyArn })).toBe('NotFoundException')
    expect(await cloud.codeOf('DescribeKey', { KeyId: keyArn }, 'us-east-1')).toBeNull()
  })

  it.each([
    [{}, 'ValidationException'],
    [{ KeyId: null }, 'ValidationException'],
    [{ KeyId: '' }, 'ValidationException'],
    [{ KeyId: 'a'.repeat(2049) }, 'ValidationException'],
    [{ KeyId: 7 }, 'SerializationException'],
  ])('do not reach the trail if the request is none: %j', async (input, code) => {
    const { answer } = await new Cloud().send('DescribeKey', input)
    expect(answer).toMatchObject({ failure: { code }, trail: null })
  })
})
