import { type EpochS, HOUR_S } from '../time.ts'
import { packRollUp, readHour } from './roll-up.ts'
import type { RollUpWriter, StoredUsage } from './usage-store.ts'

export type RollUpResult = {
  readonly rolledUp: readonly EpochS[]
  /** Hours whose roll-up was made of more segments by another run. */
  readonly superseded: readonly EpochS[]
  /** Hours that are not over yet; they stay marked. */
  readonly open: readonly EpochS[]
  /** Hours there was no time for; they stay marked. */
  readonly left: readonly EpochS[]
  /** Hours that could not be rolled up; they stay marked. */
  readonly failed: readonly { readonly hour: EpochS; readonly error: unknown }[]
}

/** An hour of a million calls takes seconds. */
const RESERVE_MS = 30_000
/**
 * An hour still fills until its last events have come: nearly all do within this time. What is marked is read from its segments, so that
 * nobody misses an hour that waits, and rolling it up again with each batch would only be dear.
 */
const HOUR_CLOSES_S = HOUR_S + 900
/** All hours that segments are kept for. */
const HOURS_MAX = 1000

/**
 * Rolls up the hours that are over and have new segments. May run at any time, twice at once, and be broken off anywhere: the mark goes only after the
 * roll-up stands, and only if no segment came meanwhile.
 */
export async function rollUpHours(
  store: StoredUsage & RollUpWriter,
  { now, remainingMs }: { readonly now: EpochS; readonly remainingMs: () => number },
): Promise<RollUpResult> {
  const rolledUp: EpochS[] = []
  const superseded: EpochS[] = []
  const open: EpochS[] = []
  const left: EpochS[] = []
  const failed: { hour: EpochS; error: unknown }[] = []
  for (const marked of await store.markedHours(HOURS_MAX)) {
    if (now < marked.hour + HOUR_CLOSES_S) {
      open.push(marked.hour)
      continue
    }
    if (remainingMs() < RESERVE_MS) {
      left.push(marked.hour)
      continue
    }
    try {
      const written = await store.putRollUp(marked.hour, packRollUp(await readHour(store, marked.hour)))
      await store.unmarkHour(marked)
      ;(written === 'written' ? rolledUp : superseded).push(marked.hour)
    } catch (error) {
      // One hour that cannot be read must not keep the others from being rolled up.
      failed.push({ hour: marked.hour, error })
    }
  }
  return { rolledUp, superseded, open, left, failed }
}
