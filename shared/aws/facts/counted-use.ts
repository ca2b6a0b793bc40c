import type { CountedUse } from '../../rules/facts.ts'
import { type EpochS, HOUR_S } from '../../time.ts'
import { readUsage } from '../../usage/read-usage.ts'
import type { StoredUsage } from '../../usage/usage-store.ts'

export type CountedUses = { readonly countedSince: EpochS | null; readonly ofKeys: ReadonlyMap<string, Omit<CountedUse, 'countedSince'>> }

const DAY_HOURS = 24

/** Uses of the last 24 whole hours and of the hour that runs: hours are as fine as a roll-up knows them, so that these are 24 to 25. */
export async function readCountedUses(usage: StoredUsage, now: EpochS): Promise<CountedUses> {
  const hour = now - (now % HOUR_S)
  const since = (hour - DAY_HOURS * HOUR_S) as EpochS
  const tallies = await readUsage(usage, { since, until: (hour + HOUR_S) as EpochS })
  const ofKeys = new Map<string, { succeeded: number; failed: Record<string, number> }>()
  let first: EpochS | null = null
  for (const { use, count, hour: usedIn } of tallies) {
    if (usedIn !== null && (first === null || usedIn < first)) first = usedIn
    if (use.keyArn === null || use.outcome === 'dryRun') continue
    const ofKey = ofKeys.get(use.keyArn) ?? { succeeded: 0, failed: {} }
    ofKeys.set(use.keyArn, ofKey)
    if (use.outcome === 'succeeded') ofKey.succeeded += count
    else ofKey.failed = { ...ofKey.failed, [use.errorCode ?? '']: (ofKey.failed[use.errorCode ?? ''] ?? 0) + count }
  }
  return { countedSince: (await earlierCounted(usage, since, first)) ?? first, ofKeys }
}

/**
 * That uses were counted shows in nothing but uses, of whatever key: a day in which no key at all was used looks like one in which nobody
 * counted. Null: none was counted in the day before `since` either.
 */
async function earlierCounted(usage: StoredUsage, since: EpochS, first: EpochS | null): Promise<EpochS | null> {
  if (first === since) return since
  const earlier = await usage.rolledUpHours((since - DAY_HOURS * HOUR_S) as EpochS, since)
  return [...earlier].toSorted((one, other) => other - one)[0] ?? null
}
