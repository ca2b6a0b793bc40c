import { describe, expect, it } from 'vitest'
import { CATALOGUE } from '../../shared/cloudtrail/catalogue.ts'
import type { JsonObject } from '../../shared/json.ts'
import type { Scope } from '../../shared/usage/scope.ts'
import { ACCOUNT, type Answered, base64, Cloud, REGION, usesOf } from './kms-calls.ts'
import { saidInSample, saidOfCall, sample } from './kms-samples.ts'

const CONTEXT = { purpose: 'orders', tenant: 'northwind' }

/** A cloud with what the samples tell of: two keys, an alias of the first, a ciphertext under it. */
async function orders(): Promise<Cloud & { first: string; firstArn: string; second: string; secondArn: string; blob: string }> {
  const cloud = new Cloud()
  const first = await cloud.createKey()
  const second = await cloud.createKey()
  await cloud.do('CreateAlias', { AliasName: 'alias/orders', TargetKeyId: first.keyId })
  const blob = await cloud.encrypt(first.keyId, 'the secret', CONTEXT)
  return Object.assign(cloud, { first: first.keyId, firstArn: first.keyArn, second: second.keyId, secondArn: second.keyArn, blob })
}

type Orders = Awaited<ReturnType<typeof orders>>
type Sent = (cloud: Orders) => Promise<Answered>

const PUT_POLICY = sample('PutKeyPolicy')['requestParameters'] as JsonObject

const SAMPLES: readonly (readonly [sample: string, send: Sent])[] = [
  ['CreateKey', async (c) => c.send('CreateKey', { Description: 'Orders at rest', Tags: [{ TagKey: 'team', TagValue: 'orders' }] })],
  [
    'CreateAlias',
    async (c) => {
      await c.do('DeleteAlias', { AliasName: 'alias/orders' })
      return c.send('CreateAlias', { AliasName: 'alias/orders', TargetKeyId: c.first })
    },
  ],
  ['UpdateAlias', async (c) => c.send('UpdateAlias', { AliasName: 'alias/orders', TargetKeyId: c.second })],
  [
    'DeleteAlias',
    async (c) => {
      await c.do('CreateAlias', { AliasName: 'alias/orders-old', TargetKeyId: c.second })
      return c.send('DeleteAlias', { AliasName: 'alias/orders-old' })
    },
  ],
  ['DescribeKey', async (c) => c.send('DescribeKey', { KeyId: 'alias/orders' })],
  ['Encrypt', async (c) => c.send('Encrypt', { KeyId: c.firstArn, Plaintext: base64('a'), EncryptionContext: CONTEXT })],
  [
    'Encrypt.alias-arn',
    async (c) => {
      const KeyId = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/orders`
      return c.send('Encrypt', { KeyId, Plaintext: base64('a'), EncryptionContext: CONTEXT })
    },
  ],
  ['Decrypt', async (c) => c.send('Decrypt', { CiphertextBlob: c.blob, KeyId: c.firstArn, EncryptionContext: CONTEXT })],
  [
    'Decrypt.failed-incorrect-key',
    async (c) => c.send('Decrypt', { CiphertextBlob: c.blob, KeyId: c.secondArn, EncryptionContext: CONTEXT }),
  ],
  [
    'Decrypt.failed-key-disabled',
    async (c) => {
      await c.do('DisableKey', { KeyId: c.first })
      return c.send('Decrypt', { CiphertextBlob: c.blob, KeyId: c.firstArn, EncryptionContext: CONTEXT })
    },
  ],
  [
    'ReEncrypt',
    async (c) =>
      c.send('ReEncrypt', {
        CiphertextBlob: c.blob,
        SourceEncryptionContext: CONTEXT,
        DestinationKeyId: c.second,
        DestinationEncryptionContext: { purpose: 'archive', tenant: 'northwind' },
      }),
  ],
  ...['GenerateDataKey.alias-name', 'GenerateDataKeyWithoutPlaintext'].map((name): readonly [string, Sent] => [
    name,
    async (c) => c.send(name.split('.')[0] ?? '', { KeyId: 'alias/orders', KeySpec: 'AES_256', EncryptionContext: CONTEXT }),
  ]),
  [
    'GenerateDataKey.dry-run',
    async (c) => c.send('GenerateDataKey', { KeyId: c.firstArn, KeySpec: 'AES_256', EncryptionContext: CONTEXT, DryRun: true }),
  ],
  ['GenerateRandom', async (c) => c.send('GenerateRandom', { NumberOfBytes: 32 })],
  ['EnableKey', async (c) => c.send('EnableKey', { KeyId: c.first })],
  ['DisableKey', async (c) => c.send('DisableKey', { KeyId: c.first })],
  ['ScheduleKeyDeletion', async (c) => c.send('ScheduleKeyDeletion', { KeyId: c.first, PendingWindowInDays: 30 })],
  [
    'CancelKeyDeletion',
    async (c) => {
      await c.do('ScheduleKeyDeletion', { KeyId: c.first })
      return c.send('CancelKeyDeletion', { KeyId: c.first })
    },
  ],
  ['EnableKeyRotation', async (c) => c.send('EnableKeyRotation', { KeyId: c.first, RotationPeriodInDays: 180 })],
  ['DisableKeyRotation', async (c) => c.send('DisableKeyRotation', { KeyId: c.firstArn })],
  ['GetKeyRotationStatus', async (c) => c.send('GetKeyRotationStatus', { KeyId: c.first })],
  ['RotateKeyOnDemand', async (c) => c.send('RotateKeyOnDemand', { KeyId: c.first })],
  ['ListKeyRotations', async (c) => c.send('ListKeyRotations', { KeyId: c.first, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })],
  ['GetKeyLastUsage', async (c) => c.send('GetKeyLastUsage', { KeyId: c.first })],
  ['TagResource', async (c) => c.send('TagResource', { KeyId: c.firstArn, Tags: [{ TagKey: 'data-class', TagValue: 'confidential' }] })],
  ['UntagResource', async (c) => c.send('UntagResource', { KeyId: c.firstArn, TagKeys: ['data-class'] })],
  ['ListResourceTags', async (c) => c.send('ListResourceTags', { KeyId: c.first, Limit: 50 })],
  ['GetKeyPolicy', async (c) => c.send('GetKeyPolicy', { KeyId: c.first, PolicyName: 'default' })],
  ['PutKeyPolicy', async (c) => c.send('PutKeyPolicy', { KeyId: c.first, PolicyName: 'default', Policy: PUT_POLICY['policy'] })],
  ['ListKeys', async (c) => c.send('ListKeys', { Limit: 1000 })],
  ['ListAliases', async (c) => c.send('ListAliases', { Limit: 100 })],
]

describe('the trail of a call', () => {
  it.each(SAMPLES)('is that of the sample %s', async (name, send) => {
    expect(saidOfCall(await send(await orders()))).toEqual(saidInSample(name))
  })

  it('says read-only as the catalogue does, for each operation there is', async () => {
    const cloud = new Cloud()
    const names = { KeyId: 'alias/none', TargetKeyId: 'alias/none', AliasName: 'alias/new', DestinationKeyId: 'alias/none' }
    const input = {
      ...names,
      Plaintext: 'YQ==',
      CiphertextBlob: 'YQ==',
      KeySpec: 'AES_256',
      Tags: [],
      TagKeys: [],
      Policy: '{"Statement":[]}',
      Message: 'YQ==',
      SigningAlgorithm: 'ECDSA_SHA_256',
      Signature: 'YQ==',
      MacAlgorithm: 'HMAC_SHA_256',
      Mac: 'YQ==',
      KeyPairSpec: 'ECC_NIST_P256',
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: 'YQ==',
      GranteePrincipal: `arn:aws:iam::${ACCOUNT}:role/OrdersService`,
      RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:role/OrdersService`,
      Operations: ['Decrypt'],
      GrantId: 'a'.repeat(64),
      Description: '',
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
      ImportToken: 'YQ==',
      EncryptedKeyMaterial: 'YQ==',
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ReplicaRegion: 'eu-west-1',
      PrimaryRegion: 'eu-west-1',
    }
    const others: Readonly<Record<string, JsonObject>> = {
      CreateKey: { KeySpec: 'SYMMETRIC_DEFAULT' },
      GenerateRandom: { NumberOfBytes: 1 },
      ListRetirableGrants: { GranteePrincipal: undefined },
    }
    const recorded: Record<string, boolean | undefined> = {}
    const catalogued: Record<string, boolean | undefined> = {}
    for (const [operation, { readOnly }] of Object.entries(CATALOGUE['kms.amazonaws.com'])) {
      const { answer } = await cloud.send(operation, { ...input, ...others[operation] })
      if ('failure' in answer && answer.failure.code === 'UnknownOperationException') continue
      recorded[operation] = answer.trail?.readOnly
      catalogued[operation] = readOnly
    }
    expect(recorded).toEqual(catalogued)
    expect(Object.keys(recorded)).toHaveLength(48)
  })

  it('holds no plaintext, no ciphertext and no key', async () => {
    const cloud = await orders()
    const secret = base64('the secret')
    const context = { EncryptionContext: CONTEXT }
    const calls = [
      await cloud.send('Encrypt', { KeyId: cloud.first, Plaintext: secret, ...context }),
      await cloud.send('Decrypt', { CiphertextBlob: cloud.blob, ...context }),
      await cloud.send('Decrypt', { CiphertextBlob: cloud.blob }),
      await cloud.send('GenerateDataKey', { KeyId: cloud.first, NumberOfBytes: 24, ...context }),
      await cloud.send('GenerateDataKeyWithoutPlaintext', { KeyId: cloud.first, NumberOfBytes: 24 }),
      await cloud.send('ReEncrypt', { CiphertextBlob: cloud.blob, SourceEncryptionContext: CONTEXT, DestinationKeyId: cloud.second }),
      await cloud.send('GenerateRandom', { NumberOfBytes: 24 }),
    ]
    for (const { answer, call } of calls) {
      const recorded = JSON.stringify(answer.trail)
      const output = 'output' in answer ? answer.output : {}
      const secrets = [secret, cloud.blob, output['Plaintext'], output['CiphertextBlob']].filter((text) => typeof text === 'string')
      for (const text of secrets) expect(recorded, call.operation).not.toContain(text)
      expect(recorded).not.toMatch(/plaintext|ciphertextBlob/i)
    }
  })
})

describe('what Keytrail counts of a call', () => {
  const SCOPES: readonly (readonly [scope: Scope, context: JsonObject | undefined])[] = [
    ['none', undefined],
    ['none', {}],
    ['s3-object', { 'aws:s3:arn': 'arn:aws:s3:::orders/plaintext_u.txt' }],
    ['s3-bucket', { 'aws:s3:arn': 'arn:aws:s3:::orders' }],
    ['ebs-volume', { 'aws:ebs:id': 'vol-0cfb133e847d28be9' }],
    ['secrets-manager', { SecretARN: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:orders' }],
    ['encryption-sdk', { 'aws-crypto-public-key': 'AsEv' }],
    ['other', CONTEXT],
  ]

  it.each(SCOPES)('is a use of its key in the scope %s: %j', async (scope, context) => {
    const cloud = await orders()
    const asked = context === undefined ? {} : { EncryptionContext: context }
    const blob = await cloud.encrypt(cloud.first, 'a', context)
    const calls: readonly (readonly [operation: string, input: JsonObject])[] = [
      ['Encrypt', { KeyId: 'alias/orders', Plaintext: 'YQ==', ...asked }],
      ['Decrypt', { CiphertextBlob: blob, ...asked }],
      ['GenerateDataKey', { KeyId: cloud.first, KeySpec: 'AES_256', ...asked }],
      ['GenerateDataKeyWithoutPlaintext', { KeyId: cloud.firstArn, NumberOfBytes: 16, ...asked }],
    ]
    const material = ((await cloud.do('DescribeKey', { KeyId: cloud.first }))['KeyMetadata'] as JsonObject)['CurrentKeyMaterialId']
    const use = { keyArn: cloud.firstArn, scope, outcome: 'succeeded', errorCode: null, keyMaterialId: material, isCallersCopy: true }
    for (const [operation, input] of calls) {
      expect(usesOf(await cloud.send(operation, input)), operation).toMatchObject([{ ...use, operation }])
    }
    const contexts = context === undefined ? {} : { SourceEncryptionContext: context, DestinationEncryptionContext: context }
    const moved = await cloud.send('ReEncrypt', { CiphertextBlob: blob, DestinationKeyId: cloud.second, ...contexts })
    expect(usesOf(moved)).toMatchObject([
      { ...use, operation: 'ReEncryptFrom' },
      { operation: 'ReEncryptTo', keyArn: cloud.secondArn, scope, outcome: 'succeeded' },
    ])
    expect(usesOf(moved)[1]?.keyMaterialId).toMatch(/^[0-9a-f]{64}$/)
    expect(usesOf(moved)[1]?.keyMaterialId).not.toBe(material)
  })

  it('is no use of a key where none was used', async () => {
    const cloud = await orders()
    expect(usesOf(await cloud.send('GenerateRandom', { NumberOfBytes: 8 }))).toEqual([])
    const dryRun = await cloud.send('Encrypt', { KeyId: cloud.first, Plaintext: 'YQ==', DryRun: true })
    expect(usesOf(dryRun)).toMatchObject([{ keyArn: cloud.firstArn, outcome: 'dryRun', keyMaterialId: null }])
  })

  it('names the keys of a ReEncrypt that failed in their places', async () => {
    const cloud = await orders()
    const input = { CiphertextBlob: cloud.blob, SourceEncryptionContext: CONTEXT }
    const unknown = await cloud.send('ReEncrypt', { ...input, DestinationKeyId: 'alias/none' })
    expect(usesOf(unknown)).toMatchObject([
      { operation: 'ReEncryptFrom', keyArn: cloud.firstArn, outcome: 'failed', errorCode: 'NotFoundException' },
      { operation: 'ReEncryptTo', keyArn: null, sent: 'alias/none', outcome: 'failed' },
    ])
    await cloud.do('DisableKey', { KeyId: cloud.second })
    const disabled = await cloud.send('ReEncrypt', { ...input, DestinationKeyId: cloud.second })
    expect(usesOf(disabled)).toMatchObject([
      { keyArn: cloud.firstArn, errorCode: 'DisabledException' },
      { keyArn: cloud.secondArn, errorCode: 'DisabledException' },
    ])
    const altered = await cloud.send('ReEncrypt', { CiphertextBlob: 'YQ==', DestinationKeyId: cloud.second })
    expect(usesOf(altered)).toMatchObject([{ keyArn: null }, { keyArn: null, errorCode: 'InvalidCiphertextException' }])
  })
})
