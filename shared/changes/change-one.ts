import type { EnforceRequest } from '../findings/enforce-request.ts'
import { findingId } from '../findings/finding.ts'
import { type Unread, UNREAD_WORDS } from '../observed.ts'
import type { AnyFacts, Rule } from '../rules/rule.ts'
import type { AspectState } from './aspect.ts'
import { heldNotice, limitNotice, recordNotice } from './change-notice.ts'
import type { ChangePorts } from './change-ports.ts'
import { claimed } from './claimed.ts'
import type { Claim, Stop } from './control.ts'
import { type Earlier, finishEarlier } from './finish-earlier.ts'
import { type History, historyHold, ownerOf, ownerStack } from './holds.ts'
import { judgeAgain } from './judge-again.ts'
import { meansTheSame } from './meaning.ts'
import type { Ground, Planner } from './planner.ts'
import type { ChangeRecord } from './record.ts'
import { newRecord, SETTLING_S, writeChange } from './write-change.ts'

/** `busy` and `later` are to be asked for again, the others are not: the next sweep asks where something still fails. */
export type ChangeOutcome =
  | { readonly kind: 'done' | 'refused' | 'lost'; readonly record: ChangeRecord }
  /** It fails no more, somebody answers for it, or what the rule wants stands there. */
  | { readonly kind: 'right-already' }
  | { readonly kind: 'gone' }
  /** Nothing is written, and people hear why. */
  | { readonly kind: 'held'; readonly reasons: readonly string[] }
  /** The hour's writes are spent. */
  | { readonly kind: 'limit' }
  | { readonly kind: 'stopped'; readonly stop: Stop }
  /** No such rule, or one that is only reported, or that only people can answer. */
  | { readonly kind: 'not-enforced' }
  /** Somebody else changes the same just now. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'later'; readonly reason: string }

export const ENFORCER = 'keytrail-enforce'

type Work = { readonly request: EnforceRequest; readonly rule: Rule; readonly planner: Planner }

/**
 * Puts right what a request points at, if it still fails, if nobody else owns it, and if nothing speaks against it. May be ended anywhere
 * and called again, or twice at once: it writes once. What an earlier run left is looked at and told also where nothing may be written any
 * more. @throws where stores or AWS break on the way: to be asked for again
 */
export async function changeOne(request: EnforceRequest, ports: ChangePorts): Promise<ChangeOutcome> {
  const { ruleId, resource } = request
  const stop = await ports.control.stop()
  const planner = ports.planners.get(ruleId)
  if (planner === undefined) return stop === null ? { kind: 'not-enforced' } : { kind: 'stopped', stop }
  const rule = ports.rules.find(({ id, kind }) => id === ruleId && kind === resource.kind)
  return claimed(resource, ports, async (claim) => {
    const earlier = await finishEarlier({ resource, aspect: planner.aspect }, ports)
    if (earlier.kind === 'settling') return { kind: 'later', reason: `AWS may not show yet what ${earlier.record.id} wrote` }
    const isEnforced = rule !== undefined && ports.policy.modes.get(ruleId) === 'enforce'
    if (earlier.kind === 'unread' && (stop !== null || !isEnforced)) return { kind: 'later', reason: unreadText(earlier.unread) }
    if (stop !== null) return { kind: 'stopped', stop }
    if (!isEnforced) return { kind: 'not-enforced' }
    return changeClaimed({ request, rule, planner }, { claim, earlier }, ports)
  })
}

type Begun = { readonly claim: Claim; readonly earlier: Exclude<Earlier, { readonly kind: 'settling' }> }

async function changeClaimed(work: Work, { claim, earlier }: Begun, ports: ChangePorts): Promise<ChangeOutcome> {
  const { rule, planner } = work
  const { resource } = work.request
  if (earlier.kind === 'unread') return unreadable([earlier.unread], work, ports)
  const lost = earlier.lost.find(({ ruleId }) => ruleId === rule.id)
  if (lost !== undefined) return { kind: 'lost', record: lost }

  const judged = await judgeAgain({ rule, planner, resource }, ports)
  switch (judged.kind) {
    case 'right':
      return { kind: 'right-already' }
    case 'gone':
      return { kind: 'gone' }
    case 'unready':
      return { kind: 'later', reason: 'it is being made or changed' }
    case 'unread':
      return unreadable(judged.unread, work, ports)
    case 'failing':
      return (
        (await heldBack(work, { facts: judged.facts, history: earlier }, ports)) ??
        plan(work, judged.facts, { claim, earlier: earlier.records }, ports)
      )
  }
}

/** What speaks against any change of it; null: nothing. */
async function heldBack(
  work: Work,
  { facts, history }: { readonly facts: AnyFacts; readonly history: History },
  ports: ChangePorts,
): Promise<ChangeOutcome | null> {
  const { resource, ruleId } = work.request
  const owner = ownerOf(resource, facts, ports.policy.owners)
  if (owner !== null) return held([owner], work, ports)
  const stack = await ports.guard.stackOf(resource)
  if (!stack.known) return unreadable([stack], work, ports)
  if (stack.value !== null) return held([ownerStack(stack.value)], work, ports)
  const [policyDigest, now] = [ports.policy.digest, ports.now()]
  const hold = await historyHold(history, { ruleId, policyDigest, now }, () => ports.control.policySince(policyDigest, now))
  if (hold?.kind === 'disputed') return held([hold.reason], work, ports)
  if (hold?.kind !== 'refused') return null
  await ports.notices.put(recordNotice(hold.record))
  return { kind: 'held', reasons: [hold.record.reason] }
}

async function plan(
  work: Work,
  facts: AnyFacts,
  { claim, earlier }: { readonly claim: Claim; readonly earlier: readonly ChangeRecord[] },
  ports: ChangePorts,
): Promise<ChangeOutcome> {
  const { planner } = work
  const { resource } = work.request
  const found = await ports.aspects.read(resource, planner.aspect)
  if (found.kind === 'gone') return { kind: 'gone' }
  if (found.kind === 'unread') return unreadable([found.unread], work, ports)
  const now = ports.now()
  const last = earlier.find(({ state }) => state === 'done')
  if (last !== undefined && now - last.since < SETTLING_S && !meansTheSame(found.state, last.after))
    return { kind: 'later', reason: `AWS may not show yet what ${last.id} wrote` }
  const ground: Ground = { resource, state: found.state, facts, expectations: ports.policy.expectations, now }
  const planned = planner.plan(ground)
  switch (planned.kind) {
    case 'nothing':
      return { kind: 'right-already' }
    case 'refused':
      return held([planned.reason], work, ports)
    case 'change':
      return write(work, { ground, claim, after: planned.after, summary: planned.summary }, ports)
  }
}

type Plan = { readonly ground: Ground; readonly claim: Claim; readonly after: AspectState; readonly summary: string }

async function write(work: Work, { ground, claim, after, summary }: Plan, ports: ChangePorts): Promise<ChangeOutcome> {
  const { resource, ruleId } = work.request
  if (meansTheSame(ground.state, after)) return { kind: 'right-already' }
  const guarded = await work.planner.guard(after, ground, ports.guard)
  if (guarded.kind === 'held') return held(guarded.reasons, work, ports)
  if (guarded.kind === 'unread') return unreadable(guarded.unread, work, ports)
  const { perHourMax } = ports
  if (!(await ports.control.spend('changes', ground.now, perHourMax))) {
    await ports.notices.put(limitNotice({ resource, ruleId, perHourMax, at: ground.now }))
    return { kind: 'limit' }
  }
  const finding = findingId(ruleId, resource)
  const about = { resource, ruleId, findingId: finding, undoes: null, before: ground.state, after, summary }
  const record = await writeChange(newRecord({ ...about, by: ENFORCER, policyDigest: ports.policy.digest }, ports), claim, ports)
  switch (record.state) {
    case 'done':
    case 'undone':
      return { kind: 'done', record }
    case 'refused':
    case 'lost':
      return { kind: record.state, record }
    case 'dropped':
      return { kind: 'later', reason: record.reason }
    case 'writing':
      return { kind: 'later', reason: `AWS does not show yet what ${record.id} wrote` }
  }
}

async function held(reasons: readonly string[], { request, rule }: Work, ports: ChangePorts): Promise<ChangeOutcome> {
  const { resource, ruleId } = request
  const notice = heldNotice({ resource, ruleId, ruleTitle: rule.title, reasons, policyDigest: ports.policy.digest, at: ports.now() })
  await ports.notices.put(notice)
  return { kind: 'held', reasons }
}

/** What failed may be read soon; what is denied stays denied until somebody allows it, and what is unclear until somebody changes it. */
async function unreadable(unread: readonly Unread[], work: Work, ports: ChangePorts): Promise<ChangeOutcome> {
  const texts = [...new Set(unread.map(unreadText))]
  if (unread.some(({ because }) => because === 'failed')) return { kind: 'later', reason: texts.join('; ') }
  return held(texts.toSorted(), work, ports)
}

function unreadText({ action, because, code }: Unread): string {
  return `${action} ${UNREAD_WORDS[because]}: ${code}`
}
