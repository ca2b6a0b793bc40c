import { createHash } from 'node:crypto'
import type { Resource, Severity } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'

/** Where a finding stands. `gone`: the resource is, or the rule no longer applies to it; `exempt`: it fails, and somebody answers for it. */
export const FINDING_STATUSES = ['failing', 'passing', 'unknown', 'exempt', 'gone'] as const
export type FindingStatus = (typeof FINDING_STATUSES)[number]

/** What a rule finds wrong with a resource, over time. There is none where a rule never failed and was never unread. */
export type Finding = {
  /** The same for the same rule and resource, whenever and by whatever path it is found: 32 hexadecimal digits. */
  readonly id: string
  readonly ruleId: string
  readonly severity: Severity
  readonly resource: Resource
  readonly status: FindingStatus
  /** Why, in words of the rule. */
  readonly reason: string
  /** What the auditor was not allowed to call, as IAM names it, in order; empty unless that is why the status is unknown. */
  readonly denied: readonly string[]
  /** Whether the status is unknown, among other things, because what was read does not decide it: reading it again does not help. */
  readonly isUnclear: boolean
  /** When it was first made. */
  readonly createdAt: EpochS
  /** First and last seen failing; both null until it failed. */
  readonly firstFailedAt: EpochS | null
  readonly lastFailedAt: EpochS | null
  /** When `status` became what it is. */
  readonly since: EpochS
  /** When it was last judged. */
  readonly judgedAt: EpochS
  /** Grows by one with each transition. */
  readonly version: number
  readonly evidence: Evidence
}

export type Evidence = {
  /** What the verdict rests on, as JSON, 8 KB at most. */
  readonly facts: string
  /** The CloudTrail event that pointed at the resource; null: a sweep did. */
  readonly eventId: string | null
  /** SHA-256 of the `keytrail.yml` that was in force, in hexadecimal digits. */
  readonly policyDigest: string
}

/** A change that people and systems hear of: of status, or of `unknown` to `unknown` because one more action is denied, or what was read does not tell. */
export type Transition = {
  /** Null: the finding is new. */
  readonly from: FindingStatus | null
  readonly to: FindingStatus
  readonly at: EpochS
  readonly reason: string
}

export function findingId(ruleId: string, { accountId, region, arn }: Pick<Resource, 'accountId' | 'region' | 'arn'>): string {
  return createHash('sha256')
    .update(JSON.stringify([ruleId, accountId, region, arn]))
    .digest('hex')
    .slice(0, 32)
}
