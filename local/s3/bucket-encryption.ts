import { isJsonObject, memberOf, textOf } from '../../shared/json.ts'
import { accepted, around, type Checked, elements, malformedXml, refuse } from './outcome.ts'
import { childrenNamed, childText, type XmlElement } from './xml-tree.ts'

/** How new objects of a bucket are encrypted where a request does not say. */
export type BucketEncryption = {
  readonly algorithm: KeptAlgorithm
  /** As it was put; nobody asked KMS whether it exists. Null: the AWS managed key `aws/s3`. */
  readonly keyId: string | null
  readonly usesBucketKey: boolean
  readonly blocksCustomerKeys: boolean
}

/** Of general purpose buckets. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html */
export const KEPT_ALGORITHMS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const
export type KeptAlgorithm = (typeof KEPT_ALGORITHMS)[number]

/**
 * A bucket whose encryption was never put: SSE-S3, and since April 2026 SSE-C is blocked.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
 */
const NEW_BUCKET: BucketEncryption = { algorithm: 'AES256', keyId: null, usesBucketKey: false, blocksCustomerKeys: true }

export function isKeptAlgorithm(name: string): name is KeptAlgorithm {
  return (KEPT_ALGORITHMS as readonly string[]).includes(name)
}

/**
 * What a bucket has after a PutBucketEncryption. The rule takes the place of the old one, but for what it leaves out: blocked types stay as
 * they are (buckets made with SSE-C blocked and then put without the element read back as blocked:
 * https://github.com/hashicorp/terraform-provider-aws/issues/47320), and so does the default of a rule that only blocks or unblocks
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html). A rule with a default and no word
 * of Bucket Keys has none: "By default, S3 Bucket Key is not enabled"
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionRule.html).
 * Errors as recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3_api.snapshot.json
 * (test_s3_default_bucket_encryption_exc).
 */
export function encryptionPut(document: XmlElement, before: BucketEncryption): Checked<BucketEncryption> {
  const [rule, ...more] = childrenNamed(document, 'Rule')
  if (document.name !== 'ServerSideEncryptionConfiguration' || rule === undefined || more.length > 0) return malformedXml()
  const blocked = blockedTypes(rule)
  const bucketKey = childText(rule, 'BucketKeyEnabled')
  if (blocked === 'malformed' || (bucketKey !== null && bucketKey !== 'true' && bucketKey !== 'false')) return malformedXml()
  const blocksCustomerKeys = blocked ?? before.blocksCustomerKeys
  const [byDefault, ...others] = childrenNamed(rule, 'ApplyServerSideEncryptionByDefault')
  if (others.length > 0) return malformedXml()
  if (byDefault === undefined) {
    if (blocked === null && bucketKey === null) return malformedXml()
    return accepted({ ...before, usesBucketKey: bucketKey === null ? before.usesBucketKey : bucketKey === 'true', blocksCustomerKeys })
  }
  const algorithm = childText(byDefault, 'SSEAlgorithm') ?? ''
  const keyId = childText(byDefault, 'KMSMasterKeyID')
  if (!isKeptAlgorithm(algorithm) || keyId === '') return malformedXml()
  if (algorithm === 'AES256' && keyId !== null) {
    return refuse('InvalidArgument', 'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse')
  }
  return accepted({ algorithm, keyId, usesBucketKey: bucketKey === 'true', blocksCustomerKeys })
}

/** Whether a rule blocks SSE-C; null if it does not say. */
function blockedTypes(rule: XmlElement): boolean | null | 'malformed' {
  const [blocked, ...more] = childrenNamed(rule, 'BlockedEncryptionTypes')
  if (blocked === undefined) return null
  const types = childrenNamed(blocked, 'EncryptionType').map(({ text }) => text)
  if (more.length > 0 || types.length !== 1) return 'malformed'
  return types[0] === 'SSE-C' ? true : types[0] === 'NONE' ? false : 'malformed'
}

/** DeleteBucketEncryption resets the default encryption to SSE-S3. What becomes of blocked types nobody tells: they stay, as with a put that leaves them out. */
export function encryptionDeleted({ blocksCustomerKeys }: BucketEncryption): BucketEncryption {
  return { ...NEW_BUCKET, blocksCustomerKeys }
}

/** The content of a `ServerSideEncryptionConfiguration`. */
export function encryptionXml({ algorithm, keyId, usesBucketKey, blocksCustomerKeys }: BucketEncryption): string {
  const byDefault = around('ApplyServerSideEncryptionByDefault', elements({ SSEAlgorithm: algorithm, KMSMasterKeyID: keyId }))
  const blocked = around('BlockedEncryptionTypes', elements({ EncryptionType: blocksCustomerKeys ? 'SSE-C' : 'NONE' }))
  return around('Rule', `${byDefault}${elements({ BucketKeyEnabled: usesBucketKey })}${blocked}`)
}

/** As it was kept. */
export function encryptionKept(value: unknown): BucketEncryption {
  if (!isJsonObject(value)) return NEW_BUCKET
  const algorithm = textOf(value, 'algorithm') ?? ''
  return {
    algorithm: isKeptAlgorithm(algorithm) ? algorithm : NEW_BUCKET.algorithm,
    keyId: textOf(value, 'keyId'),
    usesBucketKey: memberOf(value, 'usesBucketKey') === true,
    blocksCustomerKeys: memberOf(value, 'blocksCustomerKeys') !== false,
  }
}
