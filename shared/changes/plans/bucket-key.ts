import { encryptionPlanner, to } from './bucket-encryption.ts'
import { guardBucketKey } from './bucket-key-guard.ts'

/** Turns on the Bucket Key. */
export const bucketKeyPlanner = encryptionPlanner({
  facts: [],
  next: (rule) => to(rule.algorithm === 'aws:kms' ? { ...rule, isBucketKeyEnabled: true } : rule),
  summary: () => 'turns on the Bucket Key',
  guard: guardBucketKey,
})
