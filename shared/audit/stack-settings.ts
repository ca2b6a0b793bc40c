import type { Resource } from '../rules/rule.ts'

/** What the stack tells its functions of itself. */
export type StackSettings = {
  readonly ownStack: Resource
  readonly usageTable: string
  readonly findingsTable: string
  /** URLs by logical ID. */
  readonly ownQueues: ReadonlyMap<string, string>
  /** Names by logical ID. */
  readonly ownRoles: ReadonlyMap<string, string>
  /** URLs. */
  readonly auditQueue: string
  readonly announceQueue: string
  readonly enforceQueue: string
  /** Of the account's quotas of calls; null: as usual. */
  readonly quotaShare: number | null
}
