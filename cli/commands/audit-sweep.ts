import { inLanes } from '../../shared/findings/batches.ts'
import { factsText } from '../../shared/findings/evidence.ts'
import { exemptionFor } from '../../shared/findings/exemption.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { decide } from '../../shared/findings/transition.ts'
import { type UnmatchedExemption, unmatchedExemptions } from '../../shared/findings/unmatched-exemptions.ts'
import type { Unread } from '../../shared/observed.ts'
import { type Audit, auditResource, type FactReader, type Judgement } from '../../shared/rules/audit.ts'
import type { ResourceKind } from '../../shared/rules/facts.ts'
import type { Resource, Rule } from '../../shared/rules/rule.ts'
import type { Policy } from '../../shared/policy-file/policy-file.ts'
import type { EpochS } from '../../shared/time.ts'

/** What was found, of all resources. The order in which they were read does not show. */
export type Swept = {
  /** Failing, exempt and unknown ones. */
  readonly findings: readonly Finding[]
  readonly passCount: number
  readonly notApplicableCount: number
  /** How many resources were judged, by kind. */
  readonly judgedCounts: Readonly<Partial<Record<ResourceKind, number>>>
  /** What was not read, and whose judgement it takes. */
  readonly unread: readonly { readonly unread: Unread; readonly ruleId: string; readonly arn: string }[]
  /** Kinds of which some resources, or all, could not be listed. */
  readonly unlisted: readonly { readonly kind: ResourceKind; readonly unread: Unread }[]
  /** Being made or changed: to be judged again later. */
  readonly unready: readonly Resource[]
  /** Of rules that were asked, those without effect, as far as everything that they may cover was seen. */
  readonly unmatched: readonly UnmatchedExemption[]
  /** The program failed on these. */
  readonly faults: readonly { readonly resource: Resource; readonly error: unknown }[]
}

export type SweepParts = {
  readonly rules: readonly Rule[]
  readonly policy: Policy
  readonly now: EpochS
  readonly reader: FactReader
  list(kind: ResourceKind): AsyncIterable<{ readonly resources: readonly Resource[]; readonly unread: Unread | null }>
  /** Told after each resource. */
  onDone(kind: ResourceKind, done: number): void
}

const LANES_MAX = 8

type Gathered = {
  readonly findings: Finding[]
  readonly unread: Swept['unread'][number][]
  readonly unlisted: Swept['unlisted'][number][]
  readonly faults: Swept['faults'][number][]
}
type Counts = { pass: number; notApplicable: number; judged: Partial<Record<ResourceKind, number>> }

/** Judges every resource of the kinds that the rules are about. What fails on one resource stops no other. */
export async function sweep(parts: SweepParts): Promise<Swept> {
  const { rules } = parts
  const gathered: Gathered = { findings: [], unread: [], unlisted: [], faults: [] }
  const unready: Resource[] = []
  const counts: Counts = { pass: 0, notApplicable: 0, judged: {} }
  for (const kind of [...new Set(rules.map((rule) => rule.kind))].toSorted()) {
    let done = 0
    for await (const { resources, unread } of parts.list(kind)) {
      if (unread !== null) gathered.unlisted.push({ kind, unread })
      await inLanes(resources, LANES_MAX, async (resource) => {
        const audit = await judged(resource, parts, gathered)
        done++
        parts.onDone(kind, done)
        if (audit === null) return
        if (audit.kind === 'unready') unready.push(resource)
        if (audit.kind !== 'judged') return
        counts.judged[kind] = (counts.judged[kind] ?? 0) + 1
        for (const judgement of audit.judgements) take(judgement, audit, { parts, gathered, counts })
      })
    }
  }
  return {
    findings: sortedBy(gathered.findings, ({ ruleId, resource }) => [ruleId, resource.accountId, resource.region, resource.arn]),
    passCount: counts.pass,
    notApplicableCount: counts.notApplicable,
    judgedCounts: counts.judged,
    unread: sortedBy(gathered.unread, ({ unread, ruleId, arn }) => [unread.action, unread.because, unread.code, ruleId, arn]),
    unlisted: sortedBy(gathered.unlisted, ({ kind, unread }) => [kind, unread.action, unread.code]),
    unready: sortedBy(unready, ({ kind, arn }) => [kind, arn]),
    unmatched: unmatchedIn(parts, gathered, unready),
    faults: sortedBy(gathered.faults, ({ resource }) => [resource.kind, resource.arn]),
  }
}

/** Null: the program failed on it, which was noted. */
async function judged(resource: Resource, { rules, policy, now, reader }: SweepParts, { faults }: Gathered): Promise<Audit | null> {
  try {
    return await auditResource(rules, reader, { resource, expectations: policy.expectations, now })
  } catch (error) {
    faults.push({ resource, error })
    return null
  }
}

type Taking = { readonly parts: SweepParts; readonly gathered: Gathered; readonly counts: Counts }

function take({ rule, verdict }: Judgement, { resource, facts }: Audit & { kind: 'judged' }, { parts, gathered, counts }: Taking): void {
  const { policy, now } = parts
  if (verdict.kind === 'pass') counts.pass++
  if (verdict.kind === 'not_applicable') counts.notApplicable++
  if (verdict.kind === 'unknown') for (const unread of verdict.unread) gathered.unread.push({ unread, ruleId: rule.id, arn: resource.arn })
  const exemption = exemptionFor(policy.exemptions, { ruleId: rule.id, arn: resource.arn, now })
  const evidence = { facts: factsText(facts, rule.facts), eventId: null, policyDigest: policy.digest }
  const { next } = decide(null, { rule, resource, verdict, exemption, now, evidence })
  if (next !== null) gathered.findings.push(next)
}

/** What is unknown, and what was not seen, may fail: its exemptions are not called idle. */
function unmatchedIn({ rules, policy, now }: SweepParts, gathered: Gathered, unready: readonly Resource[]): readonly UnmatchedExemption[] {
  const unseen = [...unready, ...gathered.faults.map(({ resource }) => resource)]
  const failures = [
    ...gathered.findings.map(({ ruleId, resource }) => ({ ruleId, arn: resource.arn })),
    ...unseen.flatMap(({ kind, arn }) => rules.filter((rule) => rule.kind === kind).map(({ id }) => ({ ruleId: id, arn }))),
  ]
  const asked = rules.filter(({ kind }) => !gathered.unlisted.some((one) => one.kind === kind)).map(({ id }) => id)
  return unmatchedExemptions(
    policy.exemptions.filter(({ ruleId }) => asked.includes(ruleId)),
    failures,
    now,
  )
}

/** By code units, so that the same findings stand in the same order everywhere. */
function sortedBy<Value>(values: readonly Value[], keys: (value: Value) => readonly string[]): readonly Value[] {
  const keyed = values.map((value) => ({ value, key: keys(value).join('\u0000') }))
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ value }) => value)
}
