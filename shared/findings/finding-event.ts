import type { EpochS } from '../time.ts'
import type { Finding } from './finding.ts'
import { type MissingAccess, policyStatements } from './missing-access.ts'
import type { News } from './news.ts'
import { plainJson, plainText } from './plain-text.ts'
import { requirementsOf } from './shown-rule.ts'

const TEXT_BYTES_MAX = 4096
const FACTS_BYTES_MAX = 16_384
const EXAMPLES_MAX = 20
/** As AWS writes ARNs; anything else would be a resource that is none. */
const ARN = /^arn:[\w-]+:[\w-]+:[\w-]*:\d*:[\w+=,.@/:*-]+$/
const ARN_LENGTH_MAX = 2048

/** An event of Keytrail's for the default bus. All lengths are bounded: it has about 60 KB at most, of the 256 KB that always were allowed. */
export type FindingEvent = {
  readonly source: 'keytrail'
  readonly detailType: 'Keytrail Finding Changed' | 'Keytrail Access Missing' | 'Keytrail Change'
  readonly time: EpochS
  readonly resources: readonly string[]
  /** JSON. */
  readonly detail: string
}

/** What changed of a finding. `repetition`: it may have been sent before; the finding's ID and version tell. */
export function findingEvent({ finding, rule, transitions, earlier, isRepetition }: News, now: EpochS): FindingEvent {
  const detail = {
    format: 'keytrail.finding-changed/1',
    repetition: isRepetition,
    finding: findingJson(finding),
    title: plainText(rule.title, TEXT_BYTES_MAX),
    advice: plainText(rule.advice, TEXT_BYTES_MAX),
    requirements: requirementsOf(rule),
    earlierChanges: earlier,
    changes: transitions.map(({ from, to, at, reason }, index) => ({
      version: finding.version - transitions.length + 1 + index,
      from,
      to,
      at: iso(at),
      reason: plainText(reason, 1024),
    })),
  }
  const resources = eventResources(finding.resource.arn)
  return { source: 'keytrail', detailType: 'Keytrail Finding Changed', time: now, resources, detail: plainJson(detail) }
}

/** What an event names as its resources: the ARN, if it is one. */
export function eventResources(arn: string): readonly string[] {
  return arn.length <= ARN_LENGTH_MAX && ARN.test(arn) ? [arn] : []
}

/** What Keytrail may not call, once for all findings it leaves unknown. */
export function accessEvent({ accountId, action, findings, isRepetition }: MissingAccess, now: EpochS): FindingEvent {
  const resources = [...new Set(findings.map(({ resource }) => resource.arn))]
  const detail = {
    format: 'keytrail.access-missing/1',
    repetition: isRepetition,
    accountId: plainText(accountId, TEXT_BYTES_MAX),
    action: plainText(action, TEXT_BYTES_MAX),
    resources: resources.length,
    examples: resources.slice(0, EXAMPLES_MAX).map((arn) => plainText(arn, ARN_LENGTH_MAX)),
    statement: policyStatements([{ action, findings }])[0],
  }
  return { source: 'keytrail', detailType: 'Keytrail Access Missing', time: now, resources: [], detail: plainJson(detail) }
}

/** A finding as programs read it. */
function findingJson(finding: Finding) {
  const { resource, evidence, firstFailedAt, lastFailedAt } = finding
  return {
    id: finding.id,
    version: finding.version,
    ruleId: plainText(finding.ruleId, TEXT_BYTES_MAX),
    severity: finding.severity,
    status: finding.status,
    reason: plainText(finding.reason, TEXT_BYTES_MAX),
    denied: finding.denied.map((action) => plainText(action, 256)).slice(0, EXAMPLES_MAX),
    resource: {
      kind: resource.kind,
      arn: plainText(resource.arn, ARN_LENGTH_MAX),
      accountId: plainText(resource.accountId, 256),
      region: plainText(resource.region, 256),
    },
    createdAt: iso(finding.createdAt),
    firstFailedAt: firstFailedAt === null ? null : iso(firstFailedAt),
    lastFailedAt: lastFailedAt === null ? null : iso(lastFailedAt),
    since: iso(finding.since),
    judgedAt: iso(finding.judgedAt),
    evidence: {
      facts: plainText(evidence.facts, FACTS_BYTES_MAX),
      eventId: evidence.eventId === null ? null : plainText(evidence.eventId, 256),
      policyDigest: plainText(evidence.policyDigest, 256),
    },
  }
}

/** Findings by ID, the same bytes for the same findings. */
export function findingsJson(findings: readonly Finding[]): string {
  const sorted = findings.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  return `${plainJson({ format: 'keytrail.findings/1', findings: sorted.map(findingJson) })}\n`
}

/** `2026-10-20T06:00:00Z` */
export function iso(instant: EpochS): string {
  return new Date(1000 * instant).toISOString().replace('.000', '')
}
