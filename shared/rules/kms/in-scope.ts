import type { KmsKeyFacts } from '../facts.ts'

/** Why rules leave AWS managed keys out: nobody in the account can change them. */
export const AWS_MANAGED = 'AWS manages this key'
/** The same for a rule's page. */
export const AWS_MANAGED_KEYS = 'AWS managed keys: nobody in the account can change them'

export const ROTATION_FACTS = ['manager', 'spec', 'usage', 'origin', 'multiRegionRole', 'state'] as const

/** What KMS does not rotate by itself, or not here. https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html */
export const NEVER_ROTATING: readonly string[] = [
  'AWS managed keys: AWS rotates them every year',
  'asymmetric and HMAC keys: KMS cannot rotate them automatically',
  'keys with imported material and keys in custom key stores: KMS cannot rotate them automatically',
  'multi-Region replicas: their primary is rotated, and they follow',
  'keys that are not enabled: KMS refuses to change their rotation',
]

/** Why automatic rotation is no matter of this key; null: it is. */
export function whyNotRotating(key: Pick<KmsKeyFacts, (typeof ROTATION_FACTS)[number]>): string | null {
  if (key.manager === 'AWS') return 'AWS rotates AWS managed keys every year'
  if (key.spec !== 'SYMMETRIC_DEFAULT' || key.usage !== 'ENCRYPT_DECRYPT')
    return `KMS cannot rotate ${key.spec} keys for ${key.usage} automatically`
  if (key.origin !== 'AWS_KMS') return `KMS cannot rotate key material of origin ${key.origin} automatically`
  if (key.multiRegionRole === 'REPLICA') return 'a replica is rotated with its primary'
  // https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
  return key.state === 'Enabled' ? null : `the key state is ${key.state}`
}
