import { DisableKeyCommand, EnableKeyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccess } from '../../local/iam/evaluator.ts'
import { codeOf, customerKey, makeBucket, openS3Ground, type S3Ground, textAt } from './s3-ground.ts'

let cloud: S3Ground
let key: string

/** What the roles may; everybody else may everything. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  Storage: ['s3:*'],
  Writer: ['s3:*', 'kms:GenerateDataKey'],
  Reader: ['s3:*', 'kms:Decrypt'],
  Lister: ['s3:ListBucket'],
}

const access = createAccess({
  identityOf({ arn }) {
    const [, roleName = ''] = /assumed-role\/(\w+)\//.exec(arn) ?? []
    const Statement = { Effect: 'Allow', Action: ROLES[roleName] ?? ['*'], Resource: '*' }
    return { policies: [{ name: 'own', document: JSON.stringify({ Version: '2012-10-17', Statement }) }], tags: {} }
  },
  nowMs: () => Date.UTC(2026, 9, 20),
})

beforeAll(async () => {
  cloud = await openS3Ground({ access })
  key = await cloud.createKey()
})

afterAll(() => cloud.remove())

function as(roleName: string): S3Client {
  const accessKeyId = `ASIA${roleName.toUpperCase().padEnd(16, '0')}`
  cloud.ground.principals.register({ accessKeyId, roleName, sessionName: 'test' })
  return cloud.as(accessKeyId)
}

const kmsRule = (BucketKeyEnabled = false) => ({
  ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key } as const,
  BucketKeyEnabled,
})

describe('who may read and write an object under a KMS key', () => {
  it('is who may use the key: S3 asks for it in their name', async () => {
    const Bucket = await makeBucket(cloud.s3, 'kms-only', kmsRule())
    const put = (client: S3Client, Key = 'a') => client.send(new PutObjectCommand({ Bucket, Key, Body: 'a' }))
    const get = (client: S3Client) => client.send(new GetObjectCommand({ Bucket, Key: 'a' }))
    expect(await codeOf(put(as('Storage')))).toBe('AccessDenied')
    expect(await codeOf(put(as('Reader')))).toBe('AccessDenied')
    expect(await codeOf(put(as('Writer')))).toBe('OK')
    expect(await codeOf(get(as('Storage')))).toBe('AccessDenied')
    expect(await codeOf(get(as('Writer')))).toBe('AccessDenied')
    expect(await codeOf(get(as('Reader')))).toBe('OK')
    await expect(get(as('Storage'))).rejects.toThrow(/not authorized to perform: kms:Decrypt/)
    // What is asked for is the object's key, not its headers; a checksum lies under the key.
    const head = { Bucket, Key: 'a' }
    expect(await codeOf(as('Storage').send(new HeadObjectCommand(head)))).toBe('OK')
    expect(await codeOf(as('Storage').send(new HeadObjectCommand({ ...head, ChecksumMode: 'ENABLED' })))).not.toBe('OK')
    expect(await codeOf(as('Writer').send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a` })))).toBe('AccessDenied')
    expect(await codeOf(as('Reader').send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' })))).toBe('AccessDenied')
  })

  it('is each requester by itself, with a Bucket Key too', async () => {
    const Bucket = await makeBucket(cloud.s3, 'bucket-key-for-some', kmsRule(true))
    const put = (client: S3Client) => codeOf(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' })))
    const get = (client: S3Client) => codeOf(client.send(new GetObjectCommand({ Bucket, Key: 'a' })))
    const writer = as('Writer')
    cloud.kmsCalls()
    expect([await put(writer), await put(writer), await get(writer), await put(as('Storage'))]).toEqual([
      'OK',
      'OK',
      'AccessDenied',
      'AccessDenied',
    ])
    expect([await get(as('Reader')), await get(as('Reader')), await get(as('Storage'))]).toEqual(['OK', 'OK', 'AccessDenied'])
    expect(cloud.kmsCalls().map(({ operation, code }) => `${operation} ${code ?? 'OK'}`)).toEqual([
      'GenerateDataKey OK',
      'Decrypt AccessDeniedException',
      'GenerateDataKey AccessDeniedException',
      'Decrypt OK',
      'Decrypt AccessDeniedException',
    ])
  })

  it('needs no key of theirs where no key was named', async () => {
    const Bucket = await makeBucket(cloud.s3, 'managed-key')
    const put = new PutObjectCommand({ Bucket, Key: 'a', Body: 'a', ServerSideEncryption: 'aws:kms' })
    expect(await codeOf(as('Writer').send(put))).toBe('OK')
    expect(await textAt(as('Reader'), Bucket, 'a')).toBe('a')
  })

  it('is nobody while the key cannot be used', async () => {
    const Bucket = await makeBucket(cloud.s3, 'key-states', kmsRule())
    const own = await cloud.createKey()
    const ServerSideEncryption = 'aws:kms' as const
    const put = (SSEKMSKeyId: string) =>
      codeOf(cloud.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a', ServerSideEncryption, SSEKMSKeyId })))
    const get = () => codeOf(cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'a' })))
    expect(await put(own)).toBe('OK')
    await cloud.kms.send(new DisableKeyCommand({ KeyId: own }))
    expect([await put(own), await get()]).toEqual(['KMS.DisabledException', 'KMS.DisabledException'])
    await cloud.kms.send(new EnableKeyCommand({ KeyId: own }))
    expect(await get()).toBe('OK')
    await cloud.kms.send(new ScheduleKeyDeletionCommand({ KeyId: own }))
    expect([await put(own), await get()]).toEqual(['KMS.KMSInvalidStateException', 'KMS.KMSInvalidStateException'])
    expect(await put('no-such-key')).toBe('KMS.NotFoundException')
    expect(await put('alias/none')).toBe('KMS.NotFoundException')
    expect(await put(own.replace('us-east-1', 'us-west-2'))).toBe('KMS.NotFoundException')
  })
})

describe('an object under a customer key', () => {
  it('is for who has that key, over TLS', async () => {
    const Bucket = await makeBucket(cloud.s3, 'customers', { BlockedEncryptionTypes: { EncryptionType: ['NONE'] } })
    const own = customerKey()
    const at = { Bucket, Key: 'a' }
    const put = (more: object) => codeOf(cloud.secureS3.send(new PutObjectCommand({ ...at, Body: 'a', ...more })))
    const get = (more: object, client = cloud.secureS3) => codeOf(client.send(new GetObjectCommand({ ...at, ...more })))
    expect(await put(own)).toBe('OK')
    expect(await get(own)).toBe('OK')
    expect(await get(own, cloud.s3)).toBe('InvalidArgument')
    expect(await get({})).toBe('InvalidRequest')
    expect(await get({}, cloud.s3)).toBe('InvalidRequest')
    expect(await get(customerKey())).toBe('AccessDenied')
    expect((await cloud.secureS3.send(new HeadObjectCommand({ ...at, ...own }))).SSECustomerKeyMD5).toBe(own.SSECustomerKeyMD5)
    await expect(cloud.secureS3.send(new HeadObjectCommand(at))).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    await expect(cloud.secureS3.send(new HeadObjectCommand({ ...at, ...customerKey() }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    })
    // The key stands nowhere.
    const kept = JSON.stringify(cloud.ground.db.prepare('SELECT record FROM s3_objects WHERE bucket = ?').all(Bucket))
    expect([kept.includes(own.SSECustomerKey), kept.includes(own.SSECustomerKeyMD5)]).toEqual([false, false])
    // Blocked, it can still be read.
    const Rules = [{ BlockedEncryptionTypes: { EncryptionType: ['SSE-C' as const] } }]
    await cloud.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }))
    expect([await put(own), await get(own)]).toEqual(['AccessDenied', 'OK'])
    expect(await codeOf(cloud.secureS3.send(new PutObjectCommand({ ...at, Key: 'b', Body: 'b' })))).toBe('OK')
    expect(await get({ Key: 'b', ...own })).toBe('InvalidRequest')
  })

  it.each<readonly [string, object, string]>([
    ['no algorithm', { SSECustomerAlgorithm: undefined }, 'InvalidArgument'],
    ['no key', { SSECustomerKey: undefined }, 'InvalidArgument'],
    ['another algorithm', { SSECustomerAlgorithm: 'AES128' }, 'InvalidEncryptionAlgorithmError'],
    ['a short key', customerKey(Buffer.alloc(16)), 'InvalidArgument'],
  ])('is refused with %s', async (_title, more, code) => {
    const put = new PutObjectCommand({ Bucket: 'customers', Key: 'refused', Body: 'a', ...customerKey(), ...more })
    expect(await codeOf(cloud.secureS3.send(put))).toBe(code)
  })
})

it("a customer key is refused with another key's MD5", async () => {
  const put = new PutObjectCommand({ Bucket: 'customers', Key: 'refused', Body: 'a', ...customerKey() })
  // The SDK computes it itself, whatever it is given.
  put.middlewareStack.add(
    (next) => (step) => {
      const { headers } = step.request as { readonly headers: Record<string, string> }
      headers['x-amz-server-side-encryption-customer-key-md5'] = customerKey().SSECustomerKeyMD5
      return next(step)
    },
    { step: 'build', priority: 'low' },
  )
  await expect(cloud.secureS3.send(put)).rejects.toMatchObject({
    name: 'InvalidArgument',
    message: 'The calculated MD5 hash of the key did not match the hash that was provided.',
  })
})

describe('the policy of a bucket', () => {
  const Bucket = 'policies'
  const deny = (Action: string, Condition: object) => ({
    Effect: 'Deny',
    Principal: '*',
    Action,
    Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
    Condition,
  })
  const police = (...Statement: object[]) =>
    cloud.secureS3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
  const put = (more: object = {}, client = cloud.s3) => codeOf(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a', ...more })))

  beforeAll(() => makeBucket(cloud.s3, Bucket))

  it('can ask for TLS', async () => {
    await police(deny('s3:*', { Bool: { 'aws:SecureTransport': 'false' } }))
    expect([await put(), await put({}, cloud.secureS3)]).toEqual(['AccessDenied', 'OK'])
    expect(await codeOf(cloud.s3.send(new ListObjectsV2Command({ Bucket })))).toBe('AccessDenied')
    await police(deny('s3:*', { NumericLessThan: { 's3:TlsVersion': '1.2' } }))
    expect(await put({}, cloud.secureS3)).toBe('OK')
  })

  it('can ask for an encryption, by the headers of the request', async () => {
    await police(deny('s3:PutObject', { Null: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'true' } }))
    expect(await put()).toBe('AccessDenied')
    expect(await put({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key })).toBe('OK')
    await police(deny('s3:PutObject', { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms:dsse' } }))
    expect(await put({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key })).toBe('AccessDenied')
    expect(await put({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: key })).toBe('OK')
    await police(deny('s3:PutObject', { Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' } }))
    expect(await put(customerKey(), cloud.secureS3)).toBe('AccessDenied')
    expect(await put()).toBe('OK')
  })

  it("joins the caller's own", async () => {
    const lister = as('Lister')
    expect(await codeOf(lister.send(new ListObjectsV2Command({ Bucket })))).toBe('OK')
    expect(await codeOf(lister.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toBe('AccessDenied')
    const Principal = { AWS: 'arn:aws:iam::000000000000:role/Lister' }
    await police({ Effect: 'Allow', Principal, Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` })
    expect(await codeOf(lister.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toBe('OK')
    expect(await codeOf(lister.send(new DeleteObjectCommand({ Bucket, Key: 'a' })))).toBe('AccessDenied')
    expect(await codeOf(lister.send(new PutBucketPolicyCommand({ Bucket, Policy: '{}' })))).toBe('AccessDenied')
  })
})

it('none of it is a fault', () => {
  expect(cloud.ground.faults).toEqual([])
})
