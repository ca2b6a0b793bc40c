import { asffFinding } from '../../shared/findings/asff.ts'
import { ruleOf } from '../../shared/findings/shown-rule.ts'
import type { Rule } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'
import type { Audited } from './audit-json.ts'

/** A list as `aws securityhub batch-import-findings --findings file://…` takes it. */
export function findingsAsff({ swept, caller }: Audited, rules: readonly Rule[], now: EpochS): string {
  const hub = { accountId: caller.accountId, region: caller.region }
  const findings = swept.findings.map((finding) => asffFinding(finding, ruleOf(rules, finding), { hub, updatedAt: now }))
  return `${JSON.stringify(findings, null, 2)}\n`
}
