import { CATALOGUE, type EventName } from '../../shared/cloudtrail/catalogue.ts'
import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import type { ServiceCall, Trail } from '../service.ts'
import { trailName } from './input.ts'
import type { Checked, Done } from './outcome.ts'

export type OperationName = Exclude<
  EventName<'kms.amazonaws.com'>,
  'DeleteExpiredKeyMaterial' | 'DeleteKey' | 'RotateKey' | 'SynchronizeMultiRegionKey'
>

const CONTEXTS: readonly string[] = ['EncryptionContext', 'SourceEncryptionContext', 'DestinationEncryptionContext']
const ALGORITHM = { EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
const DATA_KEY = ['KeyId', 'KeySpec', 'NumberOfBytes', 'EncryptionContext', 'DryRun']
const DATA_KEY_PAIR = ['KeyId', 'KeyPairSpec', 'EncryptionContext', 'DryRun']
const MAC = ['KeyId', 'MacAlgorithm', 'DryRun']

type Recorded = {
  /** The members that are recorded if they were sent. What may be secret is in no list. */
  readonly members: readonly string[]
  /** Recorded if they were not sent. */
  readonly defaults?: JsonObject
}

const SIGNING: Recorded = { members: ['KeyId', 'SigningAlgorithm', 'DryRun'], defaults: { MessageType: 'RAW' } }

/**
 * What CloudTrail records of a request. Decrypt "always includes the encryptionAlgorithm even if it wasn't specified".
 * https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html and the neighbouring ct-… pages
 */
const RECORDED: Readonly<Partial<Record<OperationName, Recorded>>> = {
  CreateAlias: { members: ['AliasName', 'TargetKeyId'] },
  // Neither the tokens it was sent nor the one it gives.
  CreateGrant: { members: ['KeyId', 'GranteePrincipal', 'RetiringPrincipal', 'Operations', 'Constraints', 'Name', 'DryRun'] },
  CreateKey: {
    members: ['Policy', 'Tags', 'CustomKeyStoreId', 'XksKeyId'],
    defaults: {
      Description: '',
      Origin: 'AWS_KMS',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      MultiRegion: false,
      BypassPolicyLockoutSafetyCheck: false,
    },
  },
  DeleteImportedKeyMaterial: { members: ['KeyId', 'KeyMaterialId'] },
  Decrypt: { members: ['KeyId', 'EncryptionContext', 'DryRun', 'DryRunModifiers'], defaults: ALGORITHM },
  DeleteAlias: { members: ['AliasName'] },
  DeriveSharedSecret: { members: ['KeyId', 'KeyAgreementAlgorithm', 'DryRun'] },
  EnableKeyRotation: { members: ['KeyId', 'RotationPeriodInDays'] },
  Encrypt: { members: ['KeyId', 'EncryptionContext', 'DryRun'], defaults: ALGORITHM },
  GenerateDataKey: { members: DATA_KEY },
  GenerateDataKeyPair: { members: DATA_KEY_PAIR },
  GenerateDataKeyPairWithoutPlaintext: { members: DATA_KEY_PAIR },
  GenerateDataKeyWithoutPlaintext: { members: DATA_KEY },
  GenerateMac: { members: MAC },
  GenerateRandom: { members: [] },
  GetKeyPolicy: { members: ['KeyId', 'PolicyName'] },
  GetParametersForImport: { members: ['KeyId', 'WrappingAlgorithm', 'WrappingKeySpec'] },
  // Neither the token nor the wrapped material.
  ImportKeyMaterial: {
    members: ['KeyId', 'ExpirationModel', 'ValidTo', 'ImportType', 'KeyMaterialDescription', 'KeyMaterialId'],
  },
  ListGrants: { members: ['KeyId', 'GrantId', 'GranteePrincipal', 'Limit', 'Marker'] },
  ListRetirableGrants: { members: ['RetiringPrincipal', 'Limit', 'Marker'] },
  RetireGrant: { members: [] },
  RevokeGrant: { members: ['KeyId', 'GrantId', 'DryRun'] },
  ListKeyRotations: { members: ['KeyId', 'IncludeKeyMaterial', 'Limit', 'Marker'] },
  ListAliases: { members: ['KeyId', 'Limit', 'Marker'] },
  ListKeyPolicies: { members: ['KeyId', 'Limit', 'Marker'] },
  ListKeys: { members: ['Limit', 'Marker'] },
  ListResourceTags: { members: ['KeyId', 'Limit', 'Marker'] },
  PutKeyPolicy: { members: ['KeyId', 'PolicyName', 'Policy'], defaults: { BypassPolicyLockoutSafetyCheck: false } },
  ReEncrypt: {
    members: ['SourceKeyId', 'SourceEncryptionContext', 'DestinationKeyId', 'DestinationEncryptionContext', 'DryRun', 'DryRunModifiers'],
    defaults: { SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT', DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
  },
  ReplicateKey: {
    members: ['KeyId', 'ReplicaRegion', 'Policy', 'Tags'],
    defaults: { Description: '', BypassPolicyLockoutSafetyCheck: false },
  },
  ScheduleKeyDeletion: { members: ['KeyId', 'PendingWindowInDays'] },
  Sign: SIGNING,
  TagResource: { members: ['KeyId', 'Tags'] },
  UntagResource: { members: ['KeyId', 'TagKeys'] },
  UpdateAlias: { members: ['AliasName', 'TargetKeyId'] },
  UpdateKeyDescription: { members: ['KeyId', 'Description'] },
  UpdatePrimaryRegion: { members: ['KeyId', 'PrimaryRegion'] },
  Verify: SIGNING,
  VerifyMac: { members: MAC },
}
/** Their examples have no type of resource. https://docs.aws.amazon.com/kms/latest/developerguide/ct-generatemac.html, ct-verifymac.html */
const UNTYPED: readonly OperationName[] = ['GenerateMac', 'VerifyMac']
const KEY_ID_ONLY: Recorded = { members: ['KeyId'] }

/** CloudTrail's record of a call; null where it has none. */
export function trailOf(operation: OperationName, call: ServiceCall, outcome: Checked<Done>): Trail | null {
  if (!outcome.ok && !outcome.refusal.isLogged) return null
  const { resourceArns } = outcome.ok ? outcome.value : outcome.refusal
  const done = outcome.ok ? outcome.value : null
  const isDenied = !outcome.ok && outcome.refusal.code === 'AccessDeniedException'
  // CloudTrail gives aliases the type of keys.
  const type = UNTYPED.includes(operation) ? {} : { type: 'AWS::KMS::Key' }
  return {
    readOnly: CATALOGUE['kms.amazonaws.com'][operation].readOnly,
    requestParameters: requestParameters(RECORDED[operation] ?? KEY_ID_ONLY, recordedInput(operation, call.input)),
    responseElements: done?.responseElements ?? null,
    // A caller that was refused access is told of no resource: see events/README.md.
    ...(isDenied ? {} : { resources: resourceArns.map((ARN) => ({ accountId: call.accountId, ...type, ARN })) }),
    ...(done?.elsewhere === undefined ? {} : { elsewhere: done.elsewhere }),
    ...(Object.keys(done?.additionalEventData ?? {}).length === 0 ? {} : { additionalEventData: done?.additionalEventData ?? {} }),
  }
}

/** Both names of a key spec are recorded, whichever was sent. */
function recordedInput(operation: OperationName, input: JsonObject): JsonObject {
  const spec = memberOf(input, 'KeySpec') ?? memberOf(input, 'CustomerMasterKeySpec') ?? undefined
  return operation === 'CreateKey' && spec !== undefined ? { ...input, KeySpec: spec, CustomerMasterKeySpec: spec } : input
}

function requestParameters({ members, defaults = {} }: Recorded, input: JsonObject): JsonObject | null {
  const recorded: Record<string, unknown> = {}
  for (const name of [...members, ...Object.keys(defaults)]) {
    const value = memberOf(input, name) ?? memberOf(defaults, name)
    if (value !== undefined) recorded[trailName(name)] = recordedValue(name, value)
  }
  return Object.keys(recorded).length === 0 ? null : recorded
}

function recordedValue(name: string, value: unknown): unknown {
  if (CONTEXTS.includes(name)) return contextOf(value)
  if (name === 'Constraints' && isJsonObject(value)) return constraintsOf(value)
  return name === 'ValidTo' && typeof value === 'number' ? dateText(value * 1000) : trailValue(value)
}

/** The keys of a context are the caller's own words. */
function contextOf(value: unknown): unknown {
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, String(member)]))
}

function constraintsOf(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, context]) => [trailName(name), contextOf(context)]))
}

/** A value of a request or an answer, its member names as CloudTrail spells them. */
export function trailValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(trailValue)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [trailName(name), trailValue(member)]))
}

const DATE_TEXT = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })

/** A time as responseElements spell it: `Oct 20, 2026, 7:04:39 AM`. */
export function dateText(timeMs: number): string {
  // Newer Unicode data puts a narrow no-break space before AM and PM.
  return DATE_TEXT.format(timeMs).replaceAll('\u202F', ' ')
}
