import { overrideFor } from '../../rules/s3/expected.ts'
import { encryptionPlanner, refused, to } from './bucket-encryption.ts'
import { bucketFact } from './facts.ts'

/** Who speaks of it has, or had, objects under keys of clients. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html */
const CUSTOMER_ALGORITHM = 's3:x-amz-server-side-encryption-customer-algorithm'

/**
 * Blocks SSE-C. Since April 2026 S3 does so by itself, except where an account has such objects or somebody allowed it: a bucket that says
 * nothing of it is in an account that uses SSE-C. So a person decides, in `keytrail.yml`, bucket by bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
export const sseCBlockPlanner = encryptionPlanner({
  facts: ['policy'],
  next(rule, { resource, expectations }) {
    if (rule.blockedTypes.includes('NONE'))
      return refused(
        'somebody allowed SSE-C on this bucket in so many words: block it by hand, or say blocksSseC: false for it in keytrail.yml',
      )
    const isNamed = overrideFor(resource.arn, expectations.buckets)?.blocksSseC === true
    if (!rule.blockedTypes.includes('SSE-C') && !isNamed)
      return refused(
        'this bucket says nothing of SSE-C, so that its account may have such objects: say blocksSseC: true for it by name in keytrail.yml, or block it by hand',
      )
    return to({ ...rule, blockedTypes: [...new Set([...rule.blockedTypes, 'SSE-C'])].toSorted() })
  },
  summary: () => 'blocks objects under keys of clients (SSE-C)',
  guard(_, { facts }) {
    const policy = bucketFact(facts, 'policy')
    if (!policy.known) return Promise.resolve({ kind: 'unread', unread: [policy] })
    if (policy.value === 'unreadable') return Promise.resolve({ kind: 'held', reasons: ['the bucket policy is not understood'] })
    const isNamed = policy.value?.statements.some(({ conditions }) => conditions.some(({ key }) => key === CUSTOMER_ALGORITHM)) === true
    return Promise.resolve(
      isNamed
        ? { kind: 'held', reasons: [`the bucket policy has a condition on ${CUSTOMER_ALGORITHM}: writers may use SSE-C here`] }
        : { kind: 'clear' },
    )
  },
})
