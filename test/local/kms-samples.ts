import { readFileSync } from 'node:fs'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { type Answered, trailOf } from './kms-calls.ts'

const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['a key ARN', /^arn:aws:kms:eu-(?:central|west)-1:111122223333:key\/[\w-]{36}$/],
  ['a key ID', /^(?:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/],
  ['key material', /^[0-9a-f]{64}$/],
  ['a date', /^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M$/],
]
const RECORDED = ['readOnly', 'requestParameters', 'responseElements', 'resources', 'additionalEventData']

/** A record of events/kms.amazonaws.com. */
export function sample(name: string): JsonObject {
  const record: unknown = JSON.parse(readFileSync(`events/kms.amazonaws.com/${name}.json`, 'utf8'))
  if (!isJsonObject(record)) throw new Error(`${name} is no record`)
  return record
}

/** The value with what differs from run to run replaced by its kind. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (isJsonObject(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
  return typeof value === 'string' ? (KINDS.find(([, pattern]) => pattern.test(value))?.[0] ?? value) : value
}

/** A message without the ID of its key. */
function withoutKey(message: unknown): string | undefined {
  return typeof message === 'string' ? message.replace(/key\/\S+/, 'key') : undefined
}

type Said = { readonly eventName: unknown; readonly errorCode: unknown; readonly errorMessage: unknown; readonly recorded: JsonObject }

function saidBy(trail: JsonObject, said: Omit<Said, 'recorded'>): Said {
  const recorded = Object.fromEntries(RECORDED.map((member) => [member, shapeOf(trail[member])]))
  return { ...said, errorMessage: withoutKey(said.errorMessage), recorded }
}

/** What the trail of a call says, to be compared with what a sample says. */
export function saidOfCall(answered: Answered): Said {
  const failure = 'failure' in answered.answer ? answered.answer.failure : undefined
  const said = { eventName: answered.call.operation, errorCode: failure?.code, errorMessage: failure?.message }
  return saidBy({ ...trailOf(answered) }, said)
}

export function saidInSample(name: string): Said {
  const record = sample(name)
  const { eventName, errorCode, errorMessage } = record
  return saidBy(record, { eventName, errorCode, errorMessage })
}
