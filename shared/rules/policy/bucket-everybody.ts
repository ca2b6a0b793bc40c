import { CLIENT_ALGORITHM, putRequests } from './bucket-requests.ts'
import type { Known } from './condition.ts'
import { insideKey } from './condition-keys.ts'
import type { Requests } from './denial.ts'

/**
 * The same requests, sent by everybody from everywhere: a condition on who asks, or on anything else that differs between them, then holds
 * for some and not for others, so that a denial under it is none for everybody.
 */
export function withOtherKeys({ actions, resources, context }: Requests): Requests {
  return { actions, resources, context: (key) => context(key) ?? insideKey(key) }
}

const AES256: Known = { kind: 'is', value: 'AES256' }

/** Objects put under a key that the client brings along. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html */
export function sseCRequests(bucketArn: string): Requests {
  const { actions, resources, context } = putRequests(bucketArn, { algorithm: null, keyArn: null })
  return { actions, resources, context: (key) => (key === CLIENT_ALGORITHM ? AES256 : context(key)) }
}
