import type { Context, Known } from './condition.ts'
import type { Requests } from './denial.ts'

const ABSENT: Known = { kind: 'absent' }

export const CLIENT_ALGORITHM = 's3:x-amz-server-side-encryption-customer-algorithm'

/** Callers other than AWS services: a denial may leave services out, whose requests do not tell how they came.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html */
const NO_SERVICE: readonly (readonly [key: string, known: Known])[] = [
  ['aws:principalisawsservice', is('false')],
  ['aws:viaawsservice', is('false')],
  ['aws:principalservicename', ABSENT],
]
const OVER_PLAIN_HTTP: ReadonlyMap<string, Known> = new Map([
  ...NO_SERVICE,
  ['aws:securetransport', is('false')],
  ['s3:tlsversion', ABSENT],
])
const OVER_TLS: ReadonlyMap<string, Known> = new Map([...NO_SERVICE, ['aws:securetransport', is('true')], [CLIENT_ALGORITHM, ABSENT]])

/**
 * Everything asked of a bucket and its objects over plain HTTP.
 * There is no TLS version then: `NumericLessThan` on `s3:TlsVersion` alone does not deny them, with `IfExists` it does.
 */
export function plainHttpRequests(bucketArn: string): Requests {
  return everythingAsked(bucketArn, (key) => OVER_PLAIN_HTTP.get(key))
}

/** Everything asked of a bucket and its objects over one version of TLS, such as `1.1`. */
export function tlsRequests(bucketArn: string, version: string): Requests {
  const known: ReadonlyMap<string, Known> = new Map([...NO_SERVICE, ['aws:securetransport', is('true')], ['s3:tlsversion', is(version)]])
  return everythingAsked(bucketArn, (key) => known.get(key))
}

/** Objects put with headers as given; null: without the header, so that the bucket's default applies. */
export function putRequests(bucketArn: string, sent: { readonly algorithm: string | null; readonly keyArn: string | null }): Requests {
  const [algorithm, keyArn] = [header(sent.algorithm), header(sent.keyArn)]
  const context: Context = (key) => {
    switch (key) {
      case 's3:x-amz-server-side-encryption':
        return algorithm
      case 's3:x-amz-server-side-encryption-aws-kms-key-id':
        return keyArn
      default:
        return OVER_TLS.get(key)
    }
  }
  return { actions: ['s3:PutObject'], resources: [`${bucketArn}/*`], context }
}

function everythingAsked(bucketArn: string, context: Context): Requests {
  return { actions: ['s3:*'], resources: [bucketArn, `${bucketArn}/*`], context }
}

function header(value: string | null): Known {
  return value === null ? ABSENT : is(value)
}

function is(value: string): Known {
  return { kind: 'is', value }
}
