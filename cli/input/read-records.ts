import { parseAccountId } from '../../shared/arn.ts'
import { RECORD_LISTS, unwrapItem } from '../../shared/cloudtrail/document.ts'
import { parseRecord } from '../../shared/cloudtrail/record.ts'
import { createTrailReader } from '../../shared/cloudtrail/scan/trail-reader.ts'
import type { EpochS } from '../../shared/time.ts'
import { readTrailBytes } from './trail-bytes.ts'
import type { TrailFile } from './trail-paths.ts'

/** Records of CloudTrail files, in the order of their times. */
export type TrailRecords = {
  /** As JSON. */
  readonly texts: readonly string[]
  /** Of the first and the last record whose time can be read. */
  readonly earliest: EpochS | null
  readonly latest: EpochS | null
  /** Accounts that the records were delivered to. */
  readonly accounts: readonly string[]
  /** Records older than `ageSMax` before the latest, and those beyond `countMax`. */
  readonly leftOut: number
  readonly malformed: readonly { readonly file: string; readonly position: number; readonly reason: string }[]
}

const EXPANDED_BYTES_MAX = 2 ** 31
const MALFORMED_MAX = 1000

/** Reads records to play them: the newest if there are more than `countMax`. Those without a time, or later than `latest`, count as newest. */
export async function readRecords(
  files: readonly TrailFile[],
  limits: { readonly countMax: number; readonly ageSMax: number; readonly latest: EpochS },
): Promise<TrailRecords> {
  let kept: { readonly text: string; readonly time: number }[] = []
  const accounts = new Set<string>()
  const malformed: { file: string; position: number; reason: string }[] = []
  let latest = 0
  let count = 0
  let file = ''

  function keepNewest(): void {
    kept = kept.toSorted((a, b) => a.time - b.time).slice(-limits.countMax)
  }

  const problem = (position: number, reason: string): void => {
    if (malformed.length < MALFORMED_MAX) malformed.push({ file, position, reason })
  }
  const reader = createTrailReader(
    { lists: RECORD_LISTS, fields: [] },
    {
      problem,
      item(item) {
        const unwrapped = unwrapItem(item.json())
        const record = unwrapped.ok ? parseRecord(unwrapped.value.record) : unwrapped
        if (!unwrapped.ok || !record.ok) {
          problem(item.position, record.ok ? '' : record.reason)
          return
        }
        count++
        const { eventTime, recipientAccountId } = record.value
        if (eventTime !== null && eventTime <= limits.latest) latest = Math.max(latest, eventTime)
        if (parseAccountId(recipientAccountId) !== null) accounts.add(recipientAccountId ?? '')
        kept.push({ text: JSON.stringify(unwrapped.value.record), time: eventTime ?? Number.POSITIVE_INFINITY })
        if (kept.length >= 2 * limits.countMax) keepNewest()
      },
    },
  )
  for (const each of files) {
    file = each.name
    const failure = await readTrailBytes(each, { expandedBytesMax: EXPANDED_BYTES_MAX, onRead: () => undefined }, reader.feed)
    if (failure === null) reader.end()
    else reader.fail(failure)
  }
  keepNewest()
  const played = kept.filter(({ time }) => time >= latest - limits.ageSMax)
  const first = played[0]?.time ?? Number.POSITIVE_INFINITY
  return {
    texts: played.map(({ text }) => text),
    earliest: Number.isFinite(first) ? (first as EpochS) : null,
    latest: latest === 0 ? null : (latest as EpochS),
    accounts: [...accounts],
    leftOut: count - played.length,
    malformed,
  }
}
