import { timeText } from '../../findings/plain-text.ts'
import type { Unread } from '../../observed.ts'
import { listed } from '../../rules/listed.ts'
import { type EpochS, HOUR_S } from '../../time.ts'
import { type RetireGround, standsForAnother } from './ground.ts'
import { DOUBT_BEFORE_DELETION_S, isOwnDeletion, isSettling, LATENESS_S, later, pendingDaysOf, watchEndsAt } from './periods.ts'
import { isOwnFresh } from './own-fresh.ts'
import { DELETING_STATES, protectionsOf, type ReadKey, UNUSABLE_STATES, WISHES } from './protections.ts'
import { isUnderWay, type Retirement } from './retirement.ts'
import { savingStep } from './saving-step.ts'
import type { Step } from './steps.ts'
import { NOTHING_COUNTED, type TriedUse } from './reading.ts'

export const TAKEN_AWAY = 'its owner took it away'

/** Decides what to do with a key next. Pure; doubt never leads forward. */
export function nextStep(ground: RetireGround): Step {
  const { reading, retirement } = ground
  if (reading.kind === 'gone') return stepOfGone(ground)
  if (retirement === null || !isUnderWay(retirement)) return beginning(ground, reading)
  if (retirement.stage === 'saving') return savingStep(ground, retirement, reading)
  return goingOn(ground, retirement, reading)
}

function stepOfGone({ entry, retirement, now }: RetireGround): Step {
  const youngest = Math.max(entry?.registeredAt ?? 0, retirement?.startedAt ?? 0)
  // A new key may not be found for a while; none is deleted sooner than 7 days after somebody asked for it.
  if (now - youngest < HOUR_S) return { kind: 'wait', until: null, reason: 'KMS does not find the key yet' }
  const isSaving = retirement?.stage === 'saving'
  return { kind: 'finish', outcome: 'deleted', reason: isSaving ? 'it was deleted before it could be saved' : '' }
}

function beginning(ground: RetireGround, reading: ReadKey): Step {
  const protections = protectionsOf(ground, reading)
  const { described, policy, aliases, tags, grants } = reading
  if (protections.length > 0 || !(described.known && policy.known && aliases.known && tags.known && grants.known))
    return { kind: 'protected', protections }
  const snapshot = {
    at: ground.now,
    state: described.value.state,
    policy: policy.value,
    aliases: aliases.value,
    tags: tags.value,
    grants: grants.value.length,
  }
  return { kind: 'begin', snapshot, by: isOwnFresh(ground) ? ground.by : 'schedule' }
}

/** Of a retirement under way that is not being taken back. */
function goingOn(ground: RetireGround, retirement: Retirement, reading: ReadKey): Step {
  const { described } = reading
  const pending = described.known && DELETING_STATES.includes(described.value.state) ? described.value : null
  if (isTakenAway(ground, retirement)) return takenAway(ground, retirement, reading)
  // That is theirs to answer for, and theirs to cancel.
  if (pending !== null && !isOwnDeletion(retirement, pending.deletionAt)) return foreignDeletion(retirement, pending.deletionAt)
  const wish = wishToKeep(ground, retirement, reading)
  if (wish !== null) return wish
  if (pending !== null) return awaiting(ground, retirement, pending.deletionAt)
  if (retirement.stage === 'stopped') return { kind: 'wait', until: null, reason: retirement.reason }
  const blind = blindWatch(ground, retirement)
  if (blind !== null) return blind
  const protections = protectionsOf(ground, reading)
  return protections.length > 0 ? { kind: 'protected', protections } : forward(ground, retirement, reading)
}

function isTakenAway({ entry }: RetireGround, retirement: Retirement): boolean {
  return entry === null ? retirement.isTakenAway === true : entry.state === 'retired'
}

/** The workshop's own clean-up retires an entry once the key waits for its deletion: no wish to keep it, and not Keytrail's to cancel. */
function takenAway({ now }: RetireGround, retirement: Retirement, { described }: ReadKey): Step {
  if (!described.known) return unreadWait(`${described.action} cannot be read (${described.code})`)
  const { state, deletionAt } = described.value
  if (DELETING_STATES.includes(state)) {
    return retirement.isTakenAway === true
      ? { kind: 'wait', until: deletionAt, reason: `KMS deletes it then: ${TAKEN_AWAY}` }
      : { kind: 'await-deletion', until: deletionAt, isTakenAway: true }
  }
  if (isSettling(retirement, now))
    return { kind: 'wait', until: later(retirement.since, LATENESS_S), reason: `${TAKEN_AWAY}, and KMS may show it late` }
  return save(`${TAKEN_AWAY}, and somebody cancelled its deletion`)
}

/** Hours of which nobody knows whether somebody tried to use it were not watched. */
function blindWatch(ground: RetireGround, { stage, watchedFrom }: Retirement): Step | null {
  const { tried, now } = ground
  if (stage !== 'watching' || watchedFrom === null || tried?.known !== false || isOwnFresh(ground)) return null
  const reason = `${unreadWords(tried)}: the watch begins again`
  return now - watchedFrom < LATENESS_S ? unreadWait(reason) : { kind: 'watch-again', reason }
}

function unreadWords({ action, code }: Unread): string {
  const why = code === NOTHING_COUNTED ? 'no use of any key was ever counted: is there a trail?' : `${action}: ${code}`
  return `whether somebody tried to use it cannot be read (${why})`
}

function unreadWait(reason: string): Step {
  return { kind: 'wait', until: null, reason, isUnread: true }
}

function foreignDeletion({ stage }: Retirement, at: EpochS | null): Step {
  const reason = at === null ? 'somebody else scheduled its deletion' : `somebody else scheduled its deletion for ${timeText(at)}`
  return stage === 'stopped' ? { kind: 'wait', until: at, reason } : { kind: 'stop', reason }
}

/** Whether somebody tried to use the key, or did something that shows that it is to stay. */
function wishToKeep(ground: RetireGround, retirement: Retirement, reading: ReadKey): Step | null {
  const { entry, tried, usedByOthers } = ground
  if (entry === null) return save('the registry no longer has the key')
  if (tried?.known === true && tried.value !== null && isSinceBegin(tried.value.at, retirement)) {
    return save(triedWords(tried.value))
  }
  // It came to be known only after it was begun for the owner alone.
  if (usedByOthers?.known === true && usedByOthers.value !== null) return save(triedWords(usedByOthers.value))
  return (
    wishByUse(retirement, reading) ??
    wishByHand(ground, retirement, reading) ??
    wishInWords(ground, reading) ??
    doubtBeforeDeletion(ground, retirement)
  )
}

function triedWords({ operation, caller, at, errorCode }: TriedUse): string {
  return `${caller === '' ? 'somebody' : caller} tried to use it: ${operation} at ${timeText(at)} (${errorCode ?? 'succeeded'})`
}

/** KMS tells of a use up to an hour late. */
function wishByUse(retirement: Retirement, { lastUse }: ReadKey): Step | null {
  const at = lastUse.known ? lastUse.value.at : null
  if (at === null) return null
  const { by, startedAt } = retirement
  const isUsed = by === 'schedule' ? at >= startedAt - HOUR_S : isSinceBegin(at, retirement)
  return isUsed ? save(`it was used at ${timeText(at)}`) : null
}

/** Owners who clear up used their keys just before; what was counted by the hour is told of the second in which they asked. */
function isSinceBegin(at: EpochS, { by, startedAt }: Retirement): boolean {
  return by === 'schedule' || at > startedAt
}

/** A person enabled the key, cancelled its deletion, gave it its alias back or pointed the alias at another key. */
function wishByHand({ now, keyArn, names }: RetireGround, retirement: Retirement, { described, aliases }: ReadKey): Step | null {
  const { stage, snapshot, freed } = retirement
  const state = described.known ? described.value.state : null
  const act = ((): string | null => {
    if (state === 'Enabled' && isDisabledBy(retirement)) return 'somebody enabled it'
    if (stage === 'scheduled' && state !== null && [...UNUSABLE_STATES, 'Enabled'].includes(state)) return 'somebody cancelled its deletion'
    // KMS makes no alias for a key that is to be deleted: one that is listed then is one that KMS still shows.
    const back = stage === 'scheduling' && aliases.known && state !== null && !DELETING_STATES.includes(state)
    const returned = back ? freed.filter((alias) => aliases.value.includes(alias)) : []
    if (returned.length > 0) return `somebody gave ${listed(returned)} back to it`
    const moved = snapshot.aliases.filter((alias) => !freed.includes(alias) && standsForAnother(alias, keyArn, names))
    return moved.length > 0 ? `somebody pointed ${listed(moved)} at another key` : null
  })()
  if (act === null) return null
  return isSettling(retirement, now) && stage !== 'disabling'
    ? { kind: 'wait', until: later(retirement.since, LATENESS_S), reason: `it looks as if ${act}, or KMS still shows how it stood before` }
    : save(act)
}

/** It was seen disabled, by Keytrail or before Keytrail came. */
function isDisabledBy({ stage, watchedFrom, freed, snapshot }: Retirement): boolean {
  if (stage === 'disabling') return snapshot.state !== 'Enabled'
  return stage !== 'stopped' || watchedFrom !== null || freed.length > 0
}

/** What is to be kept is to be of use: held disabled it would be of none. */
function wishInWords(ground: RetireGround, reading: ReadKey): Step | null {
  const wish = protectionsOf(ground, reading).find(({ kind }) => WISHES.includes(kind))
  return wish === undefined ? null : save(wish.words)
}

/** While a deletion is pending, waiting is going forward. */
function doubtBeforeDeletion({ tried, now }: RetireGround, { stage, deletionAt }: Retirement): Step | null {
  const isBlind = stage === 'scheduled' && tried?.known === false
  return isBlind && deletionAt !== null && deletionAt - now <= DOUBT_BEFORE_DELETION_S
    ? save('it would be deleted soon, and whether somebody tried to use it cannot be read')
    : null
}

function awaiting({ tried }: RetireGround, { stage, deletionAt }: Retirement, until: EpochS | null): Step {
  if (stage !== 'scheduled') return { kind: 'await-deletion', until: until ?? deletionAt }
  const doubt = tried?.known === false ? `; ${unreadWords(tried)}` : ''
  return {
    kind: 'wait',
    until: until ?? deletionAt,
    reason: `KMS deletes it then, unless somebody tries to use it${doubt}`,
    isUnread: doubt !== '',
  }
}

/** Nothing speaks against it. */
function forward(ground: RetireGround, retirement: Retirement, { described, aliases }: ReadKey): Step {
  const { now, settings, tried } = ground
  if (!described.known || !aliases.known) return { kind: 'protected', protections: [] }
  const isUnusable = UNUSABLE_STATES.includes(described.value.state)
  if (retirement.stage === 'disabling') {
    if (!isUnusable) return { kind: 'disable' }
    if (!isOwnFresh(ground)) return { kind: 'watch' }
  } else if (!isOwnFresh(ground)) {
    const { watchedFrom } = retirement
    if (watchedFrom === null) return { kind: 'watch' }
    const until = watchEndsAt(watchedFrom, settings)
    if (now < until) return { kind: 'wait', until, reason: 'nobody may have tried to use it by then' }
    if (tried?.known !== true) return unreadWait(tried === null ? 'nobody asked whether somebody tried to use it' : unreadWords(tried))
  }
  if (aliases.value.length > 0) return { kind: 'free', aliases: aliases.value }
  return { kind: 'schedule', days: pendingDaysOf(settings) }
}

function save(reason: string): Step {
  return { kind: 'save', reason }
}
