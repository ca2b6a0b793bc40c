import { HeadObjectCommand, PutObjectCommand, UpdateObjectEncryptionCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, makeBucket, openS3Ground, type S3Ground, textAt } from './s3-ground.ts'

let cloud: S3Ground
let key: string
let other: string
const Bucket = 'updated'

beforeAll(async () => {
  cloud = await openS3Ground()
  key = await cloud.createKey()
  other = await cloud.createKey()
  await makeBucket(cloud.s3, Bucket)
})

afterAll(() => cloud.remove())

async function put(Key: string, Body: string, more: object = {}) {
  return cloud.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
}

const update = (Key: string, KMSKeyArn: string, BucketKeyEnabled?: boolean) =>
  cloud.s3.send(
    new UpdateObjectEncryptionCommand({
      Bucket,
      Key,
      ObjectEncryption: { SSEKMS: { KMSKeyArn, ...(BucketKeyEnabled === undefined ? {} : { BucketKeyEnabled }) } },
    }),
  )

describe('UpdateObjectEncryption', () => {
  it('puts another key over an object without touching it', async () => {
    const { ETag } = await put('updated', 'stays', { ContentType: 'text/plain' })
    const before = await cloud.s3.send(new HeadObjectCommand({ Bucket, Key: 'updated' }))
    const stored = cloud.storedBytes(Bucket, 'updated')
    const steps = [
      [key, false],
      [other, false],
      [other, true],
    ] as const
    for (const [arn, bucketKey] of steps) {
      await update('updated', arn, bucketKey)
      const head = await cloud.s3.send(new HeadObjectCommand({ Bucket, Key: 'updated' }))
      expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn, ETag, LastModified: before.LastModified })
      expect(head.BucketKeyEnabled ?? false).toBe(bucketKey)
      expect(await textAt(cloud.s3, Bucket, 'updated')).toBe('stays')
    }
    expect(cloud.storedBytes(Bucket, 'updated').equals(stored)).toBe(true)
  })

  it('is refused for what it does not change', async () => {
    await put('dsse', 'a', { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: key })
    await put('s3', 'a')
    expect(await codeOf(update('dsse', key))).toBe('InvalidRequest')
    expect(await codeOf(update('s3', 'alias/any'))).toBe('InvalidRequest')
    expect(await codeOf(update('s3', key.replace('000000000000', '111122223333')))).toBe('AccessDenied')
    expect(await codeOf(update('s3', key.replace(/[^/]+$/, '00000000-0000-0000-0000-000000000000')))).toBe('KMS.NotFoundException')
    expect(await codeOf(update('none', key))).toBe('NoSuchKey')
    expect(await textAt(cloud.s3, Bucket, 's3')).toBe('a')
  })
})
