import { cappedText } from '../../text.ts'
import { dayText } from '../days.ts'
import type { Expectations } from '../expectations.ts'
import type { BucketEncryptionRule, S3BucketFacts } from '../facts.ts'
import { overall } from '../overall.ts'
import { defineRule, type Resource } from '../rule.ts'
import { ORGANIZATION_NOT_KNOWN, trustIn } from '../trust.ts'
import { fail, notApplicable, pass, unjudged, untold, type Verdict } from '../verdict.ts'
import { strengthOf, usesKms } from './algorithms.ts'
import { expectedOf, overrideFor } from './expected.ts'
import { keyPlaceIn } from './key-place.ts'
import { ENCRYPTION_EVENTS } from './watched.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
const KEY_BYTES_MAX = 256
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
  optionalFacts: ['createdAt'],
  evaluate({ strongestSeen, encryption, isLogTarget, createdAt }, place) {
    if (strongestSeen === null) return notApplicable(FIRST_TIME)
    const verdict = overall(
      encryption.flatMap((rule) =>
        // Access logs need it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        isLogTarget && rule.algorithm === 'AES256' ? [] : [byAlgorithm(rule, strongestSeen, place), byKey(rule, strongestSeen, place)],
      ),
    )
    if (verdict.kind !== 'fail') return verdict
    if (!createdAt.known) return untold(createdAt)
    // Made since then, a bucket of the same name is another. But a bucket that got another policy has a later day as well, so that nobody
    // who weakens both may pass for it. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Bucket.html
    return createdAt.value !== null && createdAt.value > strongestSeen.seenAt
      ? unjudged('s3:ListAllMyBuckets', 'BucketMayBeAnother')
      : verdict
  },
  remediation: { summary: 'Put the default encryption back', writes: ['s3:PutEncryptionConfiguration'] },
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
  if (!usesKms(rule) || rule.key === seen.key) return pass
  if (rule.key !== null && expectedOf(resource.arn, expectations.buckets).keyArns.includes(rule.key)) return pass
  // Whose it is comes first: who takes a bucket for ransom puts it under a key of his own, whatever it was under before.
  const account = keyPlaceIn(rule.key)?.accountId ?? null
  if (account !== null && account !== keyPlaceIn(seen.key)?.accountId) {
    const trust = trustIn(account, { resource, expectations })
    if (trust === 'unclear') return unjudged('s3:GetEncryptionConfiguration', ORGANIZATION_NOT_KNOWN)
    if (trust === 'untrusted') return fail(`the default key changed to one of account ${account}, which is not trusted; ${toldOf(seen)}`)
  }
  return isManagedByAws(rule.key) && !isManagedByAws(seen.key)
    ? fail(`the default key changed to the AWS managed key, whose policy nobody can set; ${toldOf(seen)}`)
    : pass
}

function toldOf({ seenAt, algorithm, key }: Seen): string {
  const before = key ?? (usesKms({ algorithm }) ? 'the AWS managed key' : algorithm)
  return `on ${dayText(seenAt)} it was ${cappedText(before, KEY_BYTES_MAX)}`
}

function isManagedByAws(key: string | null): boolean {
  return key === null || AWS_MANAGED_ALIAS.test(key)
}
