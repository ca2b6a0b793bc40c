import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  NoSuchBucket,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unheeded } from '../../local/object-requests.ts'
import { type Ground, openGround, temporaryFolder } from './ground.ts'

const Bucket = 'trail'
const MIB = 1024 * 1024
let place: ReturnType<typeof temporaryFolder>
let ground: Ground
let s3: S3Client

beforeEach(async () => {
  place = temporaryFolder()
  await open()
  await s3.send(new CreateBucketCommand({ Bucket }))
})

afterEach(async () => {
  await close()
  place.remove()
})

async function open(): Promise<void> {
  ground = await openGround({ folder: place.folder })
  s3 = new S3Client({ ...ground.client, forcePathStyle: true })
}

async function close(): Promise<void> {
  s3.destroy()
  await ground.close()
}

async function bytesOf(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

describe('objects', () => {
  it('come back as they were put, also in a stream, and over a restart', async () => {
    const bytes = Buffer.alloc(14 * MIB, 'all bytes\u{0}\u{ff}')
    await s3.send(new PutObjectCommand({ Bucket, Key: 'AWSLogs/a b+ü.json.gz', Body: bytes, Metadata: { note: 'kept' } }))
    const stream = Readable.from([bytes.subarray(0, MIB)])
    await s3.send(new PutObjectCommand({ Bucket, Key: 'streamed', Body: stream, ContentLength: MIB }))
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'AWSLogs/a b+ü.json.gz' }))
    expect(head).toMatchObject({ ContentLength: bytes.length, Metadata: { note: 'kept' } })
    await close()
    await open()
    expect((await bytesOf('AWSLogs/a b+ü.json.gz')).equals(bytes)).toBe(true)
    expect((await bytesOf('streamed')).equals(bytes.subarray(0, MIB))).toBe(true)
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'AWSLogs/', MaxKeys: 10 }))
    expect(Contents.map(({ Key }) => Key)).toEqual(['AWSLogs/a b+ü.json.gz'])
  })

  it("fail with the SDK's own exceptions", async () => {
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'none' }))).rejects.toThrow(NoSuchKey)
    await expect(s3.send(new ListObjectsV2Command({ Bucket: 'none' }))).rejects.toThrow(NoSuchBucket)
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' }))).rejects.toMatchObject({ name: 'NotFound' })
    await expect(s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: Buffer.alloc(17 * MIB) }))).rejects.toMatchObject({
      name: 'RequestEntityTooLargeException',
      message: 'The local cloud takes bodies of 16 MiB at most.',
    })
    expect(ground.faults).toEqual([])
  })

  it('refuse what nothing here would heed', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }))
    const calls = {
      GetBucketAcl: () => s3.send(new GetBucketAclCommand({ Bucket })),
      GetBucketCors: () => s3.send(new GetBucketCorsCommand({ Bucket })),
      ListObjectVersions: () => s3.send(new ListObjectVersionsCommand({ Bucket })),
      GetObjectTagging: () => s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'a' })),
      ListMultipartUploads: () => s3.send(new ListMultipartUploadsCommand({ Bucket })),
      ListParts: () => s3.send(new ListPartsCommand({ Bucket, Key: 'a', UploadId: 'b' })),
    }
    for (const [name, call] of Object.entries(calls)) await expect(call(), name).rejects.toMatchObject({ name: 'NotImplemented' })
  })
})

it.each([
  ['GET', '/', null],
  ['GET', '/b?list-type=2&prefix=a%2Fb&max-keys=1', null],
  ['PUT', '/b/k?x-id=PutObject', null],
  ['PUT', '/b/k?partNumber=1&uploadId=u', null],
  ['POST', '/b/k?uploads=', null],
  ['GET', '/b/k?X-Amz-Credential=c&response-content-type=t', null],
  ['GET', '/b?uploads', 'uploads'],
  ['GET', '/b/k?uploadId=u', 'uploadId'],
  ['PUT', '/b?encryption', 'encryption'],
  ['GET', '/b?list-type=2&versions', 'versions'],
  ['GET', '/b?constructor', 'constructor'],
] as const)('of S3 %s %s leaves unheeded: %s', (method, target, name) => {
  expect(unheeded(method, target)).toBe(name)
})
