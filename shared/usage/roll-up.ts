import type { EpochS } from '../time.ts'
import { createTextUnpacker, packTexts, unpackTexts } from './packed-text.ts'
import { isInShard } from './segment.ts'
import { decodeUses } from './segment-bytes.ts'
import type { StoredRollUp, StoredUsage } from './usage-store.ts'
import { ENTRY_WORDS, parseRow, rowText, type UseBatch } from './use-batch.ts'
import { createUseLedger, type UseTally } from './use-ledger.ts'

/** Uses held at a time: 33 bytes each. An hour with more is rolled up in several passes over parts of the identities. */
const USES_PER_PASS_MAX = 8_000_000
const SHARD_BITS_MAX = 6
/** Before packing. An item holds ten times as much, packed. */
const PART_LENGTH_MAX = 1 << 20

/** An hour's tallies by all that rows tell, and how many segments they were made of. */
export type HourUsage = { readonly tallies: readonly UseTally[]; readonly segmentCount: number }

/** What an hour's segments come to: each use once. */
export async function readHour(
  reader: Pick<StoredUsage, 'segments'>,
  hour: EpochS,
  usesPerPassMax: number = USES_PER_PASS_MAX,
): Promise<HourUsage> {
  for (let bits = 0; bits <= SHARD_BITS_MAX; bits++) {
    const usage = await readHourInPasses(reader, hour, bits, usesPerPassMax)
    if (usage !== null) return usage
  }
  throw new Error(`more than ${usesPerPassMax * 2 ** SHARD_BITS_MAX} uses in one hour: count them with Athena over the trail's files`)
}

async function readHourInPasses(
  reader: Pick<StoredUsage, 'segments'>,
  hour: EpochS,
  bits: number,
  usesMax: number,
): Promise<HourUsage | null> {
  const countOfRow = new Map<string, number>()
  const unpackRows = createTextUnpacker()
  let segmentCount = 0
  for (let pass = 0; pass < 2 ** bits; pass++) {
    const shard = bits === 0 ? '' : pass.toString(2).padStart(bits, '0')
    const ledger = createUseLedger()
    let uses = 0
    for await (const bytes of reader.segments(hour, shard)) {
      const { rows, entries: all } = decodeUses(bytes, { digests: false, unpackRows })
      // Several passes may see a segment. It counts in the first that does: one that came meanwhile, and was missed there, must not make
      // this reading look as whole as one that saw all of it.
      if (isInShard(all, lowestIdentity(all), shard)) segmentCount++
      const entries = inShard(all, shard)
      ledger.add({ rows, entries })
      uses += entries.length / ENTRY_WORDS
      if (uses > usesMax) return null
    }
    for (const { use, hour: hourOfUse, count } of ledger.tally({ byHour: true }).tallies) {
      // The others are here for their copies only, and count in the neighbouring hour.
      if (hourOfUse !== hour) continue
      const row = rowText(use)
      countOfRow.set(row, (countOfRow.get(row) ?? 0) + count)
    }
  }
  const tallies = Array.from(countOfRow, ([row, count]) => ({ use: parseRow(row).use, hour, count }))
  return { tallies, segmentCount }
}

/** Where the entry stands whose identity begins with the smallest word. */
function lowestIdentity(entries: UseBatch['entries']): number {
  let lowest = 0
  for (let at = ENTRY_WORDS; at < entries.length; at += ENTRY_WORDS) if ((entries[at] ?? 0) < (entries[lowest] ?? 0)) lowest = at
  return lowest
}

function inShard(entries: UseBatch['entries'], shard: string): UseBatch['entries'] {
  if (shard === '') return entries
  const kept: number[] = []
  for (let at = 0; at < entries.length; at += ENTRY_WORDS) if (isInShard(entries, at, shard)) kept.push(at)
  const found = new Uint32Array(kept.length * ENTRY_WORDS)
  for (const [index, at] of kept.entries()) found.set(entries.subarray(at, at + ENTRY_WORDS), index * ENTRY_WORDS)
  return found
}

/** The same usage has the same bytes. */
export function packRollUp({ tallies, segmentCount }: HourUsage): StoredRollUp {
  const texts = tallies.map(({ use, count }) => ({ row: rowText(use), count })).toSorted((a, b) => (a.row < b.row ? -1 : 1))
  const parts: string[][] = [[]]
  let length = 0
  for (const { row, count } of texts) {
    const text = `${count} ${row}`
    length += text.length
    if (length > PART_LENGTH_MAX) {
      parts.push([])
      length = text.length
    }
    parts.at(-1)?.push(text)
  }
  return { segmentCount, parts: parts.map(packTexts) }
}

export function unpackRollUp(hour: EpochS, rollUp: StoredRollUp): HourUsage {
  const tallies = rollUp.parts.flatMap((part) =>
    unpackTexts(part).map((text) => {
      const space = text.indexOf(' ')
      return { use: parseRow(text.slice(space + 1)).use, hour, count: Number(text.slice(0, space)) }
    }),
  )
  return { tallies, segmentCount: rollUp.segmentCount }
}
