import { parseCaller } from '../cloudtrail/caller.ts'
import { RECORD_LISTS, recordOfItem } from '../cloudtrail/document.ts'
import { type CloudTrailRecord, parseKeyArns, RECORD_MEMBERS, type RecordMember, recordOf, type RecordParts } from '../cloudtrail/record.ts'
import { createTrailReader, type TrailItem } from '../cloudtrail/scan/trail-reader.ts'
import type { EpochS } from '../time.ts'
import { isCryptographicCall, keyUsesOf } from './key-use.ts'
import { isCryptographicEvent, KMS_EVENT_SOURCE } from './operations.ts'
import { createUseBatchBuilder, type UseBatch } from './use-batch.ts'

/** Event times that count: from `since` (inclusive) until `until` (exclusive); null: no limit. */
export type TimeWindow = { readonly since: EpochS | null; readonly until: EpochS | null }

/** Something that could not be read, with its place: the number of a record or line, counted from 1. */
export type Malformed = { readonly position: number; readonly reason: string }

export type UsageOfBytes = {
  /** CloudTrail records of any service, repeats included. */
  readonly records: number
  readonly uses: UseBatch
  readonly malformed: readonly Malformed[]
}

/** Reads one file after the other: making a reader is dear. */
export type UsageReader = {
  feed(bytes: Uint8Array): void
  /** Says that the file has no more bytes. `failure`: why, if the rest of it could not be had. */
  finish(failure?: string): UsageOfBytes
}

/** Places listed per file; a file of another kind would fill memory with them. */
export const MALFORMED_LISTED_MAX = 1000
const MEMO_ENTRIES_MAX = 4096
const QUOTE = 0x22

const OTHER_FORMS = ['detail-type', 'CloudTrailEvent'] as const
const FIELDS = [...RECORD_MEMBERS, ...OTHER_FORMS]
const FIELD = Object.fromEntries(FIELDS.map((name, field) => [name, field])) as { readonly [Name in (typeof FIELDS)[number]]: number }
const KMS = Buffer.from(JSON.stringify(KMS_EVENT_SOURCE))

/** Counts the uses of KMS keys in the bytes of CloudTrail files, in whatever form they come. */
export function createUsageReader(window: TimeWindow): UsageReader {
  const parts = createPartsReader()
  let uses = createUseBatchBuilder()
  let malformed: Malformed[] = []
  let records = 0
  let unlisted = 0
  let lastPosition = 0

  const reader = createTrailReader(
    { lists: RECORD_LISTS, fields: FIELDS },
    {
      item(item) {
        if (isPlainRecord(item)) {
          if (isKmsCall(item)) take(recordOf(parts.read(item)), item.position)
          else records++
        } else take(recordOfItem(item.json()), item.position)
      },
      problem,
    },
  )

  function take(record: ReturnType<typeof recordOf>, position: number): void {
    if (!record.ok) {
      problem(position, record.reason)
      return
    }
    records++
    if (isCryptographicCall(record.value) && isInWindow(record.value, position)) {
      uses.add(record.value.identity, record.value.eventTime, keyUsesOf(record.value))
    }
  }

  function isInWindow({ eventTime }: CloudTrailRecord, position: number): boolean {
    if (window.since === null && window.until === null) return true
    if (eventTime === null) {
      problem(position, 'eventTime cannot be read: --since and --until cannot place the call')
      return false
    }
    return (window.since === null || eventTime >= window.since) && (window.until === null || eventTime < window.until)
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
      if (unlisted > 0)
        malformed.push({ position: lastPosition, reason: `the last of ${unlisted} more records of this file that could not be read` })
      const read = { records, uses: uses.build(), malformed }
      uses = createUseBatchBuilder()
      malformed = []
      records = unlisted = lastPosition = 0
      return read
    },
  }
}

/** A record in which every member that decides stands as plain text: the others are parsed whole. */
function isPlainRecord(item: TrailItem): boolean {
  return (
    item.isPlain &&
    isPlainText(item, FIELD.eventSource) &&
    isPlainText(item, FIELD.eventName) &&
    isPlainText(item, FIELD.eventID) &&
    item.start(FIELD['detail-type']) === 0 &&
    item.start(FIELD.CloudTrailEvent) === 0 &&
    item.start(FIELD.addendum) === 0 &&
    (item.start(FIELD.sharedEventID) === 0 || isPlainText(item, FIELD.sharedEventID))
  )
}

function isPlainText(item: TrailItem, field: number): boolean {
  const start = item.start(field)
  return start !== 0 && item.bytes[start] === QUOTE && item.end(field) - start > 2
}

function isKmsCall(item: TrailItem): boolean {
  const start = item.start(FIELD.eventSource)
  if (item.end(FIELD.eventSource) - start !== KMS.length || KMS.compare(item.bytes, start, start + KMS.length) !== 0) return false
  return isCryptographicEvent(item.bytes.toString('latin1', item.start(FIELD.eventName) + 1, item.end(FIELD.eventName) - 1))
}

/** Reads the parts of plain records, and remembers those that many records share. */
function createPartsReader(): { read(item: TrailItem): RecordParts } {
  const caller = remembered('userIdentity', parseCaller)
  const keyArns = remembered('resources', parseKeyArns)
  const additionalEventData = remembered('additionalEventData', (value) => value)
  return {
    read: (item) => ({
      eventSource: valueOf(item, 'eventSource'),
      eventName: valueOf(item, 'eventName'),
      eventID: valueOf(item, 'eventID'),
      sharedEventID: valueOf(item, 'sharedEventID'),
      addendum: valueOf(item, 'addendum'),
      eventTime: valueOf(item, 'eventTime'),
      eventCategory: valueOf(item, 'eventCategory'),
      awsRegion: valueOf(item, 'awsRegion'),
      recipientAccountId: valueOf(item, 'recipientAccountId'),
      errorCode: valueOf(item, 'errorCode'),
      requestParameters: valueOf(item, 'requestParameters'),
      caller: caller(item),
      keyArns: keyArns(item),
      additionalEventData: additionalEventData(item),
    }),
  }
}

function valueOf(item: TrailItem, member: RecordMember): unknown {
  const start = item.start(FIELD[member])
  if (start === 0) return undefined
  const end = item.end(FIELD[member])
  return item.bytes[start] === QUOTE ? item.bytes.toString('utf8', start + 1, end - 1) : JSON.parse(item.bytes.toString('utf8', start, end))
}

/** Parses a member, once for all items in which it has the same bytes. */
function remembered<Value>(member: RecordMember, parse: (value: unknown) => Value): (item: TrailItem) => Value {
  const values = new Map<string, Value>()
  return (item) => {
    const key = item.bytes.toString('latin1', item.start(FIELD[member]), item.end(FIELD[member]))
    const known = values.get(key)
    if (known !== undefined) return known
    const value = parse(valueOf(item, member))
    if (values.size === MEMO_ENTRIES_MAX) values.clear()
    values.set(key, value)
    return value
  }
}
