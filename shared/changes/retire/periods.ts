import { DAY_S, type EpochS, HOUR_S } from '../../time.ts'
import type { Retirement } from './retirement.ts'
import type { RetireSettings } from './settings.ts'

/** What people and programs do in a long weekend is seen. */
const WATCH_HOURS_MIN = 72
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
const PENDING_DAYS = { min: 7, max: 30 }
/** So long may KMS show how a key stood before: most calls see a change in seconds, some take minutes.
 * https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency */
export const LATENESS_S = 300
/** Uses that cannot be read for so long before the deletion cannot be taken for none. */
export const DOUBT_BEFORE_DELETION_S = 2 * DAY_S
/** Owners may take away at once what they made within so many days. */
const FRESH_S = 7 * DAY_S

export function later(instant: EpochS, seconds: number): EpochS {
  return (instant + seconds) as EpochS
}

export function watchEndsAt(watchedFrom: EpochS, { watchHours }: RetireSettings): EpochS {
  return later(watchedFrom, Math.max(WATCH_HOURS_MIN, watchHours) * HOUR_S)
}

export function pendingDaysOf({ pendingDays }: RetireSettings): number {
  return Math.min(PENDING_DAYS.max, Math.max(PENDING_DAYS.min, pendingDays))
}

export function isFresh(registeredAt: EpochS, at: EpochS): boolean {
  return at - registeredAt < FRESH_S
}

/** It was noted so lately that KMS may still show how the key stood before. */
export function isSettling({ since }: Retirement, now: EpochS): boolean {
  return now - since < LATENESS_S
}

/** Keytrail has it deleted: the deletion that is pending is the one that was noted, not a later one of somebody else's. */
export function isOwnDeletion({ deletionAt: noted }: Retirement, deletionAt: EpochS | null): boolean {
  return noted !== null && (deletionAt === null || Math.abs(deletionAt - noted) <= DAY_S)
}
