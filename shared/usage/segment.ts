import { createHash } from 'node:crypto'
import { type EpochS, HOUR_S } from '../time.ts'
import { IDENTITY_WORDS } from './identity.ts'
import { encodeUses } from './segment-bytes.ts'
import { DIGEST_WORD, ENTRY_WORDS, ROW_WORD, SECOND_WORD, type UseBatch } from './use-batch.ts'

/**
 * The uses of keys that one batch of events tells of one hour, as they are stored: written once, never changed. What is equal has equal
 * bytes, so that writing it again changes nothing.
 */
export type Segment = {
  readonly hour: EpochS
  /** The first bits of the identities in it, as `0` and `1`; empty: any identity. */
  readonly shard: string
  /** 32 hexadecimal digits that stand for the bytes. */
  readonly id: string
  /** How many uses. */
  readonly count: number
  readonly bytes: Uint8Array
}

/**
 * Copies of one call bear one time: what differs is at most a clock's second or two at the edge of an hour. Uses this close to an edge
 * are stored with both hours, so that each hour sees all copies; a use counts in the hour of its earliest copy.
 */
export const EDGE_S = 60
/** An item of DynamoDB is 400 KB at most, names and keys included. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const SEGMENT_BYTES_MAX = 380_000
/** A use is 16 bytes and more: more uses than this fit no segment, and need not be tried. */
const USES_MAX = SEGMENT_BYTES_MAX / 17
const SHARD_BITS_MAX = 32

/** The hours whose segments hold a use of this second: its own, and the neighbour whose edge it is close to. */
export function hoursOf(second: EpochS): readonly EpochS[] {
  const hour = (second - (second % HOUR_S)) as EpochS
  const inHour = second - hour
  if (inHour < EDGE_S && hour >= HOUR_S) return [hour, (hour - HOUR_S) as EpochS]
  if (inHour >= HOUR_S - EDGE_S) return [hour, (hour + HOUR_S) as EpochS]
  return [hour]
}

/** The segments that hold these uses; all of their seconds must belong to the hour (`hoursOf`). */
export function segmentsOf(hour: EpochS, batch: UseBatch): readonly Segment[] {
  return splitSegments(hour, '', batch, sortedOffsets(batch))
}

/** Where entries stand, by second, identity, row and digest: the order in which they came must not show. Exact repeats are left out. */
function sortedOffsets({ rows, digests, entries }: UseBatch): readonly number[] {
  const word = (offset: number): number => entries[offset] ?? 0
  const compare = (a: number, b: number): number => {
    let difference = word(a + SECOND_WORD) - word(b + SECOND_WORD)
    for (let index = 0; difference === 0 && index < IDENTITY_WORDS; index++) difference = word(a + index) - word(b + index)
    if (difference === 0) difference = compareTexts(rows[word(a + ROW_WORD)] ?? '', rows[word(b + ROW_WORD)] ?? '')
    if (difference === 0) difference = compareTexts(digests[word(a + DIGEST_WORD) - 1] ?? '', digests[word(b + DIGEST_WORD) - 1] ?? '')
    return difference
  }
  const offsets: number[] = []
  for (let offset = 0; offset < entries.length; offset += ENTRY_WORDS) offsets.push(offset)
  offsets.sort(compare)
  return offsets.filter((offset, index) => {
    const before = offsets[index - 1]
    return before === undefined || compare(before, offset) !== 0
  })
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function splitSegments(hour: EpochS, shard: string, batch: UseBatch, offsets: readonly number[]): readonly Segment[] {
  if (offsets.length === 0) return []
  const bytes = offsets.length <= USES_MAX ? encodeUses(hour - EDGE_S, batch, offsets) : null
  if (bytes !== null && bytes.length <= SEGMENT_BYTES_MAX) {
    const id = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
    return [{ hour, shard, id, count: offsets.length, bytes }]
  }
  if (shard.length === SHARD_BITS_MAX) throw new Error(`${offsets.length} uses with one identity: no call uses so many keys`)
  return ['0', '1'].flatMap((bit) => {
    const inner = shard + bit
    return splitSegments(
      hour,
      inner,
      batch,
      offsets.filter((offset) => isInShard(batch.entries, offset, inner)),
    )
  })
}

/** Whether an identity begins with these bits. */
export function isInShard(entries: Uint32Array, offset: number, shard: string): boolean {
  return shard === '' || (entries[offset] ?? 0) >>> (32 - shard.length) === Number.parseInt(shard, 2)
}
