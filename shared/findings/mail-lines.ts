import type { Finding, FindingStatus } from './finding.ts'
import { type MissingAccess, policyStatements } from './missing-access.ts'
import type { News } from './news.ts'
import { plainJson, plainText, timeText } from './plain-text.ts'
import { KIND_NAMES } from './shown-rule.ts'

const NAME_BYTES_MAX = 512
const REASON_BYTES_MAX = 1024
const EXAMPLES_MAX = 3

const STATUS_WORDS: Readonly<Record<FindingStatus, string>> = {
  failing: 'fails',
  passing: 'passes',
  unknown: 'cannot be judged',
  exempt: 'fails, and is exempt',
  gone: 'is gone or out of scope',
}

/** What, where, since when, why, what to do, how to see it. Each value on a line of its own, behind its name: none can pass for another. */
export function fullLines(news: News, hubAccountId: string): readonly string[] {
  const { finding, rule, transitions, earlier, isRepetition } = news
  const { resource, evidence, firstFailedAt } = finding
  const isForeign = resource.accountId !== hubAccountId
  return [
    `${finding.severity.toUpperCase()}: ${plainText(rule.title, NAME_BYTES_MAX)} - ${STATUS_WORDS[finding.status]}`,
    `  Where:   ${KIND_NAMES[resource.kind]} ${plainText(resource.arn, NAME_BYTES_MAX)}`,
    `           account ${plainText(resource.accountId, NAME_BYTES_MAX)}, Region ${plainText(resource.region, NAME_BYTES_MAX)}`,
    `  Why:     ${plainText(finding.reason, REASON_BYTES_MAX)}`,
    `  Since:   ${timeText(finding.since)}${firstFailedAt === null ? '' : `; first seen failing ${timeText(firstFailedAt)}`}`,
    ...(earlier > 0 ? [`  Before:  ${earlier} earlier changes that are not kept`] : []),
    ...(transitions.length > 1
      ? transitions.map(({ from, to, at }) => `  Change:  ${timeText(at)} from ${from ?? 'nothing known'} to ${to}`)
      : []),
    ...adviceLines(news),
    `  Event:   ${evidence.eventId === null ? 'none: found by a sweep' : `CloudTrail event ${plainText(evidence.eventId, NAME_BYTES_MAX)}`}`,
    `  See it:  npm run -s keytrail -- explain ${plainText(finding.ruleId, NAME_BYTES_MAX)}`,
    ...(rule.source === '' ? [] : [`  Read:    ${rule.source}`]),
    ...(isForeign ? [`  Note:    not in Security Hub, which takes findings of account ${hubAccountId} only`] : []),
    ...(isRepetition ? ['  Note:    this may be a repetition: an earlier attempt to tell it did not end'] : []),
    `  Finding: ${finding.id}, change ${finding.version}`,
  ]
}

function adviceLines({ finding, rule }: News): readonly string[] {
  switch (finding.status) {
    case 'failing':
    case 'exempt':
      return rule.advice === '' ? [] : [`  To do:   ${plainText(rule.advice, REASON_BYTES_MAX)}`]
    case 'unknown':
      return finding.isUnclear
        ? ['  To do:   look at it yourself: Keytrail has read it and cannot tell whether it is in order']
        : ['  To do:   nothing yet: it is read again by the next sweep']
    case 'passing':
    case 'gone':
      return []
  }
}

/** One line. */
export function briefLine({ finding, rule, isRepetition }: News): string {
  const { resource, status, since } = finding
  const place = `${KIND_NAMES[resource.kind]} ${plainText(resource.arn, NAME_BYTES_MAX)}`
  const note = isRepetition ? '; may be a repetition' : ''
  const title = plainText(rule.title, NAME_BYTES_MAX)
  return `- ${title}: ${place} ${STATUS_WORDS[status]} since ${timeText(since)} (finding ${finding.id}, change ${finding.version}${note})`
}

/** What one missing action leaves unknown. */
export function accessLines({ accountId, action, findings, isRepetition }: MissingAccess): readonly string[] {
  const resources = [...new Set(findings.map(({ resource }) => resource.arn))]
  const rest = resources.length - EXAMPLES_MAX
  return [
    `- ${plainText(action, NAME_BYTES_MAX)} is denied in account ${plainText(accountId, NAME_BYTES_MAX)}: ${resources.length} ${resources.length === 1 ? 'resource' : 'resources'} cannot be judged${isRepetition ? ' (may be a repetition)' : ''}`,
    ...resources.slice(0, EXAMPLES_MAX).map((arn) => `    ${plainText(arn, NAME_BYTES_MAX)}`),
    ...(rest > 0 ? [`    and ${rest} more`] : []),
  ]
}

/** The statements for each account. */
export function statementLines(access: readonly Pick<MissingAccess, 'accountId' | 'action' | 'findings'>[]): readonly string[] {
  const accounts = [...new Set(access.map(({ accountId }) => accountId))]
  return accounts.flatMap((accountId) => {
    const statements = policyStatements(access.filter((each) => each.accountId === accountId))
    const words = statements.length === 1 ? 'this statement' : 'these statements'
    return [
      `Allow it to Keytrail's role in account ${plainText(accountId, NAME_BYTES_MAX)} by ${words} (resource policies may deny it still):`,
      ...statements.map((statement) => `  ${plainJson(statement)}`),
    ]
  })
}

/** Worst first, then those that stand longest. */
export function byWeight(one: Finding, other: Finding): number {
  const weights = ['critical', 'high', 'medium', 'low']
  return weights.indexOf(one.severity) - weights.indexOf(other.severity) || one.since - other.since || (one.id < other.id ? -1 : 1)
}
