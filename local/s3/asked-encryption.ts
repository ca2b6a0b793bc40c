import type { IncomingHttpHeaders } from 'node:http'
import { isJsonObject } from '../../shared/json.ts'
import { jsonBody } from '../json-body.ts'
import { type BucketEncryption, isKeptAlgorithm } from './bucket-encryption.ts'
import { type CustomerKey, customerKey } from './customer-key.ts'
import { accepted, type Checked, type Refused, refuse } from './outcome.ts'
import { headerText } from './place.ts'

/** How an object is to be encrypted. */
export type AskedEncryption =
  | { readonly kind: 'AES256' }
  | {
      readonly kind: 'aws:kms' | 'aws:kms:dsse'
      /** A key ID, key ARN, alias or alias ARN; null: the AWS managed key. */
      readonly keyId: string | null
      readonly usesBucketKey: boolean
      readonly context: Readonly<Record<string, string>>
      /** The context as it was sent, for the answer. */
      readonly sentContext: string | null
    }
  | { readonly kind: 'customer'; readonly key: CustomerKey }

export const SSE = 'x-amz-server-side-encryption'
export const SSE_KEY_ID = `${SSE}-aws-kms-key-id`
export const SSE_CONTEXT = `${SSE}-context`
export const SSE_BUCKET_KEY = `${SSE}-bucket-key-enabled`
/** KMS takes 8 KiB of context at most; in base64 that is a third more. */
const CONTEXT_LENGTH_MAX = 12_288

/**
 * What the headers of a write ask for, else what the bucket has by default. "aws:kms" without a key is the AWS managed key whatever the
 * bucket's key is, but takes the bucket's word about Bucket Keys: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html. Errors:
 * https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3.snapshot.json
 */
export function askedEncryption(headers: IncomingHttpHeaders, bucket: BucketEncryption, isSecure: boolean): Checked<AskedEncryption> {
  const algorithm = headerText(headers, SSE)
  const keyId = headerText(headers, SSE_KEY_ID)
  const sentContext = headerText(headers, SSE_CONTEXT)
  const customer = customerKey(headers, isSecure)
  if (!customer.ok) return customer
  if (customer.value !== null) {
    if (algorithm !== null || keyId !== null) {
      return refuse(
        'InvalidArgument',
        'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      )
    }
    return accepted({ kind: 'customer', key: customer.value })
  }
  if (algorithm !== null && !isKeptAlgorithm(algorithm)) {
    return refuse('InvalidArgument', 'The encryption method specified is not supported')
  }
  const kind = algorithm ?? bucket.algorithm
  if ((keyId !== null || sentContext !== null) && (algorithm === null || algorithm === 'AES256')) {
    // A bucket that encrypts with KMS takes a context for its own key.
    if (keyId !== null || kind === 'AES256') return needsKms()
  }
  if (kind === 'AES256') return accepted({ kind })
  const context = contextOf(sentContext)
  if (!context.ok) return context
  const bucketKey = wantsBucketKey(headers, bucket)
  if (!bucketKey.ok) return bucketKey
  // "S3 Bucket Keys aren't supported for DSSE-KMS" (bucket-key.html): a bucket's own setting is passed over, a request's is refused.
  if (kind === 'aws:kms:dsse' && headerText(headers, SSE_BUCKET_KEY)?.toLowerCase() === 'true') {
    return refuse('InvalidArgument', "S3 Bucket Keys aren't supported for dual-layer server-side encryption with AWS KMS keys (DSSE-KMS).")
  }
  return accepted({
    kind,
    keyId: algorithm === null ? bucket.keyId : keyId === '' ? null : keyId,
    usesBucketKey: kind === 'aws:kms' && bucketKey.value,
    context: context.value,
    sentContext,
  })
}

function needsKms(): Refused {
  return refuse(
    'InvalidArgument',
    'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
  )
}

function wantsBucketKey(headers: IncomingHttpHeaders, bucket: BucketEncryption): Checked<boolean> {
  const sent = headerText(headers, SSE_BUCKET_KEY)?.toLowerCase() ?? null
  if (sent === null) return accepted(bucket.usesBucketKey)
  return sent === 'true' || sent === 'false'
    ? accepted(sent === 'true')
    : refuse('InvalidArgument', `The value of ${SSE_BUCKET_KEY} is not valid.`)
}

/** The words: https://www.mail-archive.com/common-issues@hadoop.apache.org/msg299928.html */
function contextOf(sent: string | null): Checked<Readonly<Record<string, string>>> {
  if (sent === null) return accepted({})
  const bytes = Buffer.from(sent, 'base64')
  const isBase64 =
    sent.length <= CONTEXT_LENGTH_MAX && bytes.length > 0 && bytes.toString('base64').replace(/=+$/, '') === sent.replace(/=+$/, '')
  const context = isBase64 ? jsonBody(bytes) : null
  if (context === null || !isJsonObject(context) || Object.values(context).some((value) => typeof value !== 'string')) {
    return refuse(
      'InvalidArgument',
      `The header '${SSE_CONTEXT}' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map`,
    )
  }
  return accepted(Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)])))
}
