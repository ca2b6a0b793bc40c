import type { EventName } from '../cloudtrail/catalogue.ts'

/**
 * The KMS operations that use a key, by the name CloudTrail gives them. GenerateRandom uses none.
 * https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
 */
export const CRYPTOGRAPHIC_EVENTS = [
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'ReEncrypt',
  'Sign',
  'Verify',
  'GenerateMac',
  'VerifyMac',
  'DeriveSharedSecret',
  'Encapsulate',
  'Decapsulate',
] as const satisfies readonly EventName<'kms.amazonaws.com'>[]

export type CryptographicEvent = (typeof CRYPTOGRAPHIC_EVENTS)[number]
/** What is counted: ReEncrypt uses two keys, and is one use of each. */
export type Operation = Exclude<CryptographicEvent, 'ReEncrypt'> | 'ReEncryptFrom' | 'ReEncryptTo'

export const KMS_EVENT_SOURCE = 'kms.amazonaws.com'
/** `source` of EventBridge's events of KMS: nobody outside AWS can send an event with it. */
export const KMS_SOURCE = 'aws.kms'

const NAMES: ReadonlySet<string> = new Set(CRYPTOGRAPHIC_EVENTS)

export function isCryptographicEvent(eventName: string): eventName is CryptographicEvent {
  return NAMES.has(eventName)
}
