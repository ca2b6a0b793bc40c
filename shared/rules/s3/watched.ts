import type { EventName } from '../../cloudtrail/catalogue.ts'

type S3Event = EventName<'s3.amazonaws.com'>

/** A bucket comes or goes: what was found of one that is gone is over. */
const LIFE_EVENTS = ['CreateBucket', 'DeleteBucket'] as const satisfies readonly S3Event[]

/** The default encryption is set, or falls back to SSE-S3. */
export const ENCRYPTION_EVENTS = [...LIFE_EVENTS, 'DeleteBucketEncryption', 'PutBucketEncryption'] as const satisfies readonly S3Event[]

export const POLICY_EVENTS = [...LIFE_EVENTS, 'DeleteBucketPolicy', 'PutBucketPolicy'] as const satisfies readonly S3Event[]
