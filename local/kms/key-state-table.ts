import type { KeyState } from './keys.ts'
import type { OperationName } from './trail.ts'

/**
 * What a key state does to an operation on the key, as the table of the KMS developer guide has it, its notes in brackets:
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html (a copy that can be read as text:
 * https://github.com/awsdocs/aws-kms-developer-guide/blob/main/doc_source/key-state.md, without the states of multi-Region keys).
 * Whether the kind of the key suits the operation, the operation judges: notes [7], [8] and [9].
 */
export type StateRule =
  /** The state does not stand in the way. */
  | 'works'
  /** [1] DisabledException: <key ARN> is disabled. */
  | 'disabled'
  /** [3] KMSInvalidStateException: <key ARN> is pending deletion. Where [2] DisabledException may stand too, this is what the local cloud says. */
  | 'pendingDeletion'
  /** The same of a primary key whose replicas are not deleted yet. */
  | 'pendingReplicaDeletion'
  /** [4] KMSInvalidStateException: <key ARN> is not pending deletion. */
  | 'notPendingDeletion'
  /** [5] KMSInvalidStateException: <key ARN> is pending import. */
  | 'pendingImport'
  /** [6] UnsupportedOperationException: <key ARN> origin is EXTERNAL which is not valid for this operation. */
  | 'external'
  /** [7] and [9] UnsupportedOperationException: keys in custom key stores do not have this. */
  | 'customKeyStore'
  /** [11] KMSInvalidStateException: <key ARN> is unavailable. */
  | 'unavailable'
  /** KMSInvalidStateException: <key ARN> is creating. */
  | 'creating'
  /** KMSInvalidStateException: <key ARN> is updating. */
  | 'updating'

/** What the local cloud does, and whether that is AWS's word: the guide may be silent, or the state may be one that no key of this kind can have. */
export type StateCell = { readonly rule: StateRule; readonly source: 'documented' | 'undocumented' | 'inapplicable' }

type Row = Readonly<Record<KeyState, StateCell>>
type Exceptions = Readonly<Partial<Record<KeyState, StateRule | StateCell>>>

function undocumented(rule: StateRule): StateCell {
  return { rule, source: 'undocumented' }
}

function inapplicable(rule: StateRule): StateCell {
  return { rule, source: 'inapplicable' }
}

function worksExcept(exceptions: Exceptions): Row {
  const cell = (state: KeyState): StateCell => {
    const rule = exceptions[state] ?? 'works'
    return typeof rule === 'string' ? { rule, source: 'documented' } : rule
  }
  return {
    Creating: cell('Creating'),
    Enabled: cell('Enabled'),
    Disabled: cell('Disabled'),
    PendingDeletion: cell('PendingDeletion'),
    PendingImport: cell('PendingImport'),
    PendingReplicaDeletion: cell('PendingReplicaDeletion'),
    Unavailable: cell('Unavailable'),
    Updating: cell('Updating'),
  }
}

const WORKS_UNDOCUMENTED = undocumented('works')
const PENDING: Exceptions = { PendingDeletion: 'pendingDeletion', PendingReplicaDeletion: undocumented('pendingReplicaDeletion') }

const ALWAYS = worksExcept({})
/** Creating: "you can manage key, but you cannot yet use it". https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html */
const VIEWED = worksExcept({ PendingReplicaDeletion: WORKS_UNDOCUMENTED, Updating: WORKS_UNDOCUMENTED })
/** Operations that are younger than the copy of the guide that can be read. */
const VIEWED_LATELY = worksExcept({
  Creating: WORKS_UNDOCUMENTED,
  Disabled: WORKS_UNDOCUMENTED,
  PendingDeletion: WORKS_UNDOCUMENTED,
  PendingImport: WORKS_UNDOCUMENTED,
  PendingReplicaDeletion: WORKS_UNDOCUMENTED,
  Unavailable: WORKS_UNDOCUMENTED,
  Updating: WORKS_UNDOCUMENTED,
})
const MANAGED_EXCEPTIONS: Exceptions = { ...PENDING, Updating: WORKS_UNDOCUMENTED }
const MANAGED = worksExcept(MANAGED_EXCEPTIONS)
/**
 * Creating: "retry on KMSInvalidStateException" (ReplicateKey).
 * Updating: "you can use the keys in cryptographic operations". https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html
 * PendingReplicaDeletion: "it cannot be replicated or used". https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
 */
const CRYPTOGRAPHIC_EXCEPTIONS: Exceptions = {
  Creating: 'creating',
  Disabled: 'disabled',
  PendingDeletion: 'pendingDeletion',
  PendingImport: 'pendingImport',
  PendingReplicaDeletion: 'pendingReplicaDeletion',
  Unavailable: 'unavailable',
}
const CRYPTOGRAPHIC = worksExcept(CRYPTOGRAPHIC_EXCEPTIONS)
/** The guide has N/A where only symmetric keys come: asymmetric ones are in no custom key store, and here none is imported. */
const ASYMMETRIC_EXCEPTIONS: Exceptions = {
  ...CRYPTOGRAPHIC_EXCEPTIONS,
  PendingImport: inapplicable('pendingImport'),
  Unavailable: inapplicable('unavailable'),
}
const ASYMMETRIC = worksExcept(ASYMMETRIC_EXCEPTIONS)
/** Updating: no "enabling or disabling these keys" (UpdatePrimaryRegion). Unavailable: [12], the state stays. */
const SWITCHED = worksExcept({ ...PENDING, Creating: undocumented('creating'), PendingImport: 'pendingImport', Updating: 'updating' })
const ROTATED = worksExcept({
  ...PENDING,
  Creating: 'creating',
  Disabled: 'disabled',
  PendingImport: 'external',
  Unavailable: 'customKeyStore',
  Updating: undocumented('updating'),
})
const IMPORTED = worksExcept({
  ...PENDING,
  Creating: WORKS_UNDOCUMENTED,
  Unavailable: 'customKeyStore',
  Updating: WORKS_UNDOCUMENTED,
})
/** Related keys are in no custom key store. */
const RELATED_EXCEPTIONS: Exceptions = {
  Creating: undocumented('creating'),
  Disabled: undocumented('disabled'),
  PendingDeletion: undocumented('pendingDeletion'),
  PendingImport: WORKS_UNDOCUMENTED,
  PendingReplicaDeletion: undocumented('pendingReplicaDeletion'),
  Unavailable: inapplicable('unavailable'),
  Updating: undocumented('updating'),
}

/** Operations that are not here use no key. UpdateAlias is about the key the alias comes to: [10], the one it leaves may be in any state. */
const TABLE: Readonly<Partial<Record<OperationName, Row>>> = {
  CancelKeyDeletion: worksExcept({
    Creating: undocumented('notPendingDeletion'),
    Enabled: 'notPendingDeletion',
    Disabled: 'notPendingDeletion',
    PendingImport: 'notPendingDeletion',
    PendingReplicaDeletion: WORKS_UNDOCUMENTED,
    Unavailable: 'notPendingDeletion',
    Updating: undocumented('notPendingDeletion'),
  }),
  CreateAlias: MANAGED,
  CreateGrant: worksExcept({ ...MANAGED_EXCEPTIONS, Disabled: 'disabled', PendingImport: 'pendingImport' }),
  Decrypt: CRYPTOGRAPHIC,
  DeleteAlias: ALWAYS,
  // "When the specified KMS key is in the PendingDeletion state, this operation does not change the KMS key's state."
  // https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html
  DeleteImportedKeyMaterial: worksExcept({
    Creating: WORKS_UNDOCUMENTED,
    PendingReplicaDeletion: WORKS_UNDOCUMENTED,
    Unavailable: 'customKeyStore',
    Updating: WORKS_UNDOCUMENTED,
  }),
  DeriveSharedSecret: CRYPTOGRAPHIC,
  DescribeKey: ALWAYS,
  DisableKey: SWITCHED,
  DisableKeyRotation: ROTATED,
  EnableKey: SWITCHED,
  EnableKeyRotation: ROTATED,
  Encrypt: CRYPTOGRAPHIC,
  GenerateDataKey: CRYPTOGRAPHIC,
  GenerateDataKeyPair: CRYPTOGRAPHIC,
  GenerateDataKeyPairWithoutPlaintext: CRYPTOGRAPHIC,
  GenerateDataKeyWithoutPlaintext: CRYPTOGRAPHIC,
  GenerateMac: CRYPTOGRAPHIC,
  GetKeyLastUsage: VIEWED_LATELY,
  GetKeyPolicy: ALWAYS,
  GetKeyRotationStatus: worksExcept({
    Creating: WORKS_UNDOCUMENTED,
    PendingImport: 'external',
    PendingReplicaDeletion: WORKS_UNDOCUMENTED,
    Unavailable: 'customKeyStore',
    Updating: WORKS_UNDOCUMENTED,
  }),
  GetParametersForImport: IMPORTED,
  // No cryptographic operation, so what is said of those does not tell what it does in the states of multi-Region keys.
  GetPublicKey: worksExcept({
    ...ASYMMETRIC_EXCEPTIONS,
    Creating: undocumented('creating'),
    PendingReplicaDeletion: undocumented('pendingReplicaDeletion'),
    Updating: WORKS_UNDOCUMENTED,
  }),
  ImportKeyMaterial: IMPORTED,
  ListAliases: ALWAYS,
  ListGrants: ALWAYS,
  ListKeyPolicies: VIEWED,
  ListKeyRotations: VIEWED_LATELY,
  ListResourceTags: VIEWED,
  PutKeyPolicy: ALWAYS,
  ReEncrypt: CRYPTOGRAPHIC,
  // "You cannot replicate the new primary key" while it is Updating (UpdatePrimaryRegion).
  ReplicateKey: worksExcept({ ...RELATED_EXCEPTIONS, PendingReplicaDeletion: 'pendingReplicaDeletion', Updating: 'updating' }),
  RetireGrant: VIEWED,
  RevokeGrant: ALWAYS,
  RotateKeyOnDemand: ROTATED,
  ScheduleKeyDeletion: worksExcept({ ...PENDING, Creating: undocumented('creating'), Updating: 'updating' }),
  Sign: ASYMMETRIC,
  TagResource: MANAGED,
  UntagResource: MANAGED,
  UpdateAlias: MANAGED,
  UpdateKeyDescription: MANAGED,
  UpdatePrimaryRegion: worksExcept(RELATED_EXCEPTIONS),
  Verify: ASYMMETRIC,
  VerifyMac: CRYPTOGRAPHIC,
}

/** Null for an operation that the table does not have. */
export function stateCell(operation: string, state: KeyState): StateCell | null {
  return (Object.hasOwn(TABLE, operation) ? TABLE[operation as OperationName]?.[state] : undefined) ?? null
}
