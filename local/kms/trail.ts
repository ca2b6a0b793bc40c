import { CATALOGUE, type EventName } from '../../shared/cloudtrail/catalogue.ts'
import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import type { ServiceCall, Trail } from '../service.ts'
import { trailName } from './input.ts'
import type { Checked, Done } from './outcome.ts'

export type OperationName = Exclude<EventName<'kms.amazonaws.com'>, 'DeleteKey' | 'RotateKey'>

const CONTEXTS: readonly string[] = ['EncryptionContext', 'SourceEncryptionContext', 'DestinationEncryptionContext']
const ALGORITHM = { EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
const DATA_KEY = ['KeyId', 'KeySpec', 'NumberOfBytes', 'EncryptionContext', 'DryRun']

type Recorded = {
  /** The members that are recorded if they were sent. What may be secret is in no list. */
  readonly members: readonly string[]
  /** Recorded if they were not sent. */
  readonly defaults?: JsonObject
}

/**
 * What CloudTrail records of a request. Decrypt "always includes the encryptionAlgorithm even if it wasn't specified".
 * https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html and the neighbouring ct-… pages
 */
const RECORDED: Readonly<Partial<Record<OperationName, Recorded>>> = {
  CreateAlias: { members: ['AliasName', 'TargetKeyId'] },
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
  Decrypt: { members: ['KeyId', 'EncryptionContext', 'DryRun', 'DryRunModifiers'], defaults: ALGORITHM },
  DeleteAlias: { members: ['AliasName'] },
  EnableKeyRotation: { members: ['KeyId', 'RotationPeriodInDays'] },
  Encrypt: { members: ['KeyId', 'EncryptionContext', 'DryRun'], defaults: ALGORITHM },
  GenerateDataKey: { members: DATA_KEY },
  GenerateDataKeyWithoutPlaintext: { members: DATA_KEY },
  GenerateRandom: { members: [] },
  GetKeyPolicy: { members: ['KeyId', 'PolicyName'] },
  ListAliases: { members: ['KeyId', 'Limit', 'Marker'] },
  ListKeys: { members: ['Limit', 'Marker'] },
  ListResourceTags: { members: ['KeyId', 'Limit', 'Marker'] },
  PutKeyPolicy: { members: ['KeyId', 'PolicyName', 'Policy'], defaults: { BypassPolicyLockoutSafetyCheck: false } },
  ReEncrypt: {
    members: ['SourceKeyId', 'SourceEncryptionContext', 'DestinationKeyId', 'DestinationEncryptionContext', 'DryRun', 'DryRunModifiers'],
    defaults: { SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT', DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
  },
  ScheduleKeyDeletion: { members: ['KeyId', 'PendingWindowInDays'] },
  TagResource: { members: ['KeyId', 'Tags'] },
  UntagResource: { members: ['KeyId', 'TagKeys'] },
  UpdateAlias: { members: ['AliasName', 'TargetKeyId'] },
}
const KEY_ID_ONLY: Recorded = { members: ['KeyId'] }

/** CloudTrail's record of a call; null where it has none. */
export function trailOf(operation: OperationName, call: ServiceCall, outcome: Checked<Done>): Trail | null {
  if (!outcome.ok && !outcome.refusal.isLogged) return null
  const { resourceArns } = outcome.ok ? outcome.value : outcome.refusal
  const done = outcome.ok ? outcome.value : null
  return {
    readOnly: CATALOGUE['kms.amazonaws.com'][operation].readOnly,
    requestParameters: requestParameters(RECORDED[operation] ?? KEY_ID_ONLY, call.input),
    responseElements: done?.responseElements ?? null,
    // CloudTrail gives aliases the type of keys.
    resources: resourceArns.map((ARN) => ({ accountId: call.accountId, type: 'AWS::KMS::Key', ARN })),
    ...(done?.additionalEventData === undefined ? {} : { additionalEventData: done.additionalEventData }),
  }
}

function requestParameters({ members, defaults = {} }: Recorded, input: JsonObject): JsonObject | null {
  const recorded: Record<string, unknown> = {}
  for (const name of [...members, ...Object.keys(defaults)]) {
    const value = memberOf(input, name) ?? memberOf(defaults, name)
    if (value !== undefined) recorded[trailName(name)] = CONTEXTS.includes(name) ? contextOf(value) : trailValue(value)
  }
  return Object.keys(recorded).length === 0 ? null : recorded
}

/** The keys of a context are the caller's own words. */
function contextOf(value: unknown): unknown {
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, String(member)]))
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
