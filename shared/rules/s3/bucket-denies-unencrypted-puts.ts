import { SSE_ALGORITHMS } from '../facts.ts'
import { putRequests } from '../policy/bucket-requests.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { strengthOf } from './algorithms.ts'
import { deniedBy } from './denied-by.ts'
import { expectedOf } from './expected.ts'
import { POLICY_EVENTS } from './watched.ts'

/**
 * No object is put unencrypted any more, but a client that sends the header gets what it asks for, whatever the default is: under a default
 * of SSE-KMS only a denial keeps SSE-S3 out. A client that sends no header gets the default; to deny those too is allowed and not asked for:
 * it refuses clients that rely on the default.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
 */
export const s3BucketDeniesUnencryptedPuts = defineRule({
  id: 's3-bucket-denies-unencrypted-puts',
  title: 'Bucket refuses objects under weaker encryption than expected',
  severity: 'low',
  resource: 's3_bucket',
  controls: [],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html',
  watches: [{ source: 's3.amazonaws.com', names: [...POLICY_EVENTS, 'PutBucketLogging'] }],
  advice:
    'Deny s3:PutObject with StringEquals on s3:x-amz-server-side-encryption for the weaker algorithms. A Null condition would refuse clients that rely on the default.',
  scope: {
    facts: ['isLogTarget'],
    outOfScope: [
      'buckets of which SSE-S3 is expected, or nothing: S3 encrypts no object less',
      'buckets that access logs are delivered to, which take SSE-S3',
    ],
    exclude({ isLogTarget }, { resource, expectations }) {
      if (isLogTarget) return 'access logs are delivered here, which takes SSE-S3'
      const { algorithms } = expectedOf(resource.arn, expectations.buckets)
      return weakerThan(algorithms).length === 0 ? 'SSE-S3 is good enough for this bucket, and S3 encrypts no object less' : null
    },
  },
  facts: ['policy'],
  evaluate({ policy }, { resource, expectations }) {
    const unwanted = weakerThan(expectedOf(resource.arn, expectations.buckets).algorithms)
    const answers = unwanted.map((algorithm) => ({
      algorithm,
      denial: deniedBy(policy, putRequests(resource.arn, { algorithm, keyArn: null })),
    }))
    const taken = answers.filter(({ denial }) => denial === 'none' || denial === 'some').map(({ algorithm }) => algorithm)
    if (taken.length > 0) return fail(`who asks for it may put objects under ${taken.join(' or ')}`)
    return answers.some(({ denial }) => denial === 'unclear') ? unjudged('s3:GetBucketPolicy', 'PolicyNotUnderstood') : pass
  },
})

/** Algorithms weaker than the weakest of those expected; none where one is expected that is not known here, or any will do. */
function weakerThan(expected: readonly string[]): readonly string[] {
  const weakest = expected.reduce<number>((least, algorithm) => Math.min(least, strengthOf(algorithm) ?? 0), SSE_ALGORITHMS.length)
  return expected.length === 0 ? [] : SSE_ALGORITHMS.slice(0, weakest)
}
