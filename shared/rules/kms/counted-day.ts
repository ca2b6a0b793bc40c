import { DAY_S, type EpochS } from '../../time.ts'
import type { CountedUse } from '../facts.ts'
import { unjudged } from '../verdict.ts'

/** Whether uses are counted for 24 hours at least: before that, none counted does not mean that there were none. */
export function isDayCounted({ countedSince }: CountedUse, now: EpochS): boolean {
  return countedSince !== null && now - countedSince >= DAY_S
}

export const NO_DAY_COUNTED = unjudged('dynamodb:Query', 'NotCountedLongEnough')
