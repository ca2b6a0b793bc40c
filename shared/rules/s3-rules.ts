import type { Rule } from './rule.ts'
import { s3BucketDeniesUnencryptedPuts } from './s3/bucket-denies-unencrypted-puts.ts'
import { s3BucketEncryptedAsExpected } from './s3/bucket-encrypted-as-expected.ts'
import { s3BucketEncryptionNotWeakened } from './s3/bucket-encryption-not-weakened.ts'
import { s3BucketKeyEnabled } from './s3/bucket-key-enabled.ts'
import { s3BucketKmsKeyUsable } from './s3/bucket-kms-key-usable.ts'
import { s3BucketSseCBlocked } from './s3/bucket-sse-c-blocked.ts'
import { s3BucketTlsOnly } from './s3/bucket-tls-only.ts'

/** Rules for buckets, by ID. */
export const S3_RULES: readonly Rule[] = [
  s3BucketDeniesUnencryptedPuts,
  s3BucketEncryptedAsExpected,
  s3BucketEncryptionNotWeakened,
  s3BucketKeyEnabled,
  s3BucketKmsKeyUsable,
  s3BucketSseCBlocked,
  s3BucketTlsOnly,
]
