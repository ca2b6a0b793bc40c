import type { EpochS } from '../time.ts'

export const ENTRY_KINDS = ['kms-grant', 's3-object', 's3-bucket', 'kms-alias', 'iam-role', 'training-job', 'file', 'kms-key'] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** One thing that a use case made or is about to make. Nothing that has no entry is ever taken away. */
export type Entry = {
  /** Random. Resources whose name AWS chooses carry it as a tag. */
  readonly id: string
  readonly useCase: string
  readonly kind: EntryKind
  /** Key ARN, alias, grant name, bucket, `bucket/object`, role, job, file path. Empty: planned, and AWS has not named it yet. */
  readonly name: string
  /** The key that an alias or a grant belongs to; else empty. */
  readonly keyArn: string
  /** Who made it: the ARN of a user, or of a role and not its session. */
  readonly owner: string
  readonly plannedAt: EpochS
  readonly state: 'planned' | 'made' | 'retired'
  /** What became of it, in words; empty before. */
  readonly outcome: string
}

/** What the last run of a use case did, for its check. */
export type RunFacts = Readonly<Record<string, string | number>>

/** Entries in the order of their planning, as far as seconds tell it. Writes are seen by whoever reads after. */
export type Registry = {
  /** Adds an entry, or replaces the one with its ID. */
  write(entry: Entry): Promise<void>
  entries(useCase: string): Promise<readonly Entry[]>
  /** Null: no run was finished, or the last one was cleaned up. */
  facts(useCase: string): Promise<RunFacts | null>
  writeFacts(useCase: string, facts: RunFacts | null): Promise<void>
}

/** The tag by which a resource tells its entry: it helps to find what a broken run made, and proves nothing by itself. */
export const ENTRY_TAG = 'keytrail:entry'
const USE_CASE_TAG = 'keytrail:workshop'

export function tagsOf({ id, useCase }: Pick<Entry, 'id' | 'useCase'>): Readonly<Record<string, string>> {
  return { [USE_CASE_TAG]: useCase, [ENTRY_TAG]: id }
}
