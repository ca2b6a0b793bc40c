import { hash } from 'node:crypto'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import {
  accessKeyOf,
  type Cursor,
  type History,
  HISTORY_S,
  type HistoryEvent,
  LOOKUP_KEYS,
  type LookupQuery,
  resourcesOf,
  usernameOf,
} from './history.ts'
import { type Outcome, type Refusal, refusal } from '../recorded-operation.ts'

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const RESULTS_MAX = 50
const VALUE_LENGTH_MAX = 2000
const TOKEN = /^(\d{1,12})\.(\d{1,15})\.([\da-f]{16})$/
const TOKEN_LENGTH_MAX = 200

/** Events of the last 90 days, newest first, as far as they have come by the time of the call. */
export function lookupEvents(history: History, call: ServiceCall): Outcome {
  const { input } = call
  const category = memberOf(input, 'EventCategory')
  if (category !== undefined && category !== 'insight')
    return refusal('InvalidEventCategoryException', 'EventCategory can only be insight.')
  // The local cloud has no Insights.
  if (category === 'insight') return { output: { Events: [] } }
  const limit = memberOf(input, 'MaxResults') ?? RESULTS_MAX
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > RESULTS_MAX) {
    return refusal('InvalidMaxResultsException', `MaxResults must be 1 to ${RESULTS_MAX}.`)
  }
  const attribute = attributeOf(memberOf(input, 'LookupAttributes'))
  if (attribute !== null && 'code' in attribute) return attribute
  const span = spanOf(call)
  if ('code' in span) return span
  const before = cursorOf(input)
  if (before !== null && 'code' in before) return before
  // One more than asked for, to know whether there is another page.
  const found = history.lookup({ attribute, ...span, visibleMs: call.timeMs, before, limit: limit + 1 })
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    output: { Events: shown.map(lookedUp), ...(found.length > limit && last !== undefined && { NextToken: tokenOf(input, last.cursor) }) },
  }
}

function attributeOf(value: unknown): LookupQuery['attribute'] | Refusal {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return null
  const [item, second]: readonly unknown[] = Array.isArray(value) ? value : []
  if (!isJsonObject(item) || second !== undefined) return invalidAttributes('LookupAttributes takes one attribute.')
  const name = memberOf(item, 'AttributeKey')
  const key = LOOKUP_KEYS.find((known) => known === name)
  if (key === undefined) return invalidAttributes(`AttributeKey must be one of ${LOOKUP_KEYS.join(', ')}.`)
  const text = textOf(item, 'AttributeValue')
  if (text === null || text.length > VALUE_LENGTH_MAX)
    return invalidAttributes(`AttributeValue must have 1 to ${VALUE_LENGTH_MAX} characters.`)
  return { key, value: text }
}

function invalidAttributes(message: string): Refusal {
  return refusal('InvalidLookupAttributesException', message)
}

function spanOf({ input, timeMs }: ServiceCall): Pick<LookupQuery, 'fromS' | 'toS'> | Refusal {
  const nowS = Math.floor(timeMs / 1000)
  const from = memberOf(input, 'StartTime') ?? 0
  const to = memberOf(input, 'EndTime') ?? Number.MAX_SAFE_INTEGER
  if (typeof from !== 'number' || typeof to !== 'number' || !(from <= to)) {
    return refusal('InvalidTimeRangeException', 'StartTime must not be after EndTime.')
  }
  return { fromS: Math.max(Math.ceil(from), nowS - HISTORY_S), toS: Math.floor(to) }
}

/** A token goes with the question it was given for. */
function questionMark(input: JsonObject): string {
  const question = ['LookupAttributes', 'StartTime', 'EndTime'].map((name) => memberOf(input, name) ?? null)
  return hash('sha256', JSON.stringify(question)).slice(0, 16)
}

function tokenOf(input: JsonObject, cursor: Cursor): string {
  return Buffer.from(`${cursor.eventTimeS}.${cursor.sequence}.${questionMark(input)}`).toString('base64url')
}

function cursorOf(input: JsonObject): Cursor | Refusal | null {
  const token = memberOf(input, 'NextToken')
  if (token === undefined) return null
  const text = typeof token === 'string' && token.length <= TOKEN_LENGTH_MAX ? Buffer.from(token, 'base64url').toString('latin1') : ''
  const [, eventTimeS, sequence, question] = TOKEN.exec(text) ?? []
  if (question !== questionMark(input)) return refusal('InvalidNextTokenException', 'NextToken belongs to no answer to this question.')
  return { eventTimeS: Number(eventTimeS), sequence: Number(sequence) }
}

function lookedUp({ cursor, recordText }: HistoryEvent): JsonObject {
  const record: unknown = JSON.parse(recordText)
  if (!isJsonObject(record)) throw new Error('cloudtrail_events holds no record: the database was changed by something else')
  const username = usernameOf(record)
  const accessKeyId = accessKeyOf(record)
  return {
    EventId: memberOf(record, 'eventID'),
    EventName: memberOf(record, 'eventName'),
    ReadOnly: String(memberOf(record, 'readOnly') === true),
    ...(accessKeyId !== null && { AccessKeyId: accessKeyId }),
    EventTime: cursor.eventTimeS,
    EventSource: memberOf(record, 'eventSource'),
    ...(username !== null && { Username: username }),
    Resources: resourcesOf(record).map(({ type, name }) => ({ ...(type !== '' && { ResourceType: type }), ResourceName: name })),
    CloudTrailEvent: recordText,
  }
}
