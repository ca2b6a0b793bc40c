import type { Known } from './condition.ts'
import type { Requests } from './denial.ts'

const ABSENT: Known = { kind: 'absent' }

/** Callers other than AWS services: a denial may leave services out, whose requests do not tell how they came.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html */
const NO_SERVICE: Readonly<Record<string, Known>> = {
  'aws:principalisawsservice': is('false'),
  'aws:viaawsservice': is('false'),
  'aws:principalservicename': ABSENT,
}

/**
 * Everything asked of a bucket and its objects over plain HTTP.
 * There is no TLS version then: `NumericLessThan` on `s3:TlsVersion` alone does not deny them, with `IfExists` it does.
 */
export function plainHttpRequests(bucketArn: string): Requests {
  const context = { ...NO_SERVICE, 'aws:securetransport': is('false'), 's3:tlsversion': ABSENT }
  return { actions: ['s3:*'], resources: [bucketArn, `${bucketArn}/*`], context }
}

/** Everything asked of a bucket and its objects over one version of TLS, such as `1.1`. */
export function tlsRequests(bucketArn: string, version: string): Requests {
  const context = { ...NO_SERVICE, 'aws:securetransport': is('true'), 's3:tlsversion': is(version) }
  return { actions: ['s3:*'], resources: [bucketArn, `${bucketArn}/*`], context }
}

/** Objects put with headers as given; null: without the header, so that the bucket's default applies. */
export function putRequests(bucketArn: string, sent: { readonly algorithm: string | null; readonly keyArn: string | null }): Requests {
  const context = {
    ...NO_SERVICE,
    'aws:securetransport': is('true'),
    's3:x-amz-server-side-encryption': header(sent.algorithm),
    's3:x-amz-server-side-encryption-aws-kms-key-id': header(sent.keyArn),
    's3:x-amz-server-side-encryption-customer-algorithm': ABSENT,
  }
  return { actions: ['s3:PutObject'], resources: [`${bucketArn}/*`], context }
}

function header(value: string | null): Known {
  return value === null ? ABSENT : is(value)
}

function is(value: string): Known {
  return { kind: 'is', value }
}
