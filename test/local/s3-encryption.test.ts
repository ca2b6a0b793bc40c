import { DescribeKeyCommand } from '@aws-sdk/client-kms'
import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, customerKey, makeBucket, openS3Ground, type S3Ground } from './s3-ground.ts'

let cloud: S3Ground
let keys: { readonly own: string; readonly other: string }

beforeAll(async () => {
  cloud = await openS3Ground()
  keys = { own: await cloud.createKey(), other: await cloud.createKey() }
})

afterAll(() => cloud.remove())

const CUSTOMER = customerKey()
const TEXT = 'what was written before it was encrypted'

/** What a bucket has by default; `own` is its key. */
const DEFAULTS: Readonly<Record<string, (own: string) => ServerSideEncryptionRule | undefined>> = {
  'no default': () => undefined,
  'SSE-S3': () => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }),
  'SSE-KMS': (own) => ({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: own } }),
  'SSE-KMS with a Bucket Key': (own) => ({
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: own },
    BucketKeyEnabled: true,
  }),
  // A Bucket Key is not for it, whatever the bucket says.
  'DSSE-KMS': (own) => ({
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms:dsse', KMSMasterKeyID: own },
    BucketKeyEnabled: true,
  }),
  'SSE-C unblocked': () => ({ BlockedEncryptionTypes: { EncryptionType: ['NONE'] } }),
  'SSE-C blocked': () => ({
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
    BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
  }),
}

type Asked = { readonly overHttp?: boolean } & Partial<PutObjectCommandInput>
/** What a request asks for; `other` is a key that no bucket has. */
const REQUESTS: Readonly<Record<string, (other: string) => Asked>> = {
  'no header': () => ({}),
  AES256: () => ({ ServerSideEncryption: 'AES256' }),
  'aws:kms': () => ({ ServerSideEncryption: 'aws:kms' }),
  'aws:kms, key': (other) => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other }),
  'aws:kms, key ID, Bucket Key on': (other) => ({
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: other.split('/')[1],
    BucketKeyEnabled: true,
  }),
  'aws:kms, key, Bucket Key off': (other) => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other, BucketKeyEnabled: false }),
  'Bucket Key on': () => ({ BucketKeyEnabled: true }),
  'aws:kms:dsse': () => ({ ServerSideEncryption: 'aws:kms:dsse' }),
  'aws:kms:dsse, key': (other) => ({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: other }),
  'customer key over TLS': () => CUSTOMER,
  'customer key over HTTP': () => ({ ...CUSTOMER, overHttp: true }),
  'AES256, key': (other) => ({ ServerSideEncryption: 'AES256', SSEKMSKeyId: other }),
  'key alone': (other) => ({ SSEKMSKeyId: other }),
  'AES256, customer key': () => ({ ServerSideEncryption: 'AES256', ...CUSTOMER }),
  'aws:kms, customer key': (other) => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other, ...CUSTOMER }),
  'aws:kms:dsse, Bucket Key on': () => ({ ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: true }),
  'AES256, context': () => ({ ServerSideEncryption: 'AES256', SSEKMSEncryptionContext: Buffer.from('{"a":"b"}').toString('base64') }),
  'aws:kms, context that is no map': (other) => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other, SSEKMSEncryptionContext: 'e30x' }),
  'unknown algorithm': () => ({ ServerSideEncryption: 'aws:fsx' }),
}

/** `<algorithm> <key>`, with `+` for a Bucket Key; else the code of the refusal. In the order of the defaults. */
const OUTCOMES: Readonly<Record<string, readonly string[] | string>> = {
  'no header': ['S3', 'S3', 'KMS own', 'KMS+ own', 'DSSE own', 'S3', 'S3'],
  AES256: 'S3',
  'aws:kms': ['KMS managed', 'KMS managed', 'KMS managed', 'KMS+ managed', 'KMS+ managed', 'KMS managed', 'KMS managed'],
  'aws:kms, key': ['KMS other', 'KMS other', 'KMS other', 'KMS+ other', 'KMS+ other', 'KMS other', 'KMS other'],
  'aws:kms, key ID, Bucket Key on': 'KMS+ other',
  'aws:kms, key, Bucket Key off': 'KMS other',
  'Bucket Key on': ['S3', 'S3', 'KMS+ own', 'KMS+ own', 'InvalidArgument', 'S3', 'S3'],
  'aws:kms:dsse': 'DSSE managed',
  'aws:kms:dsse, key': 'DSSE other',
  'customer key over TLS': ['AccessDenied', 'AccessDenied', 'AccessDenied', 'AccessDenied', 'AccessDenied', 'C', 'AccessDenied'],
  'customer key over HTTP': 'InvalidArgument',
  'AES256, key': 'InvalidArgument',
  'key alone': 'InvalidArgument',
  'AES256, customer key': 'InvalidArgument',
  'aws:kms, customer key': 'InvalidArgument',
  'aws:kms:dsse, Bucket Key on': 'InvalidArgument',
  'AES256, context': 'InvalidArgument',
  'aws:kms, context that is no map': 'InvalidArgument',
  'unknown algorithm': 'InvalidArgument',
}

const DEFAULT_NAMES = Object.keys(DEFAULTS)
const PAIRS = Object.keys(REQUESTS).flatMap((request) =>
  DEFAULT_NAMES.map((byDefault, index) => {
    const outcome = OUTCOMES[request]
    return [request, byDefault, (typeof outcome === 'string' ? outcome : outcome?.[index]) ?? 'none'] as const
  }),
)

function seenOf({ ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled, SSECustomerAlgorithm }: HeadObjectCommandOutput): string {
  const key = SSEKMSKeyId === keys.own ? 'own' : SSEKMSKeyId === keys.other ? 'other' : 'managed'
  if (ServerSideEncryption === 'AES256') return SSEKMSKeyId === undefined ? 'S3' : 'S3 with a key'
  if (ServerSideEncryption === 'aws:kms') return `KMS${BucketKeyEnabled === true ? '+' : ''} ${key}`
  if (ServerSideEncryption === 'aws:kms:dsse') return BucketKeyEnabled === true ? 'DSSE with a Bucket Key' : `DSSE ${key}`
  return SSECustomerAlgorithm === 'AES256' ? 'C' : 'nothing'
}

async function putPair(request: string, byDefault: string) {
  const number = PAIRS.findIndex(([one, other]) => one === request && other === byDefault)
  const Bucket = await makeBucket(cloud.s3, `pair-${number}`, DEFAULTS[byDefault]?.(keys.own))
  const { overHttp = false, ...asked } = REQUESTS[request]?.(keys.other) ?? {}
  const isCustomers = 'SSECustomerKey' in asked
  const client = isCustomers && !overHttp ? cloud.secureS3 : cloud.s3
  cloud.kmsCalls()
  const put = client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: TEXT, ...asked }))
  return { put, Bucket, client, isCustomers }
}

const isRefused = ([, , outcome]: readonly [string, string, string]): boolean => !/^(?:S3|KMS|DSSE|C)\b/.test(outcome)

describe('an object that is put', () => {
  it('is tried with every default and every request', () => {
    expect(PAIRS.length).toBe(7 * 19)
    expect(PAIRS.filter(([, , outcome]) => outcome === 'none')).toEqual([])
  })

  it.each(PAIRS.filter(isRefused))('is refused asking for %s, with %s in the bucket: %s', async (request, byDefault, outcome) => {
    const { put, Bucket } = await putPair(request, byDefault)
    expect(await codeOf(put)).toBe(outcome)
    expect(cloud.kmsCalls()).toEqual([])
    expect(await codeOf(cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'a/b' })))).toBe('NoSuchKey')
  })

  it.each(PAIRS.filter((pair) => !isRefused(pair)))('asking for %s, with %s in the bucket: %s', async (request, byDefault, outcome) => {
    const { put, Bucket, client, isCustomers } = await putPair(request, byDefault)
    const { ETag, ...answered } = await put
    expect(seenOf(answered as HeadObjectCommandOutput)).toBe(outcome)
    const context = { 'aws:s3:arn': `arn:aws:s3:::${Bucket}${outcome.startsWith('KMS+') ? '' : '/a/b'}` }
    const usesKms = !['S3', 'C'].includes(outcome)
    expect(cloud.kmsCalls()).toEqual(usesKms ? [{ operation: 'GenerateDataKey', context, code: null }] : [])

    const readers = isCustomers ? CUSTOMER : {}
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'a/b', ...readers }))
    expect([seenOf(head), head.ContentLength, head.ETag]).toEqual([outcome, TEXT.length, ETag])
    expect(cloud.kmsCalls()).toEqual([])
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a/b', ...readers }))
    expect([seenOf(got), await got.Body?.transformToString(), got.ETag]).toEqual([outcome, TEXT, ETag])
    expect(cloud.kmsCalls()).toEqual(usesKms ? [{ operation: 'Decrypt', context, code: null }] : [])

    const stored = cloud.storedBytes(Bucket, 'a/b')
    expect([stored.length, stored.includes('was'), stored.equals(Buffer.from(TEXT))]).toEqual([TEXT.length, false, false])
    // Only with SSE-S3 the entity tag is the MD5 of the object.
    const md5 = `"${createHash('md5').update(TEXT).digest('hex')}"`
    expect(ETag === md5).toBe(outcome === 'S3')
  })

  it('is encrypted under one key of the account and Region where no key is named', async () => {
    const named: string[] = []
    for (const Key of ['one', 'two']) {
      await cloud.s3.send(new PutObjectCommand({ Bucket: 'pair-0', Key, Body: 'a', ServerSideEncryption: 'aws:kms' }))
      named.push((await cloud.s3.send(new HeadObjectCommand({ Bucket: 'pair-0', Key }))).SSEKMSKeyId ?? '')
    }
    expect(new Set(named).size).toBe(1)
    const { KeyMetadata } = await cloud.kms.send(new DescribeKeyCommand({ KeyId: named[0] }))
    expect(KeyMetadata?.Description).toBe('Default key that protects my S3 objects when no other key is defined')
  })

  it('without any fault', () => {
    expect(cloud.ground.faults).toEqual([])
  })
})
