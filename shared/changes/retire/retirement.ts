import type { EpochS } from '../../time.ts'

/**
 * How far a demo key's way out of the account is. Each stage is kept before its call is made; which call comes next is decided by what
 * stands in AWS then, so that a run that breaks off anywhere is gone on with rightly.
 *
 * `disabling` → `watching` (nobody may want it for a while) → `freeing` (its aliases) → `scheduling` → `scheduled` → `deleted`.
 * From each of them a tried use, or a person, leads to `saving` → `saved`. `stopped`: AWS refused a step for good; a person has to look.
 */
export const RETIREMENT_STAGES = [
  'disabling',
  'watching',
  'freeing',
  'scheduling',
  'scheduled',
  'deleted',
  'saving',
  'saved',
  'stopped',
] as const
export type RetirementStage = (typeof RETIREMENT_STAGES)[number]

export type Retirement = {
  readonly keyArn: string
  /** The registry's entry of the key. */
  readonly entryId: string
  /** Grows by one with each stage: with `keyArn` it names a step. */
  readonly version: number
  readonly stage: RetirementStage
  /** When `stage` became what it is. */
  readonly since: EpochS
  readonly startedAt: EpochS
  /** `schedule`, or the ARN of the owner who asked: their own fresh keys are not watched. */
  readonly by: string
  readonly snapshot: KeySnapshot
  /** Keytrail disabled it, so that Keytrail enables it again. */
  readonly wasEnabled: boolean
  /** When it was seen disabled: from then on the hours of the watch are counted. Null: it was not yet, or is not watched. */
  readonly watchedFrom: EpochS | null
  /** Aliases that Keytrail takes, or took, away. */
  readonly freed: readonly string[]
  /** When Keytrail's scheduling of its deletion has it deleted, from `scheduling` on; null: it did not schedule it. */
  readonly deletionAt: EpochS | null
  /** Its owner took the key away since, with the workshop's own clean-up: the registry does not keep their entry for ever. */
  readonly isTakenAway?: true
  /** Why it was saved or stopped, or is to be deleted all the same; empty else. */
  readonly reason: string
}

/** Neither `deleted` nor `saved`: runs go on with it. */
export function isUnderWay({ stage }: Retirement): boolean {
  return stage !== 'deleted' && stage !== 'saved'
}

/** How a key stood before anything was changed: evidence, and what giving back goes by. */
export type KeySnapshot = {
  readonly at: EpochS
  readonly state: string
  /** The text of its policy, 32 KB at most (https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html). */
  readonly policy: string
  readonly aliases: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  readonly grants: number
}

/** Where retirements are kept, by key. What is written is seen by whoever reads after. Every function rejects where it cannot be reached. */
export type RetirementStore = {
  find(keyArn: string): Promise<Retirement | null>
  /** Writes it over the one with version `over`; null: there must be none, or one that is over (`saved`, `deleted`). */
  write(retirement: Retirement, over: number | null): Promise<'written' | 'conflict'>
  all(): AsyncIterable<Retirement>
}
