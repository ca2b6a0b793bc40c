import { usesKms } from '../../rules/s3/algorithms.ts'
import { encryptionPlanner } from './bucket-encryption.ts'
import { bucketFact } from './facts.ts'
import { guardKms } from './kms-guard.ts'

/** Puts back the algorithm and the key that the bucket had when they were strongest. */
export const weakenedEncryptionPlanner = encryptionPlanner({
  facts: ['isLogTarget', 'policy'],
  next(rule, { facts }) {
    const [seen, isLogTarget] = [bucketFact(facts, 'strongestSeen'), bucketFact(facts, 'isLogTarget')]
    if (!seen.known || !isLogTarget.known) return { kind: 'refused', reason: 'what the bucket had before could not be read' }
    if (seen.value === null) return { kind: 'to', value: rule }
    const { algorithm, key } = seen.value
    if (isLogTarget.value && usesKms({ algorithm }))
      return { kind: 'refused', reason: 'access logs are delivered here, which takes SSE-S3: it is not switched to KMS' }
    return { kind: 'to', value: { ...rule, algorithm, key, isBucketKeyEnabled: algorithm === 'aws:kms' && rule.isBucketKeyEnabled } }
  },
  summary: (after) =>
    `puts the default encryption back to ${after.map(({ algorithm, key }) => `${String(algorithm)}${key === null ? '' : ` under ${key}`}`).join(' and ')}`,
  guard: guardKms,
})
