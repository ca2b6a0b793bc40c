import { sseCRequests } from '../policy/bucket-everybody.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { deniedBy } from './denied-by.ts'
import { expectedOf } from './expected.ts'
import { ENCRYPTION_EVENTS, POLICY_EVENTS } from './watched.ts'

/** Objects under keys that clients bring along can be read by nobody else, which is what a blackmailer wants. */
export const s3BucketSseCBlocked = defineRule({
  id: 's3-bucket-sse-c-blocked',
  title: 'Bucket refuses objects under keys of its clients (SSE-C)',
  severity: 'medium',
  resource: 's3_bucket',
  controls: [],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html',
  watches: [{ source: 's3.amazonaws.com', names: [...new Set([...ENCRYPTION_EVENTS, ...POLICY_EVENTS])] }],
  advice:
    'Block SSE-C in the default encryption of the bucket, once nobody puts such objects any more. Those that are there can still be read with their keys.',
  scope: {
    // Nothing of the bucket itself: only what is wanted of it.
    facts: [],
    outOfScope: ['buckets that keytrail.yml lets take SSE-C'],
    exclude: (_, { resource, expectations }) =>
      expectedOf(resource.arn, expectations.buckets).blocksSseC ? null : 'this bucket may take SSE-C',
  },
  facts: ['encryption', 'policy'],
  evaluate({ encryption, policy }, { resource }) {
    if (encryption.every(({ blockedTypes }) => blockedTypes.includes('SSE-C'))) return pass
    // Before the block there was, a policy was the way. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
    switch (deniedBy(policy, sseCRequests(resource.arn))) {
      case 'all':
        return pass
      case 'unclear':
        return unjudged('s3:GetBucketPolicy', 'PolicyNotUnderstood')
      case 'some':
      case 'none':
        return fail('SSE-C is blocked neither by the default encryption nor by the bucket policy')
    }
  },
  remediation: { summary: 'Block SSE-C', writes: ['s3:PutEncryptionConfiguration'] },
})
