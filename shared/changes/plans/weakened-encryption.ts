import { expectedOf } from '../../rules/s3/expected.ts'
import { usesKms } from '../../rules/s3/algorithms.ts'
import { encryptedWith, encryptionPlanner, encryptionsText, refused, to } from './bucket-encryption.ts'
import { bucketFact } from './facts.ts'
import { guardKms } from './kms-guard.ts'

/**
 * Puts back the algorithm and the key that the bucket had when they were strongest. What was seen says nothing of the Bucket Key: it is as
 * expected where SSE-KMS comes back. Whoever writes to the table of findings may plant what was seen, so that keys which `keytrail.yml`
 * names bind here too.
 */
export const weakenedEncryptionPlanner = encryptionPlanner({
  facts: ['isLogTarget', 'policy'],
  next(rule, { facts, resource, expectations }) {
    const [seen, isLogTarget] = [bucketFact(facts, 'strongestSeen'), bucketFact(facts, 'isLogTarget')]
    if (!seen.known || !isLogTarget.known) return refused('what the bucket had before could not be read')
    if (seen.value === null) return to(rule)
    const { algorithm, key } = seen.value
    if (isLogTarget.value && usesKms({ algorithm }))
      return refused('access logs are delivered here, which takes SSE-S3: it is not switched to KMS')
    const { keyArns, requiresBucketKey } = expectedOf(resource.arn, expectations.buckets)
    if (usesKms({ algorithm }) && keyArns.length > 0 && (key === null || !keyArns.includes(key)))
      return refused(`it had ${key ?? 'the AWS managed key'}, which is not among keyArns of keytrail.yml`)
    return encryptedWith(rule, { algorithm, key, requiresBucketKey })
  },
  summary: (after) => `puts the default encryption back to ${encryptionsText(after)}`,
  guard: guardKms,
})
