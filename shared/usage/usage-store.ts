import type { EpochS } from '../time.ts'
import type { ParkedMessage } from '../queue-message.ts'
import type { Segment } from './segment.ts'

/** An hour's usage in one piece, made of its segments. */
export type StoredRollUp = {
  /** How many segments it was made of: an hour's segments only grow in number. */
  readonly segmentCount: number
  readonly parts: readonly Uint8Array[]
}

/** An hour that has segments its roll-up may lack. The token is another one each time the hour is marked. */
export type MarkedHour = { readonly hour: EpochS; readonly token: string }

/**
 * Where usage is kept. What is read was written before the reading began, if its writing had ended (strongly consistent reads).
 * Every function rejects where the store cannot be reached; whatever was asked may then have been done or not.
 */
export type UsageWriter = {
  /** Writes a segment; again, if it is there, without effect. */
  putSegment(segment: Segment): Promise<void>
  /** Says that an hour has segments its roll-up may lack; to be called after they were written. */
  markHour(marked: MarkedHour): Promise<void>
  /** Keeps reason, size and digest of a message; again without effect. */
  park(message: ParkedMessage): Promise<void>
}

export type StoredUsage = {
  /** The bytes of an hour's segments whose identities begin, or may begin, with the bits of `shard`. */
  segments(hour: EpochS, shard: string): AsyncIterable<Uint8Array>
  /** The hours marked, `limit` at most. */
  markedHours(limit: number): Promise<readonly MarkedHour[]>
  rollUp(hour: EpochS): Promise<StoredRollUp | null>
  /** The hours from `since` (inclusive) until `until` (exclusive) that have a roll-up, or are about to. */
  rolledUpHours(since: EpochS, until: EpochS): Promise<ReadonlySet<EpochS>>
}

export type RollUpWriter = {
  /** Replaces an hour's roll-up unless one made of more segments is there. */
  putRollUp(hour: EpochS, rollUp: StoredRollUp): Promise<'written' | 'superseded'>
  /** Takes the mark away unless its token has changed. */
  unmarkHour(marked: MarkedHour): Promise<void>
}

export type UsageStore = UsageWriter & StoredUsage & RollUpWriter
