import { RECORD_LISTS, recordOfItem } from '../cloudtrail/document.ts'
import {
  ATTRIBUTE_MEMBERS,
  attributesOf,
  CALL_MEMBERS,
  type CallAttributes,
  type CloudTrailRecord,
  type Members,
} from '../cloudtrail/record.ts'
import type { TrailItem } from '../cloudtrail/scan/trail-item.ts'
import { createTrailReader } from '../cloudtrail/scan/trail-reader.ts'
import { isJsonObject } from '../json.ts'
import type { Parsed } from '../parsed.ts'
import { type EpochS, parseEventTime } from '../time.ts'
import { isCryptographicCall, keyRequestsOf, type KeyUse, keyUses, keyUsesOf } from './key-use.ts'
import { type CryptographicEvent, isCryptographicEvent, KMS_EVENT_SOURCE } from './operations.ts'
import { createUseBatchBuilder, type UseBatch } from './use-batch.ts'

/** Event times that count: from `since` (inclusive) until `until` (exclusive); null: no limit. */
export type TimeWindow = { readonly since: EpochS | null; readonly until: EpochS | null }

/** Something that could not be read, with its place: the number of a record or line, counted from 1; 0 for the file as a whole. */
export type Malformed = { readonly position: number; readonly reason: string }

export type UsageOfBytes = {
  /** CloudTrail records of any service, repeats included. */
  readonly records: number
  readonly uses: UseBatch
  /** The places that could not be read; of very many the first, and one that stands for the rest. */
  readonly malformed: readonly Malformed[]
  readonly malformedCount: number
}

/** Reads one file after the other: making a reader is dear. */
export type UsageReader = {
  feed(bytes: Uint8Array): void
  /** Says that the file has no more bytes. `failure`: why, if the rest of it could not be had. */
  finish(failure?: string): UsageOfBytes
}

/** Places listed per file; a file of another kind would fill memory with them. */
const MALFORMED_LISTED_MAX = 1000

/** Counts the uses of KMS keys in the bytes of CloudTrail files, in whatever form they come. */
export function createUsageReader(window: TimeWindow): UsageReader {
  const uses = createUseBatchBuilder()
  const usesOfPlainCall = createPlainCallReader()
  const hasWindow = window.since !== null || window.until !== null
  let malformed: Malformed[] = []
  let records = 0
  let unlisted = 0
  let lastPosition = 0

  const reader = createTrailReader({ lists: RECORD_LISTS, fields: FIELDS }, { item: readItem, problem })

  function readItem(item: TrailItem): void {
    if (!isPlainRecord(item)) {
      readRecord(recordOfItem(item.json()), item.position)
      return
    }
    records++
    if (!isPlainCall(item)) return
    const eventTime = parseEventTime(plainValue(item, 'eventTime'))
    if (eventTime !== null && !isInside(eventTime)) return
    const callUses = usesOfPlainCall(item)
    if (callUses.length === 0 || !isPlaced(eventTime, item.position)) return
    const identity = item.start(FIELD.sharedEventID) === 0 ? FIELD.eventID : FIELD.sharedEventID
    uses.add(item.bytes, item.start(identity) + 1, item.end(identity) - 1, eventTime, callUses)
  }

  function readRecord(record: Parsed<CloudTrailRecord>, position: number): void {
    if (!record.ok) {
      problem(position, record.reason)
      return
    }
    records++
    const { identity, eventTime } = record.value
    if (!isCryptographicCall(record.value) || (eventTime !== null && !isInside(eventTime)) || !isPlaced(eventTime, position)) return
    const bytes = Buffer.from(identity)
    uses.add(bytes, 0, bytes.length, eventTime, keyUsesOf(record.value))
  }

  function isInside(eventTime: EpochS): boolean {
    return (window.since === null || eventTime >= window.since) && (window.until === null || eventTime < window.until)
  }

  /** Without a window a call counts whenever it was; with one it must be known when. */
  function isPlaced(eventTime: EpochS | null, position: number): boolean {
    if (eventTime !== null || !hasWindow) return true
    problem(position, 'eventTime cannot be read: --since and --until cannot place the call')
    return false
  }

  function problem(position: number, reason: string): void {
    lastPosition = position
    if (malformed.length < MALFORMED_LISTED_MAX) malformed.push({ position, reason })
    else unlisted++
  }

  return {
    feed: reader.feed,
    finish(failure) {
      if (failure === undefined) reader.end()
      else reader.fail(failure)
      const malformedCount = malformed.length + unlisted
      if (unlisted > 0)
        malformed.push({ position: lastPosition, reason: `the last of ${unlisted} more places in this file that could not be read` })
      const read = { records, uses: uses.take(), malformed, malformedCount }
      malformed = []
      records = unlisted = lastPosition = 0
      return read
    },
  }
}

// Most records are read without parsing them. What follows must say of such a record what `recordOfItem` and `keyUsesOf` say of it.

const OTHER_FORMS = ['detail-type', 'CloudTrailEvent'] as const
const FIELDS = [...ATTRIBUTE_MEMBERS, ...CALL_MEMBERS, ...OTHER_FORMS]
type Field = (typeof FIELDS)[number]
const FIELD = Object.fromEntries(FIELDS.map((name, field) => [name, field])) as { readonly [Name in Field]: number }
const ATTRIBUTES = ATTRIBUTE_MEMBERS.reduce((set, name) => set | (1 << FIELD[name]), 0)

/** What one caller asks of one key has few forms, and short ones, unless it makes them up. */
const USES_KNOWN_MAX = 64
const REQUEST_LENGTH_MAX = 512

const QUOTE = 0x22
const KMS = Buffer.from(JSON.stringify(KMS_EVENT_SOURCE))

/** A record in which what makes it one stands as plain text. All others are parsed whole. */
function isPlainRecord(item: TrailItem): boolean {
  return (
    item.isPlain &&
    isPlainText(item, FIELD.eventSource) &&
    isPlainText(item, FIELD.eventName) &&
    isPlainText(item, FIELD.eventID) &&
    item.start(FIELD.addendum) === 0 &&
    item.start(FIELD['detail-type']) === 0 &&
    item.start(FIELD.CloudTrailEvent) === 0 &&
    (item.start(FIELD.sharedEventID) === 0 || isPlainText(item, FIELD.sharedEventID))
  )
}

/** A text of at least one character between its quotes. */
function isPlainText(item: TrailItem, field: number): boolean {
  const start = item.start(field)
  return start !== 0 && item.bytes[start] === QUOTE && item.end(field) - start > 2
}

function isPlainCall(item: TrailItem): boolean {
  const start = item.start(FIELD.eventSource)
  if (item.end(FIELD.eventSource) - start !== KMS.length || KMS.compare(item.bytes, start, start + KMS.length) !== 0) return false
  return isCryptographicEvent(item.bytes.toString('latin1', item.start(FIELD.eventName) + 1, item.end(FIELD.eventName) - 1))
}

function plainValue(item: TrailItem, name: Field): unknown {
  const start = item.start(FIELD[name])
  if (start === 0) return undefined
  const end = item.end(FIELD[name])
  return item.bytes[start] === QUOTE ? item.bytes.toString('utf8', start + 1, end - 1) : JSON.parse(item.bytes.toString('utf8', start, end))
}

/** Reads the uses of plain calls. What many records share is parsed once for all that have the same bytes there. */
function createPlainCallReader(): (item: TrailItem) => readonly KeyUse[] {
  type SharedCall = {
    readonly attributes: CallAttributes & { readonly eventName: CryptographicEvent }
    readonly usesOfRequests: Map<string, readonly KeyUse[]>
  }
  const known: (SharedCall | null)[] = []

  function sharedCall(item: TrailItem): SharedCall | null {
    const number = item.remember(ATTRIBUTES)
    if (number >= 0) return known[number] ?? null
    const members = Object.fromEntries(ATTRIBUTE_MEMBERS.map((name) => [name, plainValue(item, name)])) as Members<
      (typeof ATTRIBUTE_MEMBERS)[number]
    >
    const attributes = attributesOf(members)
    const call = attributes.ok && isCryptographicCall(attributes.value) ? { attributes: attributes.value, usesOfRequests: new Map() } : null
    known[~number] = call
    return call
  }

  return (item) => {
    const call = sharedCall(item)
    if (call === null) return []
    const request = plainValue(item, 'requestParameters')
    const requests = keyRequestsOf(call.attributes.eventName, isJsonObject(request) ? request : null)
    let key = ''
    for (const { keyId, scope } of requests) key += keyId === null ? `${scope};` : `${scope} ${keyId.length} ${keyId};`
    if (key.length > REQUEST_LENGTH_MAX) return keyUses(call.attributes, requests)
    const knownUses = call.usesOfRequests.get(key)
    if (knownUses !== undefined) return knownUses
    const uses = keyUses(call.attributes, requests)
    if (call.usesOfRequests.size === USES_KNOWN_MAX) call.usesOfRequests.clear()
    call.usesOfRequests.set(key, uses)
    return uses
  }
}
