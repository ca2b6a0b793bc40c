import { DAY_S, type EpochS, HOUR_S } from '../../time.ts'
import { ADOPTED } from './demo-key.ts'
import type { RetireGround } from './ground.ts'
import { isFresh } from './periods.ts'
import { isUnderWay } from './retirement.ts'

/** A workshop is played within a day: what uses a key later is not known to be its owner's play. */
const PLAY_S = DAY_S

/**
 * Those who ask, or asked when the retirement began, registered the key not long before. What was adopted has a past that nobody knows,
 * and what was saved was wanted.
 */
export function isAskedByOwner({ entry, retirement, ...asked }: Pick<RetireGround, 'entry' | 'retirement' | 'by' | 'now'>): boolean {
  const isBegun = retirement !== null && isUnderWay(retirement)
  if (entry === null || entry.state === 'retired' || entry.useCase === ADOPTED || (retirement !== null && !isBegun)) return false
  const [by, at] = isBegun ? [retirement.by, retirement.startedAt] : [asked.by, asked.now]
  return entry.owner !== '' && entry.owner === by && isFresh(entry.registeredAt, at)
}

/** They made it themselves, too, and nobody else is known to have used it: they may take it away at once. */
export function isOwnFresh(ground: RetireGround): boolean {
  const { entry, reading, usedByOthers } = ground
  if (entry === null || !isAskedByOwner(ground) || reading.kind === 'gone' || !reading.described.known) return false
  // Keys are registered before they are made. One that is older than its entry was adopted, whatever its entry says.
  if (reading.described.value.createdAt < entry.registeredAt - HOUR_S) return false
  return usedByOthers?.known === true && usedByOthers.value === null && isWithinPlay(reading.lastUse, entry.registeredAt)
}

/** KMS does not tell who used it. */
function isWithinPlay(lastUse: ReadLastUse, registeredAt: EpochS): boolean {
  return lastUse.known && (lastUse.value.at === null || lastUse.value.at <= registeredAt + PLAY_S)
}

type ReadLastUse = Extract<RetireGround['reading'], { readonly kind: 'read' }>['lastUse']
