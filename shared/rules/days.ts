import { DAY_S, type EpochS } from '../time.ts'

/** Whole days from one instant to a later one. */
export function wholeDays(from: EpochS, to: EpochS): number {
  return Math.floor((to - from) / DAY_S)
}

/** The day of an instant as `2026-10-01` (UTC). */
export function dayText(instant: EpochS): string {
  return new Date(instant * 1000).toISOString().slice(0, 10)
}

/** `1 day`, `2 days`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
