import type { EventName } from '../../cloudtrail/catalogue.ts'

type S3Event = EventName<'s3.amazonaws.com'>

/** The default encryption is set, or falls back to SSE-S3. */
export const ENCRYPTION_EVENTS = ['CreateBucket', 'DeleteBucketEncryption', 'PutBucketEncryption'] as const satisfies readonly S3Event[]

export const POLICY_EVENTS = ['CreateBucket', 'DeleteBucketPolicy', 'PutBucketPolicy'] as const satisfies readonly S3Event[]
