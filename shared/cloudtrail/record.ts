import { type AccountId, type KmsKeyArn, parseAccountId, parseKmsKeyArn } from '../arn.ts'
import type { Brand } from '../brand.ts'
import { isJsonObject, type JsonObject, memberOf } from '../json.ts'
import { type Parsed, parsed, refused } from '../parsed.ts'
import { type EpochS, parseEventTime } from '../time.ts'
import { type Caller, parseCaller } from './caller.ts'

/**
 * What makes two records tell of one call: `sharedEventID` is the same in every account the event went to, an addendum names the
 * event it corrects, otherwise the event's own id.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
export type CallIdentity = Brand<string, 'CallIdentity'>

/** One CloudTrail record, as far as Keytrail reads it. What is absent or no such thing is null. */
export type CloudTrailRecord = {
  readonly identity: CallIdentity
  readonly eventSource: string
  readonly eventName: string
  readonly eventTime: EpochS | null
  readonly region: string | null
  readonly recipientAccountId: AccountId | null
  /** The error's code; null for a call that succeeded. */
  readonly errorCode: string | null
  readonly caller: Caller
  /** The KMS keys among `resources`, in their order. An alias ARN is no key, whatever its `type` says. */
  readonly keyArns: readonly KmsKeyArn[]
  readonly requestParameters: JsonObject | null
  readonly additionalEventData: JsonObject | null
  /** A second record of a call, written where a VPC endpoint saw it pass. */
  readonly isNetworkActivity: boolean
}

/** The members of a record that are read. */
export const RECORD_MEMBERS = [
  'eventSource',
  'eventName',
  'eventID',
  'sharedEventID',
  'addendum',
  'eventTime',
  'eventCategory',
  'awsRegion',
  'recipientAccountId',
  'errorCode',
  'userIdentity',
  'resources',
  'requestParameters',
  'additionalEventData',
] as const
export type RecordMember = (typeof RECORD_MEMBERS)[number]

/** A record in parts: the two that many records share are parsed, the others stand as in the JSON, absent ones as undefined. */
export type RecordParts = { readonly [Name in Exclude<RecordMember, 'userIdentity' | 'resources'>]: unknown } & {
  readonly caller: Caller
  readonly keyArns: readonly KmsKeyArn[]
}

/** A record, or why the value is none. Never throws. */
export function parseRecord(value: unknown): Parsed<CloudTrailRecord> {
  if (!isJsonObject(value)) return refused('no CloudTrail record: not a JSON object')
  const members = Object.fromEntries(RECORD_MEMBERS.map((name) => [name, memberOf(value, name)])) as {
    readonly [Name in RecordMember]: unknown
  }
  return recordOf({ ...members, caller: parseCaller(members.userIdentity), keyArns: parseKeyArns(members.resources) })
}

/** The record of its parts, or why they make none. */
export function recordOf(parts: RecordParts): Parsed<CloudTrailRecord> {
  const { eventSource, eventName, awsRegion, requestParameters, additionalEventData } = parts
  if (!isText(eventSource)) return refused(noRecord('eventSource', eventSource))
  if (!isText(eventName)) return refused(noRecord('eventName', eventName))
  const identity = identityOf(parts)
  if (!identity.ok) return identity
  return parsed({
    identity: identity.value,
    eventSource,
    eventName,
    eventTime: parseEventTime(parts.eventTime),
    region: isText(awsRegion) ? awsRegion : null,
    recipientAccountId: parseAccountId(parts.recipientAccountId),
    errorCode: errorCodeOf(parts.errorCode),
    caller: parts.caller,
    keyArns: parts.keyArns,
    requestParameters: isJsonObject(requestParameters) ? requestParameters : null,
    additionalEventData: isJsonObject(additionalEventData) ? additionalEventData : null,
    isNetworkActivity: parts.eventCategory === 'NetworkActivity',
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function noRecord(name: RecordMember, value: unknown): string {
  return `no CloudTrail record: ${name} is ${value === undefined || value === null || value === '' ? 'missing' : 'no text'}`
}

function identityOf(parts: RecordParts): Parsed<CallIdentity> {
  const original = isJsonObject(parts.addendum) ? memberOf(parts.addendum, 'originalEventID') : undefined
  for (const id of [parts.sharedEventID, original, parts.eventID]) {
    if (isText(id)) return parsed(id as CallIdentity)
    if (id !== undefined && id !== null && id !== '') return refused(noRecord('eventID', id))
  }
  return refused(noRecord('eventID', undefined))
}

function errorCodeOf(value: unknown): string | null {
  if (isText(value)) return value
  if (typeof value === 'number' && value !== 0) return String(value)
  return typeof value === 'object' && value !== null ? 'unreadable' : null
}

/** The KMS keys that `resources` names. Entries may lack `type`, and aliases are typed as keys. */
export function parseKeyArns(resources: unknown): readonly KmsKeyArn[] {
  if (!Array.isArray(resources)) return []
  const keyArns: KmsKeyArn[] = []
  for (const resource of resources) {
    const keyArn = isJsonObject(resource) ? parseKmsKeyArn(memberOf(resource, 'ARN')) : null
    if (keyArn !== null) keyArns.push(keyArn)
  }
  return keyArns
}
