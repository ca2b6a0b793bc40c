import { randomBytes } from 'node:crypto'
import type { Grant, GrantConstraint } from './grants.ts'
import type { KeyKind } from './key-specs.ts'
import type { EncryptionContext } from './encryption-context.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html#KMS-CreateGrant-request-Operations */
export const GRANT_OPERATIONS = [
  ...([
    'Decrypt',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
    'Sign',
    'Verify',
  ] as const),
  ...(['GetPublicKey', 'CreateGrant', 'RetireGrant', 'DescribeKey', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'] as const),
  ...(['GenerateMac', 'VerifyMac', 'DeriveSharedSecret'] as const),
] as const
export type GrantOperation = (typeof GRANT_OPERATIONS)[number]

const MANAGEMENT: readonly GrantOperation[] = ['CreateGrant', 'DescribeKey', 'RetireGrant']
const ENCRYPTION: readonly GrantOperation[] = ['Decrypt', 'Encrypt', 'ReEncryptFrom', 'ReEncryptTo']
const DATA_KEYS: readonly GrantOperation[] = [
  ...(['GenerateDataKey', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'GenerateDataKeyWithoutPlaintext'] as const),
]
/** The operations of which constraints hold. https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html */
const CONSTRAINED: readonly GrantOperation[] = [...ENCRYPTION, ...DATA_KEYS]

/** The operations that a key of this kind has. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations */
export function operationsOf({ spec, usage }: KeyKind): readonly GrantOperation[] {
  switch (usage) {
    case 'ENCRYPT_DECRYPT':
      return spec === 'SYMMETRIC_DEFAULT' ? [...ENCRYPTION, ...DATA_KEYS, ...MANAGEMENT] : [...ENCRYPTION, 'GetPublicKey', ...MANAGEMENT]
    case 'SIGN_VERIFY':
      return ['Sign', 'Verify', 'GetPublicKey', ...MANAGEMENT]
    case 'KEY_AGREEMENT':
      return ['DeriveSharedSecret', 'GetPublicKey', ...MANAGEMENT]
    case 'GENERATE_VERIFY_MAC':
      return ['GenerateMac', 'VerifyMac', ...MANAGEMENT]
  }
}

/** Whether a grant covers an operation with this encryption context. */
export function covers(grant: Grant, operation: GrantOperation, context: EncryptionContext): boolean {
  if (!grant.operations.includes(operation)) return false
  return !CONSTRAINED.includes(operation) || grant.constraints.every((constraint) => holds(constraint, context))
}

/** Keys of pairs have no case in a constraint, values have. https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html */
function holds({ type, context: wanted }: GrantConstraint, context: EncryptionContext): boolean {
  const pairs = Object.entries(wanted)
  const given = context.map(([key, value]) => pairText(key, value))
  const isThere = pairs.every(([key, value]) => given.includes(pairText(key, value)))
  return type === 'EncryptionContextSubset' ? isThere : isThere && given.length === pairs.length
}

function pairText(key: string, value: string): string {
  return JSON.stringify([key.toLowerCase(), value])
}

export type GrantTerms = Pick<Grant, 'operations' | 'constraints'>

/**
 * Whether the holder of a grant may pass on these terms: no operation that it has not, no looser constraint.
 * https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html
 */
export function mayPassOn(held: Grant, wanted: GrantTerms): boolean {
  return (
    held.operations.includes('CreateGrant') &&
    wanted.operations.every((operation) => held.operations.includes(operation)) &&
    held.constraints.every((constraint) => wanted.constraints.some((other) => isAsStrict(other, constraint)))
  )
}

/** Every context that meets `other` meets `than` too. */
function isAsStrict(other: GrantConstraint, than: GrantConstraint): boolean {
  if (than.type === 'EncryptionContextEquals' && other.type !== 'EncryptionContextEquals') return false
  return holds(than, Object.entries(other.context))
}

const TOKEN = /^(?<grantId>[0-9a-f]{64}):[0-9a-f]{32}$/
const TOKEN_LENGTH_MAX = 8192

/** Another one each time, for the same grant. */
export function newGrantToken(grantId: string): string {
  return Buffer.from(`${grantId}:${randomBytes(16).toString('hex')}`, 'utf8').toString('base64')
}

/** The grant ID in a token; null if it is none. */
export function grantIdOf(token: unknown): string | null {
  if (typeof token !== 'string' || token.length > TOKEN_LENGTH_MAX) return null
  return TOKEN.exec(Buffer.from(token, 'base64').toString('utf8'))?.groups?.['grantId'] ?? null
}
