import type { EnforceRequest } from '../findings/enforce-request.ts'
import { exemptionFor } from '../findings/exemption.ts'
import type { FindingStore, KeptFinding } from '../findings/finding-store.ts'
import { type Recording, settleResource } from '../findings/record.ts'
import { unread } from '../observed.ts'
import { type Audit, auditResource, type FactReader } from '../rules/audit.ts'
import type { Expectations } from '../rules/expectations.ts'
import type { Rule } from '../rules/rule.ts'
import type { Verdict } from '../rules/verdict.ts'
import type { EpochS } from '../time.ts'
import { type Again, ATTEMPTS_MAX } from './again-message.ts'

export type AuditPorts = {
  readonly rules: readonly Rule[]
  readonly expectations: Expectations
  readonly exemptions: Recording['exemptions']
  readonly policyDigest: string
  readonly store: FindingStore
  /** What it reads of the whole account it reads once, for all resources of a batch or a sweep. */
  readonly reader: FactReader
  /** Reads all anew. `madeAt`: when the resource was made, if an event just told so. */
  freshReader(madeAt: EpochS | null, now: EpochS): FactReader
  /** IDs of rules whose failures the policy wants put right. */
  readonly enforced: ReadonlySet<string>
  /** Asks whoever may change AWS to look at a failure. */
  requestEnforcement(request: EnforceRequest): Promise<void>
  now(): EpochS
}

export type Outcome = {
  /**
   * `done`: its findings say what was read. `again`: it is being made or changed, or something could not be read for a moment. `failed`: the
   * findings could not be written.
   */
  readonly kind: 'done' | 'again' | 'failed'
  /** How many findings changed their status. */
  readonly changes: number
  readonly errors: readonly unknown[]
}

const OPEN: readonly KeptFinding['finding']['status'][] = ['failing', 'unknown', 'exempt']

/**
 * Reads a resource, judges it and brings its findings to that. What could not be read for a moment is reported as unknown only after the
 * last attempt. @throws if the findings cannot be read, if nobody could be asked to put right what fails, and what a rule throws
 */
export async function auditOne({ resource, eventId, madeAt, attempt }: Again, ports: AuditPorts): Promise<Outcome> {
  const { rules, expectations, exemptions, policyDigest } = ports
  const isLast = attempt >= ATTEMPTS_MAX
  let readings = 0
  let isOpen = false
  let isPassing = false
  const store: FindingStore = {
    ...ports.store,
    async ofResource(of) {
      const known = await ports.store.ofResource(of)
      isOpen = known.some(({ finding }) => OPEN.includes(finding.status))
      return known
    },
  }
  const judge = async (now: EpochS): Promise<Audit> => {
    // What was read of the account before the findings were must not close one that somebody else opened in between.
    const reader = readings++ === 0 && !isOpen && madeAt === null ? ports.reader : ports.freshReader(madeAt, now)
    const audit = await auditResource(rules, reader, { resource, expectations, now })
    if (audit.kind === 'gone') return audit
    if (audit.kind === 'unready') return isLast ? unreadable(audit, rules) : audit
    const settled = audit.judgements.filter(({ verdict }) => !mayPass(verdict))
    isPassing = settled.length < audit.judgements.length
    return isLast ? audit : { ...audit, judgements: settled }
  }
  const ruleIds = new Set(rules.map(({ id }) => id))
  const recording = { exemptions, ruleIds, eventId, policyDigest, now: () => ports.now() }
  const { kind, changes, failed, audit } = await settleResource(store, resource, judge, recording)
  const errors = failed.map(({ error }) => error)
  // Whatever became of the findings: who is asked judges anew.
  for (const ruleId of failuresToEnforce(audit, ports)) await ports.requestEnforcement({ ruleId, resource, eventId })
  switch (kind) {
    case 'settled':
      return { kind: isPassing && !isLast ? 'again' : 'done', changes: changes.length, errors }
    case 'unready':
      return { kind: 'again', changes: changes.length, errors }
    case 'unsettled':
    case 'failed':
      return { kind: 'failed', changes: changes.length, errors }
  }
}

/** Asked for with every audit, not only when a finding changes: what was held back once, or whose message was lost, comes again. */
function failuresToEnforce(audit: Audit, { enforced, exemptions, now }: AuditPorts): readonly string[] {
  if (audit.kind !== 'judged') return []
  const { arn } = audit.resource
  return audit.judgements
    .filter(({ rule, verdict }) => verdict.kind === 'fail' && enforced.has(rule.id))
    .map(({ rule }) => rule.id)
    .filter((ruleId) => exemptionFor(exemptions, { ruleId, arn, now: now() }) === null)
}

/** What failed may be read soon; what is denied stays denied until somebody allows it, and what is unclear until somebody changes it. */
function mayPass(verdict: Verdict): boolean {
  return verdict.kind === 'unknown' && verdict.unread.some(({ because }) => because === 'failed')
}

/** A resource that was being changed each time it was read. */
function unreadable({ resource }: Audit, rules: readonly Rule[]): Audit {
  const verdict: Verdict = { kind: 'unknown', unread: [unread('reading it', 'failed', 'StillBeingChanged')] }
  const judgements = rules.filter(({ kind }) => kind === resource.kind).map((rule) => ({ rule, verdict }))
  return { kind: 'judged', resource, judgements, facts: {} }
}
