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

/** What a record tells of a call besides which call it was, when, who made it, and what was asked: many records share it. */
export type CallFacts = {
  readonly eventSource: string
  readonly eventName: string
  readonly region: string | null
  readonly recipientAccountId: AccountId | null
  /** The error's code; null for a call that succeeded. */
  readonly errorCode: string | null
  /** The KMS keys among `resources`, in their order. An alias ARN is no key, whatever its `type` says. */
  readonly keyArns: readonly KmsKeyArn[]
  readonly additionalEventData: JsonObject | null
  /** A second record of a call, written where a VPC endpoint saw it pass. */
  readonly isNetworkActivity: boolean
}

/** That, and who made the call. */
export type CallAttributes = CallFacts & { readonly caller: Caller }

/** One CloudTrail record, as far as Keytrail reads it. What is absent or no such thing is null. */
export type CloudTrailRecord = CallAttributes & {
  readonly identity: CallIdentity
  readonly eventTime: EpochS | null
  readonly requestParameters: JsonObject | null
}

/** The members of a record that `callFactsOf` reads. */
export const FACT_MEMBERS = [
  'eventSource',
  'eventName',
  'eventCategory',
  'awsRegion',
  'recipientAccountId',
  'errorCode',
  'resources',
  'additionalEventData',
] as const
/** The member that `parseCaller` reads. */
export const CALLER_MEMBER = 'userIdentity'
/** The members that tell which call it was, when, and what was asked. */
export const CALL_MEMBERS = ['eventID', 'sharedEventID', 'addendum', 'eventTime', 'requestParameters'] as const

/** Gives a member of a record as it stands in the JSON; undefined if it is absent. */
export type Members<Name extends string> = (name: Name) => unknown

/** A record, or why the value is none. Never throws. */
export function parseRecord(value: unknown): Parsed<CloudTrailRecord> {
  if (!isJsonObject(value)) return refused('no CloudTrail record: not a JSON object')
  const members = (name: string): unknown => memberOf(value, name)
  const facts = callFactsOf(members)
  if (!facts.ok) return facts
  const identity = identityOf(members)
  if (!identity.ok) return identity
  return parsed({
    ...facts.value,
    caller: parseCaller(members(CALLER_MEMBER)),
    identity: identity.value,
    eventTime: parseEventTime(members('eventTime')),
    requestParameters: objectOf(members('requestParameters')),
  })
}

export function callFactsOf(members: Members<(typeof FACT_MEMBERS)[number]>): Parsed<CallFacts> {
  const eventSource = members('eventSource')
  const eventName = members('eventName')
  const awsRegion = members('awsRegion')
  if (!isText(eventSource)) return refused(noRecord('eventSource', eventSource))
  if (!isText(eventName)) return refused(noRecord('eventName', eventName))
  return parsed({
    eventSource,
    eventName,
    region: isText(awsRegion) ? awsRegion : null,
    recipientAccountId: parseAccountId(members('recipientAccountId')),
    errorCode: errorCodeOf(members('errorCode')),
    keyArns: keyArnsOf(members('resources')),
    additionalEventData: objectOf(members('additionalEventData')),
    isNetworkActivity: members('eventCategory') === 'NetworkActivity',
  })
}

function objectOf(value: unknown): JsonObject | null {
  return isJsonObject(value) ? value : null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function noRecord(name: string, value: unknown): string {
  return `no CloudTrail record: ${name} is ${value === undefined || value === null || value === '' ? 'missing' : 'no text'}`
}

function identityOf(members: Members<(typeof CALL_MEMBERS)[number]>): Parsed<CallIdentity> {
  const addendum = members('addendum')
  const original = isJsonObject(addendum) ? memberOf(addendum, 'originalEventID') : undefined
  for (const id of [members('sharedEventID'), original, members('eventID')]) {
    if (isText(id)) return id.isWellFormed() ? parsed(id as CallIdentity) : refused('no CloudTrail record: eventID is no Unicode text')
    if (id !== undefined && id !== null && id !== '') return refused(noRecord('eventID', id))
  }
  return refused(noRecord('eventID', undefined))
}

function errorCodeOf(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return 'unreadable'
}

/** The KMS keys that `resources` names. Entries may lack `type`, and aliases are typed as keys. */
function keyArnsOf(resources: unknown): readonly KmsKeyArn[] {
  if (!Array.isArray(resources)) return []
  const keyArns: KmsKeyArn[] = []
  for (const resource of resources) {
    const keyArn = isJsonObject(resource) ? parseKmsKeyArn(memberOf(resource, 'ARN')) : null
    if (keyArn !== null) keyArns.push(keyArn)
  }
  return keyArns
}
