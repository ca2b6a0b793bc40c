import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { accepted, type Checked, refuse } from './outcome.ts'
import { headerText } from './place.ts'

/** A key that a customer sent along (SSE-C), and what the answer repeats of it. It is kept nowhere. */
export type CustomerKey = { readonly bytes: Buffer; readonly md5: string }

const SSE_C = 'x-amz-server-side-encryption-customer-'
const COPY_SOURCE_SSE_C = 'x-amz-copy-source-server-side-encryption-customer-'
const KEY_BYTES = 32

/** Of the object a request reads or writes. */
export function customerKey(headers: IncomingHttpHeaders, isSecure: boolean): Checked<CustomerKey | null> {
  return keyIn(headers, SSE_C, isSecure)
}

/** Of the object that a copy reads. */
export function copySourceCustomerKey(headers: IncomingHttpHeaders, isSecure: boolean): Checked<CustomerKey | null> {
  return keyIn(headers, COPY_SOURCE_SSE_C, isSecure)
}

/**
 * "Amazon S3 rejects any requests made over HTTP when using SSE-C"
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html). Its words are on record from another
 * maker's S3 only (https://github.com/vmware-tanzu/velero/issues/7837); the others, and their order, from AWS:
 * https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3.snapshot.json (TestS3SSECEncryption).
 */
function keyIn(headers: IncomingHttpHeaders, prefix: string, isSecure: boolean): Checked<CustomerKey | null> {
  const algorithm = headerText(headers, `${prefix}algorithm`)
  const key = headerText(headers, `${prefix}key`)
  const md5 = headerText(headers, `${prefix}key-md5`)
  if (algorithm === null && key === null && md5 === null) return accepted(null)
  if (!isSecure) return refused('must be made over a secure connection.')
  if (algorithm === null || algorithm === '') return refused('must provide a valid encryption algorithm.')
  if (key === null || key === '') return refused('must provide an appropriate secret key.')
  if (algorithm !== 'AES256') {
    return refuse('InvalidEncryptionAlgorithmError', 'The Encryption request you specified is not valid. Supported value: AES256.')
  }
  const bytes = Buffer.from(key, 'base64')
  if (md5 === null) return refused('must provide the client calculated MD5 of the secret key.')
  if (createHash('md5').update(bytes).digest('base64') !== md5) {
    return refuse('InvalidArgument', 'The calculated MD5 hash of the key did not match the hash that was provided.')
  }
  if (bytes.length !== KEY_BYTES) return refuse('InvalidArgument', 'The secret key was invalid for the specified algorithm.')
  return accepted({ bytes, md5 })
}

function refused(what: string): Checked<never> {
  return refuse('InvalidArgument', `Requests specifying Server Side Encryption with Customer provided keys ${what}`)
}

/** What an answer repeats of the key. */
export function customerKeyHeaders(key: CustomerKey): Readonly<Record<string, string>> {
  return { [`${SSE_C}algorithm`]: 'AES256', [`${SSE_C}key-md5`]: key.md5 }
}
