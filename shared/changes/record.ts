import type { Resource } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { AspectState } from './aspect.ts'

/**
 * A change of one aspect of one resource. It is kept before AWS is asked to write, so that none is made that nobody can take back.
 *
 * `writing`: begun, and nobody knows yet whether AWS wrote it. `done`: it was read again, and is there. `undone`: a later record took it
 * back. `refused`: AWS refused to write it. `lost`: it may have been written, and something else stood there afterwards. `dropped`: AWS was
 * never asked, since what stood there had changed, or Keytrail was stopped.
 */
export type ChangeState = 'writing' | 'done' | 'undone' | 'refused' | 'lost' | 'dropped'

export type ChangeRecord = {
  /** Sorts by time: `<second in ISO 8601, basic form>-<8 hexadecimal digits>`. */
  readonly id: string
  readonly resource: Resource
  readonly ruleId: string
  /** Null: a person's undo, not a finding, led to it. */
  readonly findingId: string | null
  /** The record that this one takes back; null: none. */
  readonly undoes: string | null
  /** What stood there, and what is to stand there; of the same aspect. */
  readonly before: AspectState
  readonly after: AspectState
  /** What it does, for people, such as `switches automatic rotation on, every 365 days`. */
  readonly summary: string
  /** `keytrail-enforce`, or the ARN of the person who asked. */
  readonly by: string
  readonly policyDigest: string
  readonly plannedAt: EpochS
  readonly state: ChangeState
  /** When `state` became what it is. */
  readonly since: EpochS
  /** Why it was refused, lost or dropped; words of AWS may be in it. Empty else. */
  readonly reason: string
}

/** Where records are kept. What is written is seen by whoever reads after. Every function rejects where the store cannot be reached. */
export type ChangeStore = {
  /** Adds a record, or replaces the one with its ID if that one's state is `over`; null: there must be none. */
  write(record: ChangeRecord, over: ChangeRecord['state'] | null): Promise<'written' | 'conflict'>
  find(id: string): Promise<ChangeRecord | null>
  /** Those of a resource planned since then, newest first. */
  ofResource(resource: Pick<Resource, 'accountId' | 'region' | 'arn'>, since: EpochS): Promise<readonly ChangeRecord[]>
  /** All, newest first, as long as records are kept (400 days). */
  newestFirst(): AsyncIterable<ChangeRecord>
}
