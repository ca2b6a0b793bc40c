import { randomUUID } from 'node:crypto'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import type { EventBus } from './bus.ts'
import { invalid, isDefaultBus, isRefusal } from './requests.ts'

const ENTRIES_MAX = 10
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html */
const ENTRIES_BYTES_MAX = 1024 * 1024
/** What AWS counts for a time. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
const TIME_BYTES = 14
/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html */
const DETAIL_TYPE_LENGTH_MAX = 128

/** Entries that are none fail one by one; the others reach the bus. Order of the answer is the order of the request. */
export async function putEvents(bus: EventBus, call: ServiceCall): Promise<Outcome> {
  const entries = memberOf(call.input, 'Entries')
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > ENTRIES_MAX)
    return invalid(`Entries must be 1 to ${ENTRIES_MAX} entries`)
  // The limit is said to be an entry's, and AWS's own message tells that it adds up the entries of a request.
  const bytes = entries.reduce((sum: number, entry) => sum + (isJsonObject(entry) ? entryBytes(entry) : 0), 0)
  if (bytes > ENTRIES_BYTES_MAX) return invalid('Total size of the entries in the request is over the limit.')
  const results: JsonObject[] = []
  for (const entry of entries) {
    const event = isJsonObject(entry) ? eventOf(entry, call) : refusal('InvalidArgument', 'An entry must be an object.')
    if (isRefusal(event)) {
      results.push({ ErrorCode: event.code, ErrorMessage: event.message })
    } else {
      await bus.publish(event)
      results.push({ EventId: textOf(event, 'id') })
    }
  }
  return { output: { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results } }
}

/** As AWS measures an entry. */
function entryBytes(entry: JsonObject): number {
  const resources = memberOf(entry, 'Resources')
  const texts = [
    ...['Source', 'DetailType', 'Detail'].map((name) => memberOf(entry, name)),
    ...(Array.isArray(resources) ? resources : []),
  ].filter((text) => typeof text === 'string')
  const hasTime = (memberOf(entry, 'Time') ?? null) !== null
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text, 'utf8'), hasTime ? TIME_BYTES : 0)
}

function eventOf(entry: JsonObject, call: ServiceCall): JsonObject | Refusal {
  const source = textOf(entry, 'Source')
  const detailType = textOf(entry, 'DetailType')
  const bus = memberOf(entry, 'EventBusName') ?? 'default'
  const resources = memberOf(entry, 'Resources') ?? []
  const timeMs = timeMsOf(memberOf(entry, 'Time'), call.timeMs)
  if (source === null) return invalidArgument('Parameter Source is not valid. Reason: Source is a required argument.')
  if (detailType === null) return invalidArgument('Parameter DetailType is not valid. Reason: DetailType is a required argument.')
  if (detailType.length > DETAIL_TYPE_LENGTH_MAX) return invalidArgument('Parameter DetailType is not valid. Reason: it is too long.')
  // An event on a bus that is not there would be lost without a word.
  if (!isDefaultBus(bus)) return invalidArgument('The local cloud has the event bus default only.')
  if (source.startsWith('aws.')) return refusal('NotAuthorizedForSourceException', 'Not authorized for the source.')
  if (!Array.isArray(resources) || !resources.every((resource) => typeof resource === 'string'))
    return invalidArgument('Parameter Resources is not valid.')
  if (timeMs === null) return invalidArgument('Parameter Time is not valid.')
  const detail = detailOf(textOf(entry, 'Detail'))
  if (detail === null) return refusal('MalformedDetail', 'Detail is malformed.')
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account: call.accountId,
    time: `${new Date(timeMs).toISOString().slice(0, 19)}Z`,
    region: call.region,
    resources,
    detail,
  }
}

function invalidArgument(message: string): Refusal {
  return refusal('InvalidArgument', message)
}

/** JSON 1.1 writes times as seconds since 1970. */
function timeMsOf(value: unknown, nowMs: number): number | null {
  if (value === undefined || value === null) return nowMs
  const timeMs = typeof value === 'number' ? value * 1000 : Number.NaN
  return timeMs >= 0 && timeMs <= Date.UTC(9999, 11, 31) ? timeMs : null
}

function detailOf(text: string | null): JsonObject | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}
