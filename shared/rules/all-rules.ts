import { keytrailNotTamperedWith } from './keytrail/not-tampered-with.ts'
import { KMS_RULES } from './kms-rules.ts'
import type { Rule } from './rule.ts'
import { S3_RULES } from './s3-rules.ts'
import { TRAIL_RULES } from './trail-rules.ts'

/** Every rule there is. */
export const ALL_RULES: readonly Rule[] = [...KMS_RULES, ...S3_RULES, ...TRAIL_RULES, keytrailNotTamperedWith]
