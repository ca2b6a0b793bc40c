import type { Audit } from '../rules/audit.ts'
import type { Resource, Rule } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import { factsText } from './evidence.ts'
import { type Exemption, exemptionFor } from './exemption.ts'
import type { Evidence, Finding, Transition } from './finding.ts'
import type { FindingStore, Heard, KeptFinding } from './finding-store.ts'
import { decide } from './transition.ts'

/** A finding that changes again and again while nobody can be told keeps its last changes; the others are counted. */
const UNANNOUNCED_MAX = 20
/** Whoever writes in between makes a reading void; so many in a row are a fault, or a fight. */
const READINGS_MAX = 5
const NOTHING: Heard = { mail: 0, hub: 0, events: 0 }

export type Recording = {
  readonly exemptions: readonly Exemption[]
  /** IDs of all rules there are: findings of others are gone. */
  readonly ruleIds: ReadonlySet<string>
  /** The CloudTrail event that pointed at the resource; null: a sweep did. */
  readonly eventId: string | null
  readonly policyDigest: string
}

/** What the audit says is to be written over what was read before its facts were: who judged later is never overwritten. */
type Around = Recording & { readonly known: readonly KeptFinding[]; readonly now: EpochS }

export type Change = { readonly finding: Finding; readonly transition: Transition }
type Failure = { readonly ruleId: string; readonly error: unknown }

export type Recorded = {
  readonly changes: readonly Change[]
  /** Rules whose findings somebody else wrote since: the resource is to be read and judged again. */
  readonly conflicts: readonly string[]
  /** Rules whose findings could not be written. One of them stops no other. */
  readonly failed: readonly Failure[]
}

type Judged = {
  readonly rule: Pick<Rule, 'id' | 'severity'>
  readonly verdict: Parameters<typeof decide>[1]['verdict']
  readonly facts: string
}

/** Brings the findings of a resource to what was judged. One that is being made or changed keeps its findings. */
export async function recordAudit(store: FindingStore, audit: Audit, around: Around): Promise<Recorded> {
  const changes: Change[] = []
  const conflicts: string[] = []
  const failed: Failure[] = []
  for (const judged of judgedIn(audit, around)) {
    const ruleId = judged.rule.id
    const previous = around.known.find(({ finding }) => finding.ruleId === ruleId) ?? null
    try {
      const outcome = await recordOne(store, judged, { ...around, previous, resource: audit.resource })
      if (outcome === 'conflict') conflicts.push(ruleId)
      else if (outcome !== 'silent') changes.push(outcome)
    } catch (error) {
      failed.push({ ruleId, error })
    }
  }
  return { changes, conflicts, failed }
}

function judgedIn(audit: Audit, { known, ruleIds }: Around): readonly Judged[] {
  switch (audit.kind) {
    case 'unready':
      return []
    case 'gone':
      return known.map(({ finding }) => ({ rule: ruleOf(finding), verdict: { kind: 'gone' }, facts: '{}' }))
    case 'judged': {
      const judged = audit.judgements.map(({ rule, verdict }) => ({ rule, verdict, facts: factsText(audit.facts, rule.facts) }))
      const retired = known.filter(({ finding }) => !ruleIds.has(finding.ruleId))
      const verdict = { kind: 'not_applicable', reason: 'there is no such rule any more' } as const
      return [...judged, ...retired.map(({ finding }) => ({ rule: ruleOf(finding), verdict, facts: '{}' }))]
    }
  }
}

function ruleOf({ ruleId, severity }: Finding): Judged['rule'] {
  return { id: ruleId, severity }
}

type Place = Around & { readonly previous: KeptFinding | null; readonly resource: Resource }

async function recordOne(store: FindingStore, { rule, verdict, facts }: Judged, place: Place): Promise<Change | 'conflict' | 'silent'> {
  const { previous, resource, exemptions, now, eventId, policyDigest } = place
  const exemption = exemptionFor(exemptions, { ruleId: rule.id, arn: resource.arn, now })
  const evidence: Evidence = { facts, eventId, policyDigest }
  const { next, transition } = decide(previous?.finding ?? null, { rule, resource, verdict, exemption, now, evidence })
  if (next === null || (transition === null && next.status === 'gone')) return 'silent'
  const outcome = await store.write(keptWith(previous, next, transition), previous?.revision ?? null)
  if (outcome === 'conflict') return outcome
  return transition === null ? 'silent' : { finding: next, transition }
}

function keptWith(previous: KeptFinding | null, finding: Finding, transition: Transition | null): Omit<KeptFinding, 'revision'> {
  const unannounced = [...(previous?.unannounced ?? []), ...(transition === null ? [] : [transition])].slice(-UNANNOUNCED_MAX)
  const { refusals, attemptedAt, tried, told, importedAt, importedVersion } = previous ?? {
    refusals: NOTHING,
    attemptedAt: null,
    tried: NOTHING,
    told: NOTHING,
    importedAt: null,
    importedVersion: 0,
  }
  return { finding, unannounced, refusals, attemptedAt, tried, told, importedAt, importedVersion }
}

export type Settled = {
  /** `unsettled`: others wrote all the time. `failed`: something could not be written. After both the resource is to be judged again later. */
  readonly kind: 'settled' | 'unready' | 'unsettled' | 'failed'
  readonly changes: readonly Change[]
  readonly failed: readonly Failure[]
  /** What the last reading found. */
  readonly audit: Audit
}

/**
 * Judges a resource until its findings say what was read last: reads the findings, lets `judge` read the resource, writes; and again where
 * somebody wrote in between, or a finding has changed. Whoever else settles the same resource at the same time, the last reading stands.
 */
export async function settleResource(
  store: FindingStore,
  resource: Resource,
  judge: (now: EpochS) => Promise<Audit>,
  recording: Recording & { now(): EpochS },
): Promise<Settled> {
  const changes: Change[] = []
  for (let reading = 1; ; reading++) {
    const known = await store.ofResource(resource)
    const now = recording.now()
    const audit = await judge(now)
    const recorded = await recordAudit(store, audit, { ...recording, known, now })
    changes.push(...recorded.changes)
    const { failed, conflicts } = recorded
    if (failed.length > 0) return { kind: 'failed', changes, failed, audit }
    if (audit.kind === 'unready') return { kind: 'unready', changes, failed, audit }
    // Who meanwhile read something newer and had nothing to write left no trace: a change stands when a reading after it agrees.
    if (conflicts.length === 0 && recorded.changes.length === 0) return { kind: 'settled', changes, failed, audit }
    if (reading === READINGS_MAX) return { kind: 'unsettled', changes, failed, audit }
  }
}
