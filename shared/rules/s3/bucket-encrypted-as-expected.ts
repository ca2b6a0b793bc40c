import { kmsKeyArn } from '../../arn.ts'
import { cappedText } from '../../text.ts'
import type { BucketExpectation } from '../expectations.ts'
import type { BucketEncryptionRule } from '../facts.ts'
import { overall } from '../overall.ts'
import { defineRule, type Resource } from '../rule.ts'
import { fail, pass, unjudged, type Verdict } from '../verdict.ts'
import { named, strengthOf, usesKms } from './algorithms.ts'
import { expectedOf } from './expected.ts'
import { ENCRYPTION_EVENTS } from './watched.ts'

/** The longest name of a key, `alias/…`, is shorter. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
const KEY_BYTES_MAX = 256

/**
 * Every new object is encrypted since 2023; with what is the question.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 */
export const s3BucketEncryptedAsExpected = defineRule({
  id: 's3-bucket-encrypted-as-expected',
  title: 'Bucket encrypts new objects as expected',
  severity: 'medium',
  resource: 's3_bucket',
  // S3.17 asks for KMS keys on every bucket; what is expected here may be less, so that only its items on data at rest are shown by it.
  controls: ['NIST-800-53-r5:SC-28', 'NIST-800-53-r5:SC-28(1)'],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html',
  watches: [{ source: 's3.amazonaws.com', names: [...ENCRYPTION_EVENTS, 'PutBucketLogging'] }],
  advice:
    'Set the default encryption to what keytrail.yml expects of this bucket, by the full ARN of its key. Objects that are there stay as they are.',
  scope: {
    facts: ['isLogTarget'],
    outOfScope: ['buckets of which keytrail.yml expects no particular encryption, unless access logs are delivered there'],
    exclude({ isLogTarget }, { resource, expectations }) {
      const { algorithms, keyArns } = expectedOf(resource.arn, expectations.buckets)
      return isLogTarget || algorithms.length + keyArns.length > 0 ? null : 'no particular encryption is expected of this bucket'
    },
  },
  facts: ['encryption'],
  evaluate({ encryption, isLogTarget }, { resource, expectations }) {
    const expected = expectedOf(resource.arn, expectations.buckets)
    return overall(encryption.map((rule) => (isLogTarget ? forAccessLogs(rule) : asExpected(rule, expected, resource))))
  },
  remediation: { summary: 'Set the default encryption', writes: ['s3:PutEncryptionConfiguration'] },
})

/**
 * S3 delivers access logs into buckets with SSE-S3 only.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
 */
function forAccessLogs({ algorithm }: BucketEncryptionRule): Verdict {
  if (algorithm === 'AES256') return pass
  return usesKms({ algorithm })
    ? fail(`the default encryption is ${algorithm}, and access logs are delivered here, which takes SSE-S3`)
    : notKnown
}

function asExpected(rule: BucketEncryptionRule, { algorithms, keyArns }: BucketExpectation, resource: Resource): Verdict {
  const { algorithm } = rule
  if (algorithms.length > 0 && !algorithms.includes(algorithm)) {
    if (strengthOf(algorithm) === null) return notKnown
    return fail(`the default encryption is ${algorithm}, expected is ${algorithms.map(named).join(' or ')}`)
  }
  return usesKms(rule) && keyArns.length > 0 ? underKey(rule.key, keyArns, resource) : pass
}

const notKnown = unjudged('s3:GetEncryptionConfiguration', 'AlgorithmNotKnown')

function underKey(key: string | null, keyArns: readonly string[], { region, accountId }: Resource): Verdict {
  if (key === null) return fail('the default key is the AWS managed key, which is not among those expected')
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html
  if (key.startsWith('alias/'))
    return fail('the default key is named by an alias, which KMS looks up in the account of whoever puts an object')
  const arn = key.startsWith('arn:') ? key : kmsKeyArn({ keyId: key, region, accountId })
  return arn !== null && keyArns.includes(arn)
    ? pass
    : fail(`the default key is ${cappedText(key, KEY_BYTES_MAX)}, which is not among those expected`)
}
