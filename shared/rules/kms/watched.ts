import type { EventName } from '../../cloudtrail/catalogue.ts'

type KmsEvent = EventName<'kms.amazonaws.com'>

/** A key comes, in its Region as a replica too. https://docs.aws.amazon.com/kms/latest/developerguide/ct-replicate-key.html */
export const CREATION_EVENTS = ['CreateKey'] as const satisfies readonly KmsEvent[]

/** The state of a key changes, and with it what rules have to say of it. */
export const STATE_EVENTS = ['CancelKeyDeletion', 'DisableKey', 'EnableKey', 'ScheduleKeyDeletion'] as const satisfies readonly KmsEvent[]

/** Rotation is set, done or comes into question. `RotateKey` is a service event: KMS itself rotated. */
export const ROTATION_EVENTS = [
  ...CREATION_EVENTS,
  ...STATE_EVENTS,
  'DisableKeyRotation',
  'EnableKeyRotation',
  'RotateKey',
  // A replica takes over settings from its primary, or becomes one.
  'SynchronizeMultiRegionKey',
  'UpdatePrimaryRegion',
] as const satisfies readonly KmsEvent[]

export const POLICY_EVENTS = [...CREATION_EVENTS, 'PutKeyPolicy'] as const satisfies readonly KmsEvent[]

export const GRANT_EVENTS = ['CreateGrant', 'RetireGrant', 'RevokeGrant'] as const satisfies readonly KmsEvent[]
