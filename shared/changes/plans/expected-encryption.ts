import { expectedOf } from '../../rules/s3/expected.ts'
import { strengthOf, usesKms } from '../../rules/s3/algorithms.ts'
import type { DefaultEncryption } from '../aspect.ts'
import { encryptedWith, encryptionPlanner, encryptionsText, refused, to } from './bucket-encryption.ts'
import { bucketFact } from './facts.ts'
import { guardKms } from './kms-guard.ts'

/** Where several are allowed, the first of these is taken: two layers are asked for by name only. */
const PREFERRED = ['aws:kms', 'AES256', 'aws:kms:dsse']
const NO_KEY = 'keytrail.yml expects a KMS key and names none that is the only one for this bucket: name one in keyArns, or in an override'

/**
 * Sets algorithm and key to what `keytrail.yml` expects. Where access logs are delivered SSE-S3 belongs, and is left to a person: any bucket
 * may name any other of the account as the place of its logs, which must not be a way to weaken that one.
 */
export const expectedEncryptionPlanner = encryptionPlanner({
  facts: ['isLogTarget', 'policy'],
  next(rule, { facts, resource, expectations }) {
    const isLogTarget = bucketFact(facts, 'isLogTarget')
    if (!isLogTarget.known) return refused('whether access logs are delivered here could not be read')
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    if (isLogTarget.value)
      return (rule.algorithm ?? 'AES256') === 'AES256'
        ? to(rule)
        : refused(
            `access logs are delivered here, which takes SSE-S3, weaker than the ${String(rule.algorithm)} that stands there: a person has to do that`,
          )
    const { algorithms, keyArns, requiresBucketKey } = expectedOf(resource.arn, expectations.buckets)
    const now = rule.algorithm ?? 'AES256'
    const algorithm = algorithms.length === 0 || algorithms.includes(now) ? now : PREFERRED.find((each) => algorithms.includes(each))
    if (algorithm === undefined) return refused(`keytrail.yml expects ${algorithms.join(' or ')}, which is not known here`)
    if ((strengthOf(algorithm) ?? 0) < (strengthOf(now) ?? Number.POSITIVE_INFINITY))
      return refused(`keytrail.yml expects ${algorithm}, which is weaker than the ${now} that stands there: a person has to do that`)
    if (!usesKms({ algorithm })) return encryptedWith(rule, { algorithm, key: null, requiresBucketKey })
    const key = keyFor(rule, keyArns, resource.region)
    if (key === null) return refused(NO_KEY)
    return encryptedWith(rule, { algorithm, key, requiresBucketKey })
  },
  summary: (after) => `sets the default encryption to ${encryptionsText(after)}`,
  guard: guardKms,
})

/** The key that stands there if it is expected, else the only expected one of the Region; null: a person has to choose. */
function keyFor({ key }: DefaultEncryption, keyArns: readonly string[], region: string): string | null {
  if (keyArns.length === 0) return key
  if (key !== null && keyArns.includes(key)) return key
  const [only, ...others] = keyArns.filter((arn) => arn.split(':')[3] === region)
  return only !== undefined && others.length === 0 ? only : null
}
