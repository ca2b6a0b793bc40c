import { CreateAliasCommand, CreateKeyCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import { FACT_ACTIONS, type S3BucketFacts } from '../../../shared/rules/facts.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { policyText } from '../../local/identity-ground.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX, unreadOf, valuesOf } from './fact-ground.ts'

const ALL = Object.keys(FACT_ACTIONS.s3_bucket)
const accountId = '000000000000'
const OTHER_REGION = 'eu-west-1'
/** How the way names the calls of S3, by what they read. */
const CALLS: Readonly<Record<string, string>> = {
  location: 's3:GetBucketLocation',
  encryption: 's3:GetEncryptionConfiguration',
  policy: 's3:GetBucketPolicy',
  tagging: 's3:GetBucketTagging',
  logging: 's3:GetBucketLogging',
  'max-buckets': 's3:ListAllMyBuckets',
}

let ground: FactGround
let ownKey: string
beforeAll(async () => {
  ground = await openFactGround()
  ownKey = (await ground.cloud.clients.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
}, START_MS_MAX)
afterAll(() => ground.close())

const bucketOf = (name: string): Resource<'s3_bucket'> => ({
  kind: 's3_bucket',
  arn: `arn:aws:s3:::${name}`,
  accountId,
  region: ground.cloud.region,
})

async function createBucket(name: string, rule?: ServerSideEncryptionRule): Promise<Resource<'s3_bucket'>> {
  const { s3 } = ground.cloud.clients
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  if (rule !== undefined) await encrypt(name, rule)
  return bucketOf(name)
}

async function encrypt(Bucket: string, rule: ServerSideEncryptionRule): Promise<void> {
  const command = new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } })
  await ground.cloud.clients.s3.send(command)
}

async function factsOf(resource: Resource<'s3_bucket'>): Promise<S3BucketFacts> {
  return valuesOf('s3_bucket', await ground.read(resource))
}

describe('facts of a bucket', () => {
  it('of a new one', async () => {
    const { createdAt, ...facts } = await factsOf(await createBucket('new-bucket'))
    expect(facts).toEqual({
      region: ground.cloud.region,
      encryption: [{ algorithm: 'AES256', key: null, isBucketKeyEnabled: false, blockedTypes: ['SSE-C'] }],
      defaultKey: null,
      policy: null,
      tags: {},
      isLogTarget: false,
      strongestSeen: null,
    })
    expect(createdAt).toBeGreaterThan(0)
  })

  const ENCRYPTIONS: readonly (readonly [
    title: string,
    rule: () => ServerSideEncryptionRule,
    encryption: () => object,
    defaultKey: () => object | null,
  ])[] = [
    [
      'sse-s3',
      () => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BlockedEncryptionTypes: { EncryptionType: ['NONE'] } }),
      () => ({ algorithm: 'AES256', key: null, isBucketKeyEnabled: false, blockedTypes: [] }),
      () => null,
    ],
    [
      'sse-kms-managed',
      () => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' }, BucketKeyEnabled: true }),
      () => ({ algorithm: 'aws:kms', key: null, isBucketKeyEnabled: true, blockedTypes: ['SSE-C'] }),
      () => null,
    ],
    [
      'sse-kms-own',
      () => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: ownKey } }),
      () => ({ algorithm: 'aws:kms', key: ownKey }),
      () => ({ keyArn: ownKey, state: 'Enabled', spec: 'SYMMETRIC_DEFAULT', manager: 'CUSTOMER', accountId, region: ground.cloud.region }),
    ],
    [
      'dsse-alias',
      () => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms:dsse', KMSMasterKeyID: 'alias/bucket-key' } }),
      () => ({ algorithm: 'aws:kms:dsse', key: 'alias/bucket-key' }),
      () => ({ keyArn: ownKey }),
    ],
    [
      'sse-kms-no-such-key',
      () => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'alias/nobody-made-it' } }),
      () => ({ algorithm: 'aws:kms', key: 'alias/nobody-made-it' }),
      () => null,
    ],
  ]

  it.each(ENCRYPTIONS)('of one with %s', async (title, rule, encryption, defaultKey) => {
    if (title === 'dsse-alias')
      await ground.cloud.clients.kms.send(new CreateAliasCommand({ AliasName: 'alias/bucket-key', TargetKeyId: ownKey }))
    const facts = await factsOf(await createBucket(`kind-${title}`, rule()))
    expect(facts.encryption).toEqual([expect.objectContaining(encryption())])
    expect({ ...facts.defaultKey }).toMatchObject({ ...defaultKey() })
    expect(facts.defaultKey === null).toBe(defaultKey() === null)
  })

  it('of policies, tags and the strongest encryption that was seen', async () => {
    const { s3 } = ground.cloud.clients
    const resource = await createBucket('told-bucket', {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: ownKey },
    })
    const Bucket = 'told-bucket'
    const statement = { Effect: 'Deny', Principal: '*', Action: 's3:DeleteBucket', Resource: resource.arn }
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policyText(statement) }))
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'team', Value: 'orders' }] } }))
    const first = await factsOf(resource)
    expect(first.policy).toMatchObject({ statements: [{ effect: 'Deny', actions: { patterns: ['s3:DeleteBucket'] } }] })
    expect(first).toMatchObject({ tags: { team: 'orders' }, strongestSeen: null })

    const unreadable = { ...statement, Principal: 'whoever' }
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policyText(unreadable) }))
    await encrypt(Bucket, { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } })
    const second = await factsOf(resource)
    expect(second.policy).toBe('unreadable')
    expect(second).toMatchObject({ encryption: [{ algorithm: 'AES256' }], strongestSeen: { algorithm: 'aws:kms', key: ownKey } })
    expect((await factsOf(resource)).strongestSeen).toEqual(second.strongestSeen)
  })

  it('of the target of access logs', async () => {
    const { s3 } = ground.cloud.clients
    const [target, source] = [await createBucket('log-target'), await createBucket('log-source')]
    expect((await factsOf(target)).isLogTarget).toBe(false)
    const BucketLoggingStatus = { LoggingEnabled: { TargetBucket: 'log-target', TargetPrefix: '' } }
    await s3.send(new PutBucketLoggingCommand({ Bucket: 'log-source', BucketLoggingStatus }))
    expect((await factsOf(target)).isLogTarget).toBe(true)
    expect((await factsOf(source)).isLogTarget).toBe(false)
    await s3.send(new PutBucketLoggingCommand({ Bucket: 'log-source', BucketLoggingStatus: {} }))
    expect((await factsOf(target)).isLogTarget).toBe(false)
  })

  it('of one in another Region, and of one that is gone', async () => {
    const { s3 } = ground.cloud.clients
    const CreateBucketConfiguration = { LocationConstraint: OTHER_REGION } as const
    await s3.send(new CreateBucketCommand({ Bucket: 'elsewhere', CreateBucketConfiguration }))
    expect((await factsOf({ ...bucketOf('elsewhere'), region: OTHER_REGION })).region).toBe(OTHER_REGION)
    await s3.send(new DeleteBucketCommand({ Bucket: 'elsewhere' }))
    expect(await ground.read(bucketOf('elsewhere'))).toBe('gone')
    expect(await ground.read(bucketOf('elsewhere'), ['createdAt'])).toBe('gone')
    expect(await ground.read(bucketOf('elsewhere'), ALL, { madeAt: ground.now() })).toBe('unready')
  })
})

describe('calls', () => {
  it('about the account are made once in a sweep, and those about a bucket once for each', async () => {
    const names = ['swept-one', 'swept-two']
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: ownKey } } as const
    const buckets = [await createBucket('swept-one', rule), await createBucket('swept-two', rule)]
    const reader = createFactReader(ground.parts({ extent: 'sweep' }))
    ground.calls()
    for (const bucket of buckets) valuesOf('s3_bucket', await reader(bucket)(ALL))
    const calls = ground.calls()
    const count = (text: string): number => calls.filter((call) => call.includes(text)).length
    expect([count('max-buckets'), count('DescribeKey')]).toEqual([1, 1])
    for (const name of names) {
      const own = calls.filter((call) => call.startsWith(`/${name}/ `))
      expect(own.toSorted()).toEqual([...new Set(own)].toSorted())
      expect(own).toHaveLength(5)
    }
  })
})

describe('what cannot be read', () => {
  const ACTIONS = [...new Set<string>(Object.values(FACT_ACTIONS.s3_bucket).flat())].filter((action) => !action.startsWith('dynamodb:'))

  it.each(ACTIONS)('is unread for who lacks %s, and the rest is read', async (action) => {
    const bucket = await createBucket(`denied-${action.replace(':', '-').toLowerCase()}`, {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: ownKey },
    })
    const clients = ground.clientsAs(await ground.allowedAllBut(action))
    const affected = Object.entries(FACT_ACTIONS.s3_bucket).filter(([, actions]) => (actions as readonly string[]).includes(action))
    const code = action.startsWith('kms:') ? 'AccessDeniedException' : 'AccessDenied'
    expect(unreadOf(await ground.read(bucket, ALL, { clients }))).toEqual(
      Object.fromEntries(affected.map(([name]) => [name, `${action} denied ${code}`])),
    )
  })

  const FAULTS: readonly (readonly [Fault, string])[] = [
    [{ status: 500, code: 'InternalError' }, 'InternalError'],
    [{ status: 503, code: 'SlowDown' }, 'SlowDown'],
    // As the SDK names a connection that broke.
    ['broken', 'TimeoutError'],
  ]
  it.each(FAULTS)('is unread where one call fails, each in turn: %j', async (fault, code) => {
    const name = `failing-${code.toLowerCase()}`
    const bucket = await createBucket(name)
    for (const [part, action] of Object.entries(CALLS)) {
      ground.faultOf = (operation) => (operation.endsWith(` ${part}`) ? fault : null)
      const affected = Object.entries(FACT_ACTIONS.s3_bucket).filter(([, actions]) => (actions as readonly string[]).includes(action))
      const unread = Object.fromEntries(affected.map(([fact]) => [fact, `${action} failed ${code}`]))
      expect(unreadOf(await ground.read(bucket))).toEqual(unread)
    }
    ground.faultOf = () => null
  })
})
