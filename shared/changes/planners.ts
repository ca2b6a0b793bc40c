import type { Planner } from './planner.ts'
import { bucketKeyPlanner } from './plans/bucket-key.ts'
import { expectedEncryptionPlanner } from './plans/expected-encryption.ts'
import { keyRotationPlanner } from './plans/key-rotation.ts'
import { sseCBlockPlanner } from './plans/sse-c-block.ts'
import { tlsOnlyPlanner } from './plans/tls-only.ts'
import { weakenedEncryptionPlanner } from './plans/weakened-encryption.ts'

/** By the rule whose findings they put right: every rule with a remediation, and no other. */
export const PLANNERS: ReadonlyMap<string, Planner> = new Map([
  ['kms-key-rotation-enabled', keyRotationPlanner],
  ['kms-key-rotation-period-within-bounds', keyRotationPlanner],
  ['s3-bucket-encrypted-as-expected', expectedEncryptionPlanner],
  ['s3-bucket-encryption-not-weakened', weakenedEncryptionPlanner],
  ['s3-bucket-key-enabled', bucketKeyPlanner],
  ['s3-bucket-sse-c-blocked', sseCBlockPlanner],
  ['s3-bucket-tls-only', tlsOnlyPlanner],
])
