import type { Finding } from '../../shared/findings/finding.ts'
import { plainText } from '../../shared/findings/plain-text.ts'
import type { Policy } from '../../shared/policy-file/policy-file.ts'
import { dayText } from '../../shared/rules/days.ts'
import type { Caller } from '../../shared/workshop/stage.ts'
import type { Swept } from '../commands/audit-sweep.ts'

export type Audited = {
  readonly swept: Swept
  readonly caller: Pick<Caller, 'accountId' | 'region' | 'partition'>
  readonly policy: Policy
}

const TEXT_BYTES_MAX = 2048

/** The contract: stable names, rows sorted by code units, the same bytes for the same input. Time is no part of it. */
export function auditJson({ swept, caller, policy }: Audited): string {
  const { findings, passCount, notApplicableCount, judgedCounts, unlisted, unready, unmatched, faults } = swept
  const report = {
    format: 'keytrail.audit/1',
    accountId: caller.accountId,
    region: caller.region,
    policyDigest: policy.digest,
    resources: Object.fromEntries(Object.entries(judgedCounts).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    verdicts: { ...statusCounts(findings), passing: passCount, notApplicable: notApplicableCount },
    findings: findings.map(({ id, ruleId, severity, status, reason, denied, resource }) => ({
      id,
      rule: ruleId,
      severity,
      status,
      kind: resource.kind,
      arn: plainText(resource.arn, TEXT_BYTES_MAX),
      accountId: resource.accountId,
      region: plainText(resource.region, TEXT_BYTES_MAX),
      reason: plainText(reason, TEXT_BYTES_MAX),
      denied,
    })),
    unread: unreadGroups(swept).map(({ action, because, code, rules, arns }) => ({
      action,
      because,
      code: plainText(code, TEXT_BYTES_MAX),
      rules,
      resourceCount: arns.length,
    })),
    unlisted: unlisted.map(({ kind, unread: { action, because, code } }) => ({
      kind,
      action,
      because,
      code: plainText(code, TEXT_BYTES_MAX),
    })),
    unready: unready.map(({ kind, arn }) => ({ kind, arn: plainText(arn, TEXT_BYTES_MAX) })),
    unmatchedExemptions: unmatched.map(({ because, exemption: { ruleId, resource, approver, until } }) => ({
      rule: ruleId,
      resource: plainText(resource, TEXT_BYTES_MAX),
      approver: plainText(approver, TEXT_BYTES_MAX),
      until: dayText(until),
      because,
    })),
    faults: faults.map(({ resource: { kind, arn } }) => ({ kind, arn: plainText(arn, TEXT_BYTES_MAX) })),
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

export function statusCounts(findings: readonly Finding[]): {
  readonly failing: number
  readonly exempt: number
  readonly unknown: number
} {
  const count = (wanted: Finding['status']): number => findings.filter(({ status }) => status === wanted).length
  return { failing: count('failing'), exempt: count('exempt'), unknown: count('unknown') }
}

/** What was not read, once for each action and error, with whose judgement it takes. */
export type UnreadGroup = Swept['unread'][number]['unread'] & { readonly rules: readonly string[]; readonly arns: readonly string[] }

export function unreadGroups({ unread }: Pick<Swept, 'unread'>): readonly UnreadGroup[] {
  const groups = Map.groupBy(unread, ({ unread: { action, because, code } }) => [action, because, code].join(' '))
  return [...groups.values()].flatMap((members) => {
    const [first] = members
    if (first === undefined) return []
    const rules = [...new Set(members.map(({ ruleId }) => ruleId))].toSorted()
    return [{ ...first.unread, rules, arns: [...new Set(members.map(({ arn }) => arn))].toSorted() }]
  })
}
