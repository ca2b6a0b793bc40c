import { RECORD_LISTS, recordOfItem } from '../cloudtrail/document.ts'
import type { CloudTrailRecord } from '../cloudtrail/record.ts'
import type { TrailItem } from '../cloudtrail/scan/trail-item.ts'
import { createTrailReader } from '../cloudtrail/scan/trail-reader.ts'
import type { Parsed } from '../parsed.ts'
import type { EpochS } from '../time.ts'
import { isCryptographicCall, keyUsesOf } from './key-use.ts'
import { createPlainCallReader, identityField, isPlainCall, isPlainRecord, PLAIN_FIELDS, plainTime } from './plain-call.ts'
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
  const readPlainCall = createPlainCallReader()
  const hasWindow = window.since !== null || window.until !== null
  let malformed: Malformed[] = []
  let records = 0
  let unlisted = 0
  let lastPosition = 0

  const reader = createTrailReader({ lists: RECORD_LISTS, fields: PLAIN_FIELDS }, { item: readItem, problem })

  function readItem(item: TrailItem): void {
    if (!isPlainRecord(item)) {
      readRecord(recordOfItem(item.json()), item.position)
      return
    }
    records++
    if (!isPlainCall(item)) return
    const eventTime = plainTime(item)
    if (eventTime !== null && !isInside(eventTime)) return
    const callUses = readPlainCall(item)?.usesOf(item).uses ?? []
    if (callUses.length === 0 || !isPlaced(eventTime, item.position)) return
    const identity = identityField(item)
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
