import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, customerKey, makeBucket, openS3Ground, type S3Ground, textAt } from './s3-ground.ts'

let cloud: S3Ground
let key: string
let other: string
const Bucket = 'objects'
const MIB = 1024 * 1024

beforeAll(async () => {
  cloud = await openS3Ground()
  key = await cloud.createKey()
  other = await cloud.createKey()
  await makeBucket(cloud.s3, Bucket, { BlockedEncryptionTypes: { EncryptionType: ['NONE'] } })
})

afterAll(() => cloud.remove())

const kms = (more: { readonly BucketKeyEnabled?: boolean } = {}) =>
  ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key, ...more }) as const

async function put(Key: string, Body: string, more: object = {}) {
  return cloud.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
}

describe('an encrypted object', () => {
  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=5-2', '0123456789', undefined],
    ['bytes=0-1,3-4', '0123456789', undefined],
  ])('is read in the range %s as %s', async (Range, text, contentRange) => {
    await put('range', '0123456789', kms())
    const { Body, ContentRange, ContentLength, ChecksumCRC32 } = await cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range }))
    expect([await Body?.transformToString(), ContentRange, ContentLength]).toEqual([text, contentRange, text.length])
    expect(ChecksumCRC32 === undefined).toBe(contentRange !== undefined)
  })

  it('has no range past its end', async () => {
    await put('range', '0123456789', kms())
    expect(await codeOf(cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=10-' })))).toBe('InvalidRange')
  })

  it('is read and written under conditions, of the entity tag that callers know', async () => {
    const { ETag = '' } = await put('conditional', 'one', kms())
    const get = (more: object) => codeOf(cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'conditional', ...more })))
    cloud.kmsCalls()
    expect(await get({ IfMatch: '"other"' })).toBe('PreconditionFailed')
    expect(await get({ IfNoneMatch: ETag })).toBe('NotModified')
    expect(await get({ IfModifiedSince: new Date(Date.now() + 60_000) })).toBe('NotModified')
    expect(await get({ IfUnmodifiedSince: new Date(0) })).toBe('PreconditionFailed')
    expect(cloud.kmsCalls()).toEqual([])
    expect(await get({ IfMatch: ETag })).toBe('OK')
    expect(await codeOf(put('conditional', 'two', { IfNoneMatch: '*' }))).toBe('PreconditionFailed')
    expect(await codeOf(put('conditional', 'two', { IfMatch: '"other"' }))).toBe('PreconditionFailed')
    expect(await codeOf(put('missing', 'two', { IfMatch: ETag }))).toBe('NoSuchKey')
    expect(await textAt(cloud.s3, Bucket, 'conditional')).toBe('one')
    await put('conditional', 'two', { IfMatch: ETag })
    expect(await textAt(cloud.s3, Bucket, 'conditional')).toBe('two')
  })

  it('is listed with its size and entity tag, and its attributes are told', async () => {
    const { ETag: kmsTag } = await put('list/a<&>', 'kms', kms())
    const { ETag: s3Tag } = await put('list/b', 'plain text')
    const { Contents = [] } = await cloud.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/' }))
    expect(Contents.map(({ Key, Size, ETag }) => [Key, Size, ETag])).toEqual([
      ['list/a<&>', 3, kmsTag],
      ['list/b', 10, s3Tag],
    ])
    expect(s3Tag).toBe(`"${createHash('md5').update('plain text').digest('hex')}"`)
    const ObjectAttributes = ['ETag', 'ObjectSize', 'Checksum', 'StorageClass'] as const
    const attributes = await cloud.s3.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'list/b', ObjectAttributes: [...ObjectAttributes] }),
    )
    expect(attributes).toMatchObject({ ETag: s3Tag?.replaceAll('"', ''), ObjectSize: 10, Checksum: { ChecksumType: 'FULL_OBJECT' } })
  })

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'keeps the checksum %s that was sent with it',
    async (ChecksumAlgorithm) => {
      const bytes = randomBytes(100_000)
      const name = `Checksum${ChecksumAlgorithm}` as const
      // Known of "123456789": https://reveng.sourceforge.io/crc-catalogue/ and what OpenSSL says.
      const known = {
        CRC32: 'y/Q5Jg==',
        CRC32C: '4waSgw==',
        CRC64NVME: 'rosUhgp5mIg=',
        SHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
        SHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
      }
      const sent = known[ChecksumAlgorithm]
      const answer = await put('checked', '123456789', { [name]: sent })
      expect([answer[name], answer.ChecksumType]).toEqual([sent, 'FULL_OBJECT'])
      const head = await cloud.s3.send(new HeadObjectCommand({ Bucket, Key: 'checked', ChecksumMode: 'ENABLED' }))
      expect(head[name]).toBe(sent)
      expect(await codeOf(put('checked', '12345678', { [name]: sent }))).toBe('BadDigest')
      if (ChecksumAlgorithm === 'CRC64NVME') return
      // The SDK's own, in a stream with the checksum behind it.
      await cloud.s3.send(new PutObjectCommand({ Bucket, Key: 'checked', Body: bytes, ChecksumAlgorithm }))
      const got = await cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'checked' }))
      expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true)
      expect(got[name]).toBeTypeOf('string')
    },
  )

  it('is refused if it is not what was said of it', async () => {
    expect(await codeOf(put('md5', 'a', { ContentMD5: createHash('md5').update('b').digest('base64') }))).toBe('BadDigest')
    expect(await codeOf(put('md5', 'a', { ContentMD5: 'bm8=' }))).toBe('InvalidDigest')
    expect(await codeOf(put('k'.repeat(1025), 'a'))).toBe('KeyTooLongError')
  })

  it('is gone for good when it is deleted', async () => {
    for (const Key of ['gone/1', 'gone/2']) await put(Key, 'a', kms())
    const Objects = [{ Key: 'gone/1' }, { Key: 'gone/2' }, { Key: 'gone/none' }]
    const { Deleted = [] } = await cloud.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Deleted.map(({ Key }) => Key)).toEqual(Objects.map(({ Key }) => Key))
    expect(cloud.ground.db.prepare("SELECT count(*) AS n FROM s3_objects WHERE key LIKE 'gone/%'").get()).toEqual({ n: 0 })
  })
})

describe('with a Bucket Key', () => {
  it('many objects take one call of KMS for writing and one for reading, until its time is over', async () => {
    const own = await makeBucket(cloud.s3, 'bucket-key', {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
      BucketKeyEnabled: true,
    })
    const context = { 'aws:s3:arn': `arn:aws:s3:::${own}` }
    const rounds = Array.from({ length: 20 }, (_, index) => `${index}`)
    cloud.kmsCalls()
    await Promise.all(rounds.map((Key) => cloud.s3.send(new PutObjectCommand({ Bucket: own, Key, Body: Key }))))
    expect(cloud.kmsCalls()).toEqual([{ operation: 'GenerateDataKey', context, code: null }])
    const texts = await Promise.all(rounds.map((Key) => textAt(cloud.s3, own, Key)))
    expect(texts).toEqual(rounds)
    expect(cloud.kmsCalls()).toEqual([{ operation: 'Decrypt', context, code: null }])
    const stored = rounds.slice(10).map((Key) => cloud.storedBytes(own, Key).toString('hex'))
    expect(new Set(stored).size).toBe(10)
    await cloud.ground.clock.advance(6 * 60_000)
    await cloud.s3.send(new PutObjectCommand({ Bucket: own, Key: 'late', Body: 'late' }))
    expect(await textAt(cloud.s3, own, '1')).toBe('1')
    expect(cloud.kmsCalls().map(({ operation }) => operation)).toEqual(['GenerateDataKey', 'Decrypt'])
  })
})

describe('a copy', () => {
  it('is decrypted and encrypted as it is asked for', async () => {
    await put('source', 'to be copied', { ...kms(), Metadata: { note: 'kept' }, ContentType: 'text/x-note' })
    cloud.kmsCalls()
    const copy = { Bucket, CopySource: `${Bucket}/source` }
    const { CopyObjectResult } = await cloud.s3.send(new CopyObjectCommand({ ...copy, Key: 'copy-s3' }))
    const head = await cloud.s3.send(new HeadObjectCommand({ Bucket, Key: 'copy-s3' }))
    expect(head).toMatchObject({
      ServerSideEncryption: 'AES256',
      ETag: CopyObjectResult?.ETag,
      Metadata: { note: 'kept' },
      ContentType: 'text/x-note',
    })
    await cloud.s3.send(new CopyObjectCommand({ ...copy, Key: 'copy-kms', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other }))
    const arn = (name: string) => ({ 'aws:s3:arn': `arn:aws:s3:::${Bucket}/${name}` })
    expect(cloud.kmsCalls()).toEqual([
      { operation: 'Decrypt', context: arn('source'), code: null },
      { operation: 'Decrypt', context: arn('source'), code: null },
      { operation: 'GenerateDataKey', context: arn('copy-kms'), code: null },
    ])
    for (const Key of ['copy-s3', 'copy-kms']) expect(await textAt(cloud.s3, Bucket, Key)).toBe('to be copied')
    expect(await codeOf(cloud.s3.send(new CopyObjectCommand({ ...copy, Key: 'source' })))).toBe('InvalidRequest')
    await cloud.s3.send(new CopyObjectCommand({ ...copy, Key: 'source', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other }))
    expect(await textAt(cloud.s3, Bucket, 'source')).toBe('to be copied')
  })

  it('of an object under a customer key needs that key', async () => {
    const customers = customerKey()
    await cloud.secureS3.send(new PutObjectCommand({ Bucket, Key: 'customers', Body: 'secret', ...customers }))
    const copy = { Bucket, Key: 'customers-copy', CopySource: `${Bucket}/customers` }
    expect(await codeOf(cloud.secureS3.send(new CopyObjectCommand(copy)))).toBe('InvalidRequest')
    const source = {
      CopySourceSSECustomerAlgorithm: 'AES256',
      CopySourceSSECustomerKey: customers.SSECustomerKey,
      CopySourceSSECustomerKeyMD5: customers.SSECustomerKeyMD5,
    }
    await cloud.secureS3.send(new CopyObjectCommand({ ...copy, ...source }))
    expect(await textAt(cloud.s3, Bucket, 'customers-copy')).toBe('secret')
  })
})

describe('an upload in parts', () => {
  const first = randomBytes(5 * MIB)
  const second = Buffer.from('the rest')

  it('is encrypted part by part', async () => {
    cloud.kmsCalls()
    const { UploadId } = await cloud.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ...kms() }))
    const Parts = []
    for (const [index, Body] of [first, second].entries()) {
      const PartNumber = index + 1
      const { ETag, ChecksumCRC32 } = await cloud.s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body }))
      Parts.push({ PartNumber, ETag, ChecksumCRC32 })
    }
    await cloud.reopen()
    const wrong = { Parts: [{ ...Parts[0], ETag: '"wrong"' }] }
    const complete = (MultipartUpload: object) =>
      cloud.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }))
    expect(await codeOf(complete(wrong))).toBe('InvalidPart')
    expect(await codeOf(complete({ Parts: Parts.toReversed() }))).toBe('InvalidPartOrder')
    const { ETag, ServerSideEncryption } = await complete({ Parts })
    expect([ETag?.endsWith('-2"'), ServerSideEncryption]).toEqual([true, 'aws:kms'])
    const got = await cloud.s3.send(new GetObjectCommand({ Bucket, Key: 'parts' }))
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Buffer.concat([first, second]))).toBe(true)
    expect(await textAt(cloud.s3, Bucket, 'parts', { PartNumber: 2 })).toBe('the rest')
    expect(await textAt(cloud.s3, Bucket, 'parts', { Range: 'bytes=-4' })).toBe('rest')
    expect(cloud.storedBytes(Bucket, 'parts').includes(second)).toBe(false)
    expect(await codeOf(complete({ Parts }))).toBe('NoSuchUpload')
  })

  it('has one way to be encrypted', async () => {
    const customers = customerKey()
    const upload = { Bucket, Key: 'customer-parts' }
    const { UploadId } = await cloud.secureS3.send(new CreateMultipartUploadCommand({ ...upload, ...customers }))
    const part = (more: object) => cloud.secureS3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'one', ...more }))
    expect(await codeOf(part({}))).toBe('InvalidRequest')
    expect(await codeOf(part(customerKey()))).toBe('InvalidRequest')
    const { ETag } = await part(customers)
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await cloud.secureS3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }))
    expect(await textAt(cloud.secureS3, Bucket, upload.Key, customers)).toBe('one')
  })

  it('takes parts of other objects, and can be given up', async () => {
    await put('part-source', '0123456789', kms())
    const upload = { Bucket, Key: 'of-parts' }
    const { UploadId } = await cloud.s3.send(new CreateMultipartUploadCommand(upload))
    const CopySource = `${Bucket}/part-source`
    const copied = await cloud.s3.send(
      new UploadPartCopyCommand({ ...upload, UploadId, PartNumber: 3, CopySource, CopySourceRange: 'bytes=2-5' }),
    )
    const MultipartUpload = { Parts: [{ PartNumber: 3, ETag: copied.CopyPartResult?.ETag }] }
    await cloud.s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }))
    expect(await textAt(cloud.s3, Bucket, 'of-parts')).toBe('2345')
    const left = await cloud.s3.send(new CreateMultipartUploadCommand(upload))
    await cloud.s3.send(new AbortMultipartUploadCommand({ ...upload, UploadId: left.UploadId }))
    expect(await codeOf(cloud.s3.send(new UploadPartCommand({ ...upload, UploadId: left.UploadId, PartNumber: 1, Body: 'a' })))).toBe(
      'NoSuchUpload',
    )
  })
})

it('an object keeps what encryption it had when the default of its bucket changes', async () => {
  const changing = await makeBucket(cloud.s3, 'changing')
  await cloud.s3.send(new PutObjectCommand({ Bucket: changing, Key: 'before', Body: 'a' }))
  const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: key } }]
  await cloud.s3.send(new PutBucketEncryptionCommand({ Bucket: changing, ServerSideEncryptionConfiguration: { Rules } }))
  await cloud.s3.send(new PutObjectCommand({ Bucket: changing, Key: 'after', Body: 'a' }))
  const algorithms = ['before', 'after'].map((Key) => cloud.s3.send(new HeadObjectCommand({ Bucket: changing, Key })))
  expect((await Promise.all(algorithms)).map(({ ServerSideEncryption }) => ServerSideEncryption)).toEqual(['AES256', 'aws:kms'])
})

it('none of it is a fault', () => {
  expect(cloud.ground.faults).toEqual([])
})
