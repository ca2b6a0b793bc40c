import { isJsonObject, memberOf } from '../json.ts'

/** What an encryption context ties a call to. */
export type Scope = 'none' | 's3-object' | 's3-bucket' | 'ebs-volume' | 'secrets-manager' | 'encryption-sdk' | 'other'

/**
 * S3 names the object in `aws:s3:arn`, or the bucket when a Bucket Key is on: such a call stands for many object operations.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
 */
export function scopeOf(encryptionContext: unknown): Scope {
  if (!isJsonObject(encryptionContext)) return 'none'
  const s3Arn = memberOf(encryptionContext, 'aws:s3:arn')
  if (typeof s3Arn === 'string') return s3Arn.includes('/') ? 's3-object' : 's3-bucket'
  if (Object.hasOwn(encryptionContext, 'aws:ebs:id')) return 'ebs-volume'
  if (Object.hasOwn(encryptionContext, 'SecretARN')) return 'secrets-manager'
  // Signed messages carry their public key there; unsigned ones cannot be told from others.
  if (Object.hasOwn(encryptionContext, 'aws-crypto-public-key')) return 'encryption-sdk'
  for (const _ in encryptionContext) return 'other'
  return 'none'
}
