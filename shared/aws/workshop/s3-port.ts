import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import type { EncryptionHeaders, ObjectEncryption, S3Port } from '../../workshop/ports.ts'
import { foundOrNull, tried, triedDone } from '../tried.ts'

const GONE = ['NotFound', 'NoSuchBucket', 'NoSuchKey']
const HEADER = /^x-amz-server-side-encryption/
/** Where a customer's key, and what tells of it, stands. */
const SECRET_HEADER = /customer-key$/
/** A workshop writes small files. */
const VERSION_PAGES_MAX = 100
const OBJECT_BYTES_MAX = 16 * 1024 * 1024
/** The Region that has no name in a bucket's constraint. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
const NAMELESS_REGION = 'us-east-1'

export type S3Clients = { readonly secure: S3Client; readonly plain: S3Client; readonly accountId: string; readonly region: string }

/** S3 for the use cases, in buckets of the caller's own account only. */
export function s3Port({ secure, plain, accountId, region }: S3Clients): S3Port {
  const own = { ExpectedBucketOwner: accountId }
  const over = (overPlainHttp = false): S3Client => (overPlainHttp ? plain : secure)
  return {
    createBucket: (Bucket, tags) =>
      tried(async () => {
        const place = region === NAMELESS_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }
        await secure.send(new CreateBucketCommand({ Bucket, ...place }))
        const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
        await secure.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet }, ...own }))
        return null
      }),
    hasBucket: async (Bucket) => (await foundOrNull(GONE, () => secure.send(new HeadBucketCommand({ Bucket, ...own })))) !== null,
    deleteBucket: (Bucket) => triedDone(() => secure.send(new DeleteBucketCommand({ Bucket, ...own }))),
    encryptByDefault: (Bucket, keyArn, bucketKey) =>
      triedDone(() =>
        secure.send(
          new PutBucketEncryptionCommand({
            Bucket,
            ...own,
            ServerSideEncryptionConfiguration: {
              Rules: [
                {
                  ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
                  BucketKeyEnabled: bucketKey,
                },
              ],
            },
          }),
        ),
      ),
    allowCustomerKeys: (Bucket, isAllowed) =>
      triedDone(() =>
        secure.send(
          new PutBucketEncryptionCommand({
            Bucket,
            ...own,
            ServerSideEncryptionConfiguration: {
              Rules: [
                {
                  ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
                  BlockedEncryptionTypes: { EncryptionType: [isAllowed ? 'NONE' : 'SSE-C'] },
                },
              ],
            },
          }),
        ),
      ),
    put: ({ bucket, key, body, encryption, overPlainHttp }) =>
      tried(() =>
        withHeaders(over(overPlainHttp), (client) =>
          client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...requested(encryption), ...own })),
        ).then(({ headers }) => headers),
      ),
    get: ({ bucket, key, customerKey, overPlainHttp }) =>
      tried(async () => {
        const { answer, headers } = await withHeaders(over(overPlainHttp), async (client) => {
          const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...customer(customerKey), ...own }))
          if ((object.ContentLength ?? 0) > OBJECT_BYTES_MAX) throw new Error(`${bucket}/${key} is too large for a workshop`)
          return (await object.Body?.transformToByteArray()) ?? new Uint8Array()
        })
        return { ...headers, body: answer }
      }),
    head: ({ bucket, key, customerKey, overPlainHttp }) =>
      tried(async () => {
        const { headers } = await withHeaders(over(overPlainHttp), (client) =>
          client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...customer(customerKey), ...own })),
        )
        return headers.stored
      }),
    hasObject: async ({ bucket, key }) =>
      (await foundOrNull(GONE, () => secure.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...own })))) !== null,
    deleteObject: ({ bucket, key }) => triedDone(() => deleteVersions(secure, { Bucket: bucket, ...own }, key)),
  }
}

function requested(encryption: ObjectEncryption): Partial<PutObjectCommandInput> {
  switch (encryption.kind) {
    case 'bucket-default':
      return {}
    case 'sse-s3':
      return { ServerSideEncryption: 'AES256' }
    case 'sse-kms':
      return {
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: encryption.key,
        ...(encryption.bucketKey === undefined ? {} : { BucketKeyEnabled: encryption.bucketKey }),
      }
    case 'dsse-kms':
      return { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: encryption.key }
    case 'sse-c':
      return customer(encryption.key)
  }
}

function customer(
  key: Uint8Array | undefined,
): Partial<Pick<PutObjectCommandInput, 'SSECustomerAlgorithm' | 'SSECustomerKey' | 'SSECustomerKeyMD5'>> {
  if (key === undefined) return {}
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: Buffer.from(key).toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
}

type Headers = { readonly sent: EncryptionHeaders; readonly stored: EncryptionHeaders }

/** A call, and the encryption headers that really went over the wire and came back. */
async function withHeaders<Answer>(
  shared: S3Client,
  call: (client: Pick<S3Client, 'send'>) => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly headers: Headers }> {
  let headers: Headers = { sent: {}, stored: {} }
  const send = (async (command: Parameters<S3Client['send']>[0]) => {
    command.middlewareStack.add(
      (next) => async (step) => {
        const result = await next(step)
        headers = { sent: encryptionHeaders(step.request), stored: encryptionHeaders(result.response) }
        return result
      },
      { step: 'deserialize', name: 'encryptionHeaders', override: true },
    )
    return shared.send(command)
  }) as S3Client['send']
  const answer = await call({ send })
  return { answer, headers }
}

function encryptionHeaders(message: unknown): EncryptionHeaders {
  const { headers = {} } = message as { readonly headers?: Readonly<Record<string, string>> }
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => HEADER.test(name) && !SECRET_HEADER.test(name)),
  )
}

async function deleteVersions(
  client: S3Client,
  place: { readonly Bucket: string; readonly ExpectedBucketOwner: string },
  key: string,
): Promise<void> {
  await client.send(new DeleteObjectCommand({ ...place, Key: key }))
  const { Status } = await client.send(new GetBucketVersioningCommand(place))
  // The workshop's buckets keep no versions; somebody may have changed that.
  if (Status === undefined) return
  for (let page = 0; page < VERSION_PAGES_MAX; page++) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ ...place, Prefix: key }))
    const own = [...Versions, ...DeleteMarkers].filter(({ Key }) => Key === key)
    if (own.length === 0) return
    for (const { VersionId } of own)
      await client.send(new DeleteObjectCommand({ ...place, Key: key, ...(VersionId === undefined ? {} : { VersionId }) }))
  }
}
