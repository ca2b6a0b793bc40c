import { exemptionFor } from '../findings/exemption.ts'
import type { Unread } from '../observed.ts'
import { auditResource } from '../rules/audit.ts'
import type { AnyFacts, Resource, Rule } from '../rules/rule.ts'
import type { ChangePorts } from './change-ports.ts'
import type { Planner } from './planner.ts'

export type JudgedAgain =
  /** With the facts of the rule and of the planner. */
  | { readonly kind: 'failing'; readonly facts: AnyFacts }
  /** It passes, does not apply, or somebody answers for it. */
  | { readonly kind: 'right' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unready' }
  | { readonly kind: 'unread'; readonly unread: readonly Unread[] }

/** Whether the rule still fails, by facts that are read anew: a finding only points. */
export async function judgeAgain(
  { rule, planner, resource }: { readonly rule: Rule; readonly planner: Planner; readonly resource: Resource },
  { freshReader, policy, now: clock }: Pick<ChangePorts, 'freshReader' | 'policy' | 'now'>,
): Promise<JudgedAgain> {
  const now = clock()
  const { expectations, exemptions } = policy
  const read = freshReader(now)(resource)
  const audit = await auditResource([rule], () => read, { resource, expectations, now })
  if (audit.kind !== 'judged') return { kind: audit.kind }
  for (const { verdict } of audit.judgements) {
    if (verdict.kind === 'unknown') return { kind: 'unread', unread: verdict.unread }
    if (verdict.kind !== 'fail' || exemptionFor(exemptions, { ruleId: rule.id, arn: resource.arn, now }) !== null) return { kind: 'right' }
  }
  const missing = planner.facts.filter((name) => audit.facts[name] === undefined)
  const more = missing.length === 0 ? {} : await read(missing)
  if (more === 'gone' || more === 'unready') return { kind: more }
  // What is denied stays denied: the planner knows whether it can do without.
  const failed = Object.values(more).flatMap((fact) => (fact?.known === false && fact.because === 'failed' ? [fact] : []))
  return failed.length > 0 ? { kind: 'unread', unread: failed } : { kind: 'failing', facts: { ...audit.facts, ...more } }
}
