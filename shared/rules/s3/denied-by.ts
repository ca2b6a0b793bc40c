import { withOtherKeys } from '../policy/bucket-everybody.ts'
import { type Denial, denial, type Requests } from '../policy/denial.ts'
import type { S3BucketFacts } from '../facts.ts'

/** How many of the requests the policy of a bucket denies to everybody but AWS services; a text that is no policy is unclear. */
export function deniedBy(policy: S3BucketFacts['policy'], requests: Requests): Denial {
  if (policy === null) return 'none'
  return policy === 'unreadable' ? 'unclear' : denial(policy, withOtherKeys(requests))
}
