import { cappedText } from '../../text.ts'
import { dayText } from '../days.ts'
import type { Expectations } from '../expectations.ts'
import type { BucketEncryptionRule, S3BucketFacts } from '../facts.ts'
import { overall } from '../overall.ts'
import { defineRule, type Resource } from '../rule.ts'
import { fail, notApplicable, pass, unjudged, type Verdict } from '../verdict.ts'
import { strengthOf, usesKms } from './algorithms.ts'
import { expectedOf, overrideFor } from './expected.ts'
import { ENCRYPTION_EVENTS } from './watched.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
const KEY_BYTES_MAX = 256
const KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:(?<account>\d{12}):/
const AWS_MANAGED_ALIAS = /(?:^|:)alias\/aws\//

type Seen = NonNullable<S3BucketFacts['strongestSeen']>
type Place = { readonly resource: Resource; readonly expectations: Expectations }

/** What a bucket had once it should keep: SSE-S3 after SSE-KMS looks like any other bucket, unless one remembers. */
export const s3BucketEncryptionNotWeakened = defineRule({
  id: 's3-bucket-encryption-not-weakened',
  title: 'Default encryption of the bucket did not become weaker',
  severity: 'high',
  resource: 's3_bucket',
  controls: [],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption-tracking.html',
  watches: [{ source: 's3.amazonaws.com', names: [...ENCRYPTION_EVENTS, 'PutBucketLogging'] }],
  advice:
    'Find the PutBucketEncryption or DeleteBucketEncryption call in CloudTrail. If nobody meant it, put it back; if it was meant, name the bucket in keytrail.yml, or exempt it.',
  scope: {
    facts: ['strongestSeen'],
    outOfScope: ['buckets that Keytrail sees for the first time'],
    exclude: ({ strongestSeen }) => (strongestSeen === null ? FIRST_TIME : null),
  },
  facts: ['encryption', 'isLogTarget'],
  evaluate({ strongestSeen, encryption, isLogTarget }, place) {
    if (strongestSeen === null) return notApplicable(FIRST_TIME)
    return overall(
      encryption.flatMap((rule) =>
        // Access logs need it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        isLogTarget && rule.algorithm === 'AES256' ? [] : [byAlgorithm(rule, strongestSeen, place), byKey(rule, strongestSeen, place)],
      ),
    )
  },
})

const FIRST_TIME = 'Keytrail sees this bucket for the first time'

function byAlgorithm({ algorithm }: BucketEncryptionRule, seen: Seen, { resource, expectations }: Place): Verdict {
  if (algorithm === seen.algorithm) return pass
  const [now, before] = [strengthOf(algorithm), strengthOf(seen.algorithm)]
  if (now === null || before === null) return unjudged('s3:GetEncryptionConfiguration', 'AlgorithmNotKnown')
  // Who names the bucket and the algorithm in one line wants it so.
  const isWanted = overrideFor(resource.arn, expectations.buckets)?.algorithms?.includes(algorithm) === true
  return now > before || isWanted
    ? pass
    : fail(`the default encryption is ${algorithm}, on ${dayText(seen.seenAt)} it was ${seen.algorithm}`)
}

/** Another key is no weaker one, unless the account has less of a say in it. */
function byKey(rule: BucketEncryptionRule, seen: Seen, { resource, expectations }: Place): Verdict {
  if (!usesKms(rule) || isManagedByAws(seen.key)) return pass
  if (rule.key !== null && expectedOf(resource.arn, expectations.buckets).keyArns.includes(rule.key)) return pass
  const was = `on ${dayText(seen.seenAt)} it was ${cappedText(seen.key ?? '', KEY_BYTES_MAX)}`
  if (isManagedByAws(rule.key)) return fail(`the default key changed to the AWS managed key, whose policy nobody can set; ${was}`)
  const account = accountOf(rule.key)
  const isAtHome = account === null || [resource.accountId, accountOf(seen.key), ...expectations.trustedAccounts].includes(account)
  return isAtHome ? pass : fail(`the default key changed to one of account ${account}, which is not trusted; ${was}`)
}

function isManagedByAws(key: string | null): boolean {
  return key === null || AWS_MANAGED_ALIAS.test(key)
}

/** Null: a bare ID or alias, which is looked up where the bucket is used. */
function accountOf(key: string | null): string | null {
  return KEY_ARN.exec(key ?? '')?.groups?.['account'] ?? null
}
