import { listed } from '../../rules/listed.ts'
import { type RetireGround, standsForAnother } from './ground.ts'
import { isOwnDeletion, isSettling, LATENESS_S, later } from './periods.ts'
import { DELETING_STATES, type ReadKey, UNUSABLE_STATES } from './protections.ts'
import type { Retirement } from './retirement.ts'
import type { Step } from './steps.ts'

/** What is left to take back: only what Keytrail did, and only where nobody did something else since. */
export function savingStep(ground: RetireGround, retirement: Retirement, reading: ReadKey): Step {
  const { described, aliases } = reading
  // What Keytrail scheduled would come while nobody sees it.
  if (!described.known) return retirement.deletionAt === null ? unreadable(described.action) : { kind: 'cancel', unread: described.action }
  const { state, deletionAt } = described.value
  if (DELETING_STATES.includes(state)) {
    return isOwnDeletion(retirement, deletionAt)
      ? { kind: 'cancel', unread: null }
      : { kind: 'wait', until: deletionAt, reason: 'somebody else scheduled its deletion: only they can say that the key is to stay' }
  }
  if (state === 'Disabled' && retirement.wasEnabled) return { kind: 'enable' }
  if (state !== 'Enabled' && !UNUSABLE_STATES.includes(state))
    return { kind: 'wait', until: null, reason: `the key's state is ${state}, in which nothing can be taken back` }
  return aliases.known ? givingBack(ground, retirement, aliases.value) : unreadable(aliases.action)
}

function givingBack({ keyArn, names, now }: RetireGround, retirement: Retirement, standing: readonly string[]): Step {
  const { freed, reason } = retirement
  const missing = freed.filter((alias) => !standing.includes(alias))
  const free = missing.filter((alias) => isFree(names.get(alias)))
  if (free.length > 0) return { kind: 'give-back', aliases: free }
  const unknown = missing.map((alias) => names.get(alias)).find((target) => target?.known !== true)
  if (unknown?.known === false) return unreadable(unknown.action)
  // What was done before this was noted may not be seen yet: `saved` is for what stands.
  if (isSettling(retirement, now))
    return { kind: 'wait', until: later(retirement.since, LATENESS_S), reason: 'by then KMS shows how the key stands' }
  const taken = missing.filter((alias) => standsForAnother(alias, keyArn, names))
  return {
    kind: 'finish',
    outcome: 'saved',
    reason: taken.length === 0 ? reason : `${reason}; ${listed(taken)} stands for another key by now and was left to it`,
  }
}

function isFree(target: ReturnType<RetireGround['names']['get']>): boolean {
  return target?.known === true && target.value === null
}

export function unreadable(action: string): Extract<Step, { readonly kind: 'wait' }> {
  return { kind: 'wait', until: null, reason: `${action} cannot be read`, isUnread: true }
}
