import type { EpochS } from '../time.ts'
import { ATTEMPT_S_MAX, claimAccess, settleAccess } from './announce-access.ts'
import { isMailed, type MailPlan, planMails, settleDigest } from './announce-digest.ts'
import { inLanes } from './batches.ts'
import { type Channel, CHANNELS, type FindingStore, type Heard, type KeptFinding } from './finding-store.ts'
import { type Announcing, type Held, newsFor } from './news.ts'
import { rehearse, sendEvents, sendFindings } from './send.ts'
import { sendMails } from './send-mails.ts'
import type { Fault, SendPorts, Sent } from './send-ports.ts'

/** So many findings a run: what is left comes in the next. */
const FINDINGS_MAX = 1000
const LANES_MAX = 16
/** What Security Hub or EventBridge refuse so often, one entry by itself, is told without them. */
const REFUSALS_MAX = 5
/** A marker of nothing may be of a write that is under way; after a day it is not. */
const MARKER_S_MAX = 86_400
const WRITES_MAX = 5

export type Announced = {
  /** Findings of which everybody has heard everything now. */
  readonly announced: number
  /** Findings of which only people have not heard: they wait for the next digest. */
  readonly waiting: number
  /** Findings that another announcer is at, or that somebody wrote just now. */
  readonly inHand: number
  /** The outbox may hold more than was read. */
  readonly isFull: boolean
  readonly mails: number
  readonly events: number
  readonly imported: number
  /** Findings of other accounts: Security Hub does not take them from here. */
  readonly foreign: number
  readonly isHubEnabled: boolean
  /** IDs of findings that a channel refused too often. */
  readonly givenUp: readonly string[]
  readonly faults: readonly Fault[]
}

/**
 * Tells everybody what is in the outbox. May be ended anywhere, and run twice at once: what was not noted as told is told again after
 * `ATTEMPT_S_MAX` and says that it may be a repetition; what was told is not told again. A channel that fails stops no other, a finding
 * that fails stops no other.
 */
export async function announceOutbox(store: FindingStore, ports: SendPorts, announcing: Announcing): Promise<Announced> {
  const { now, rules, hub } = announcing
  const markers = await store.outbox(FINDINGS_MAX)
  const faults: Fault[] = []
  const guarded = async <Result>(what: string, id: string | null, run: () => Promise<Result>): Promise<Result | 'failed'> => {
    try {
      return await run()
    } catch (error) {
      faults.push({ what, id, error })
      return 'failed'
    }
  }
  const read = await inLanes(markers, LANES_MAX, (marker) =>
    guarded('finding', marker.id, async () => {
      const kept = await store.find(marker.id)
      if (kept !== null && kept.unannounced.length > 0) {
        if (kept.attemptedAt !== null && kept.attemptedAt + ATTEMPT_S_MAX > now) return 'inHand'
        // What cannot be told must not keep others from being told.
        rehearse(kept.finding, announcing)
        return kept
      }
      if (marker.writtenAt + MARKER_S_MAX <= now) await store.unmark(marker)
      return 'nothing'
    }),
  )
  const found = read.filter((each) => typeof each === 'object')
  const isFull = markers.length === FINDINGS_MAX
  const plan = await planMails(store, found, { now, isFull }, (error) => void faults.push({ what: 'digest', id: null, error }))
  const taken = await inLanes(found, LANES_MAX, (kept) => guarded('finding', kept.finding.id, () => take(store, kept, plan, now)))
  const held = taken.filter((each) => typeof each === 'object')
  const untold = held.filter((each) => newsFor('mail', each, rules) !== null || newsFor('events', each, rules) !== null)
  const claimed = await guarded('access', null, () =>
    claimAccess(
      store,
      untold.map(({ kept }) => kept.finding),
      { now, isMailed: plan.digest !== null },
    ),
  )
  const access = claimed === 'failed' ? null : claimed
  const [mail, events, imports] = [
    await sendMails(ports, { held, access, plan }, announcing),
    await sendEvents(ports, held, access, announcing),
    await sendFindings(
      ports,
      held.filter((each) => newsFor('hub', each, rules) !== null),
      announcing,
    ),
  ]
  faults.push(...mail.faults, ...events.faults, ...imports.faults)
  const givenUp: string[] = []
  const done = await inLanes(held, LANES_MAX, (each) => {
    const { id } = each.kept.finding
    const heard = heardOf(each, { mail, events, hub: imports }, givenUp)
    return guarded('finding', id, () => settle(store, each, heard, imports.importedAt.get(id) ?? null))
  })
  await guarded('digest', null, () => settleDigest(store, plan, { isSent: mail.isDigestSent }))
  for (const each of access ?? [])
    await guarded('access', null, () => settleAccess(store, each, { mail: mail.access.has(each), events: events.access.has(each) }))
  return {
    announced: done.filter((each) => each === 'announced').length,
    waiting: taken.filter((each) => each === 'waiting').length,
    inHand: [...read, ...taken].filter((each) => each === 'inHand').length,
    isFull,
    mails: mail.count,
    events: events.count,
    imported: imports.importedAt.size,
    foreign: held.filter(({ kept }) => kept.finding.resource.accountId !== hub.accountId).length,
    isHubEnabled: imports.isEnabled,
    givenUp,
    faults,
  }
}

/** Notes the attempt before anybody is told, of the channels that are; `inHand` where another announcer did, or somebody wrote. */
async function take(store: FindingStore, kept: KeptFinding, plan: MailPlan, now: EpochS): Promise<Held | 'inHand' | 'waiting'> {
  const { revision, ...before } = kept
  const { version } = kept.finding
  const tried = { mail: isMailed(plan, kept) ? version : kept.tried.mail, hub: version, events: version }
  const isUntold = (channel: Channel): boolean => kept.told[channel] < version
  if (isUntold('mail') && !isMailed(plan, kept) && !isUntold('hub') && !isUntold('events')) return 'waiting'
  const written = await store.write({ ...before, attemptedAt: now, tried }, revision)
  return written === 'conflict' ? 'inHand' : { kept: written, triedBefore: kept.tried }
}

/** What each channel says of a finding now: up to which version it was told, and how often it refused it. */
function heardOf({ kept }: Held, sent: { readonly [Each in Channel]: Sent }, givenUp: string[]): Pick<KeptFinding, 'told' | 'refusals'> {
  const { id, version } = kept.finding
  const refusals = ofEach((channel) => (sent[channel].told.has(id) ? 0 : kept.refusals[channel] + Number(sent[channel].refused.has(id))))
  const isGivenUp = (channel: Channel): boolean => refusals[channel] >= REFUSALS_MAX
  if (CHANNELS.some(isGivenUp)) givenUp.push(id)
  return {
    told: ofEach((channel) => (sent[channel].told.has(id) || isGivenUp(channel) ? version : kept.told[channel])),
    refusals: ofEach((channel) => (isGivenUp(channel) ? 0 : refusals[channel])),
  }
}

function ofEach(numberOf: (channel: Channel) => number): Heard {
  return { mail: numberOf('mail'), hub: numberOf('hub'), events: numberOf('events') }
}

/** Notes what was told, also where the finding changed meanwhile. */
async function settle(
  store: FindingStore,
  { kept }: Held,
  { told, refusals }: Pick<KeptFinding, 'told' | 'refusals'>,
  importedAt: EpochS | null,
): Promise<'announced' | 'left'> {
  let current: KeptFinding | null = kept
  for (let writing = 0; current !== null && writing < WRITES_MAX; writing++) {
    const { revision, ...rest } = current
    const before = current.told
    const after = ofEach((channel) => Math.max(told[channel], before[channel]))
    const heardByAll = Math.min(...CHANNELS.map((channel) => after[channel]))
    const missing = current.finding.version - heardByAll
    const next = {
      ...rest,
      told: after,
      refusals,
      ...(importedAt !== null && { importedAt, importedVersion: kept.finding.version }),
      attemptedAt: null,
      unannounced: missing === 0 ? [] : current.unannounced.slice(-missing),
    }
    const outcome = missing === 0 ? await store.announced({ ...next, revision }) : await store.write(next, revision)
    if (outcome !== 'conflict') return missing === 0 ? 'announced' : 'left'
    current = await store.find(kept.finding.id)
  }
  return 'left'
}
