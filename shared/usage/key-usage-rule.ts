import { isJsonObject, type JsonObject, memberOf } from '../json.ts'
import { CRYPTOGRAPHIC_EVENTS, KMS_EVENT_SOURCE, KMS_SOURCE } from './operations.ts'

/** A rule of EventBridge as it stands in the account. */
export type Rule = {
  readonly state: string
  readonly pattern: JsonObject | null
  readonly targetArns: readonly string[]
}

export const KEY_USAGE_RULE_NAME = 'keytrail-key-usage'
/** GenerateRandom uses no key: it is delivered so that a call of it can prove that the path delivers. */
export const KEY_USAGE_EVENTS: readonly string[] = [...CRYPTOGRAPHIC_EVENTS, 'GenerateRandom']
/** In state `ENABLED` read-only management events, all of these, are not delivered. */
const STATE = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'
const DETAIL_TYPE = 'AWS API Call via CloudTrail'
/** Whatever else a pattern asks for keeps events from coming. */
const FIELDS = ['source', 'detail-type', 'detail']
const DETAIL_FIELDS = ['eventSource', 'eventName']

/** Why the rule `key-usage` as it stands would not deliver what is counted; none: it would. */
export function keyUsageRuleProblems(rule: Rule | null): readonly string[] {
  if (rule === null) return [`there is no rule ${KEY_USAGE_RULE_NAME}`]
  const { state, pattern, targetArns } = rule
  const detail = pattern === null ? undefined : memberOf(pattern, 'detail')
  const names = isJsonObject(detail) ? listOf(memberOf(detail, 'eventName')) : []
  const types = pattern === null ? undefined : memberOf(pattern, 'detail-type')
  const narrowing = [
    ...Object.keys(pattern ?? {}).filter((name) => !FIELDS.includes(name)),
    ...Object.keys(isJsonObject(detail) ? detail : {}).flatMap((name) => (DETAIL_FIELDS.includes(name) ? [] : [`detail.${name}`])),
  ]
  const missing = KEY_USAGE_EVENTS.filter((name) => !names.includes(name))
  return [
    ...(state === STATE ? [] : [`its state is ${state}, not ${STATE}: read-only management events are not delivered`]),
    ...(isOnly(pattern, 'source', KMS_SOURCE)
      ? []
      : [`its source is not ${KMS_SOURCE} alone: others can send events that look like KMS's`]),
    ...(isJsonObject(detail) && isOnly(detail, 'eventSource', KMS_EVENT_SOURCE)
      ? []
      : [`its eventSource is not ${KMS_EVENT_SOURCE} alone`]),
    ...(types === undefined || listOf(types).includes(DETAIL_TYPE) ? [] : [`its detail-type is not ${DETAIL_TYPE}`]),
    ...(narrowing.length === 0 ? [] : [`it delivers a part of the events: its pattern asks for ${narrowing.join(', ')} too`]),
    ...(missing.length === 0 ? [] : [`it does not deliver ${missing.join(', ')}`]),
    ...(targetArns.length > 0 ? [] : ['it has no target']),
  ]
}

function isOnly(object: JsonObject | null, name: string, value: string): boolean {
  const values = object === null ? [] : listOf(memberOf(object, name))
  return values.length === 1 && values[0] === value
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
