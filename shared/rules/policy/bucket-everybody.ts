import { putRequests } from './bucket-requests.ts'
import type { Known } from './condition.ts'
import { insideKey } from './condition-keys.ts'
import type { Requests } from './denial.ts'
import type { PolicyDocument } from './document.ts'

/**
 * The same requests, sent by everybody from everywhere: a condition on who asks, or on anything else that differs between them, then holds
 * for some and not for others, so that a denial under it is none for everybody.
 */
export function withOtherKeys(requests: Requests, policy: PolicyDocument): Requests {
  const keys = policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key))
  const others = keys.filter((key) => insideKey(key) !== undefined).map((key): [string, Known] => [key, { kind: 'any' }])
  return { ...requests, context: { ...Object.fromEntries(others), ...requests.context } }
}

/** Objects put under a key that the client brings along. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html */
export function sseCRequests(bucketArn: string): Requests {
  const { context, ...asked } = putRequests(bucketArn, { algorithm: null, keyArn: null })
  return { ...asked, context: { ...context, 's3:x-amz-server-side-encryption-customer-algorithm': { kind: 'is', value: 'AES256' } } }
}
