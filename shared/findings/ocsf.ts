import type { Rule, Severity } from '../rules/rule.ts'
import type { Finding, FindingStatus } from './finding.ts'
import { plainJson, plainText } from './plain-text.ts'
import { KIND_NAMES, requirementsOf, ruleOf, type ShownRule, standardsOf } from './shown-rule.ts'

const TEXT_BYTES_MAX = 4096
const NAME_BYTES_MAX = 2048
const CLASS_UID = 2003
const PARTITION = /^arn:(aws[a-z-]{0,17}):/

/** Numbers and words of https://schema.ocsf.io/1.6.0/classes/compliance_finding */
const SEVERITIES = {
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
} as const satisfies Record<Severity, readonly [number, string]>
/**
 * An exempt finding fails still: that somebody answers for it is a matter of the finding, not of the check. Warning is by its definition that
 * "the compliance check did not yield a result due to missing information"; of what is gone there is no check any more.
 */
const CHECKS = {
  failing: [3, 'Fail'],
  passing: [1, 'Pass'],
  unknown: [2, 'Warning'],
  exempt: [3, 'Fail'],
  gone: [0, 'Unknown'],
} as const satisfies Record<FindingStatus, readonly [number, string]>
const STATES = {
  failing: [1, 'New'],
  passing: [4, 'Resolved'],
  unknown: [1, 'New'],
  exempt: [3, 'Suppressed'],
  gone: [5, 'Archived'],
} as const satisfies Record<FindingStatus, readonly [number, string]>

/** Findings as OCSF 1.6 Compliance Findings, one JSON text a line, by ID. */
export function ocsfLines(findings: readonly Finding[], rules: readonly Rule[]): string {
  return findings
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))
    .map((finding) => `${plainJson(ocsfFinding(finding, ruleOf(rules, finding)))}\n`)
    .join('')
}

function ocsfFinding(finding: Finding, rule: ShownRule) {
  const { resource, status, evidence } = finding
  const [activityId, activityName] = activityOf(finding)
  const [severityId, severity] = SEVERITIES[finding.severity]
  const [stateId, state] = STATES[status]
  const [checkId, check] = CHECKS[status]
  const arn = plainText(resource.arn, NAME_BYTES_MAX)
  const [, partition] = PARTITION.exec(resource.arn) ?? []
  const reason = plainText(finding.reason, TEXT_BYTES_MAX)
  const account = { uid: plainText(resource.accountId, NAME_BYTES_MAX), type: 'AWS Account', type_id: 10 }
  const region = plainText(resource.region, NAME_BYTES_MAX)
  return {
    activity_id: activityId,
    activity_name: activityName,
    category_uid: 2,
    category_name: 'Findings',
    class_uid: CLASS_UID,
    class_name: 'Compliance Finding',
    type_uid: 100 * CLASS_UID + activityId,
    type_name: `Compliance Finding: ${activityName}`,
    time: 1000 * finding.since,
    severity_id: severityId,
    severity,
    status_id: stateId,
    status: state,
    message: `${plainText(rule.title, NAME_BYTES_MAX)}: ${reason}`,
    metadata: { version: '1.6.0', profiles: ['cloud'], product: { name: 'Keytrail', vendor_name: 'Keytrail', uid: 'keytrail' } },
    cloud: { provider: 'AWS', account, region },
    finding_info: {
      uid: `keytrail/${finding.id}`,
      title: plainText(rule.title, NAME_BYTES_MAX),
      desc: reason,
      types: ['Compliance'],
      created_time: 1000 * finding.createdAt,
      modified_time: 1000 * finding.judgedAt,
      ...(finding.firstFailedAt !== null && { first_seen_time: 1000 * finding.firstFailedAt }),
      ...(finding.lastFailedAt !== null && { last_seen_time: 1000 * finding.lastFailedAt }),
      analytic: {
        type_id: 1,
        type: 'Rule',
        uid: plainText(finding.ruleId, NAME_BYTES_MAX),
        name: plainText(rule.title, NAME_BYTES_MAX),
      },
      ...(evidence.eventId !== null && {
        related_events: [{ uid: plainText(evidence.eventId, NAME_BYTES_MAX), type: 'CloudTrail event' }],
      }),
    },
    compliance: {
      control: plainText(finding.ruleId, NAME_BYTES_MAX),
      standards: standardsOf(rule),
      requirements: requirementsOf(rule),
      status_id: checkId,
      status: check,
      status_code: status,
      status_details: [reason],
    },
    ...(rule.advice !== '' && {
      remediation: { desc: plainText(rule.advice, TEXT_BYTES_MAX), references: [rule.source] },
    }),
    resources: [
      {
        uid: arn,
        type: KIND_NAMES[resource.kind],
        region,
        ...(partition !== undefined && { cloud_partition: partition }),
        owner: { account },
      },
    ],
    unmapped: { facts: plainText(evidence.facts, 3 * TEXT_BYTES_MAX), policy_digest: plainText(evidence.policyDigest, NAME_BYTES_MAX) },
  }
}

function activityOf({ status, version }: Finding): readonly [number, string] {
  if (status === 'passing' || status === 'gone') return [3, 'Close']
  return version === 1 ? [1, 'Create'] : [2, 'Update']
}
