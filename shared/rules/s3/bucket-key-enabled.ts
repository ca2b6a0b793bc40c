import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { named } from './algorithms.ts'
import { expectedOf } from './expected.ts'
import { ENCRYPTION_EVENTS } from './watched.ts'

/** Without a Bucket Key every object asked for is a call of KMS. */
export const s3BucketKeyEnabled = defineRule({
  id: 's3-bucket-key-enabled',
  title: 'Bucket with SSE-KMS uses an S3 Bucket Key',
  severity: 'low',
  resource: 's3_bucket',
  controls: [],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html',
  watches: [{ source: 's3.amazonaws.com', names: ENCRYPTION_EVENTS }],
  advice:
    'Turn on the Bucket Key. First change policies that name object ARNs in the encryption context: with a Bucket Key it is the ARN of the bucket.',
  scope: {
    facts: ['encryption'],
    outOfScope: [
      'buckets with SSE-S3, which has no KMS key',
      'buckets with DSSE-KMS, which has no Bucket Keys',
      'buckets of which keytrail.yml asks for no Bucket Key',
    ],
    exclude({ encryption }, { resource, expectations }) {
      if (!expectedOf(resource.arn, expectations.buckets).requiresBucketKey) return 'no Bucket Key is asked of this bucket'
      if (encryption.some(({ algorithm }) => algorithm === 'aws:kms')) return null
      return `the default encryption is ${encryption.map(({ algorithm }) => named(algorithm)).join(' and ')}, not SSE-KMS`
    },
  },
  facts: [],
  evaluate: ({ encryption }) =>
    encryption.every(({ algorithm, isBucketKeyEnabled }) => algorithm !== 'aws:kms' || isBucketKeyEnabled)
      ? pass
      : fail('the Bucket Key is off'),
  remediation: { summary: 'Turn on the Bucket Key', writes: ['s3:PutEncryptionConfiguration'] },
})
