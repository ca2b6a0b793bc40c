import type { Observed } from '../../observed.ts'
import type { Grant, KmsKeyFacts } from '../../rules/facts.ts'
import type { EpochS } from '../../time.ts'
import type { Tried } from '../../tried.ts'

/** What was read of a key for its retirement, all of it anew. */
export type KeyReading =
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'read'
      readonly described: Observed<{
        readonly manager: 'AWS' | 'CUSTOMER'
        readonly accountId: string
        /** As KMS names it, such as `Enabled`. */
        readonly state: string
        readonly createdAt: EpochS
        readonly deletionAt: EpochS | null
        readonly multiRegionRole: 'PRIMARY' | 'REPLICA' | null
        /** Of a primary key; others have none. */
        readonly replicaArns: readonly string[]
      }>
      /** Of all pages. */
      readonly aliases: Observed<readonly string[]>
      readonly tags: Observed<Readonly<Record<string, string>>>
      readonly grants: Observed<readonly Grant[]>
      readonly policy: Observed<string>
      /** As KMS tells it, up to an hour late. */
      readonly lastUse: Observed<KmsKeyFacts['lastUse']>
    }

/** Somebody called KMS with the key, or with an alias that was freed, in vain or not. */
export type TriedUse = {
  readonly at: EpochS
  readonly operation: string
  /** Role or user; empty: not known. */
  readonly caller: string
  /** `DisabledException`, `KMSInvalidStateException`, `NotFoundException` and the like; null: it succeeded. */
  readonly errorCode: string | null
  /** The key's ARN or the alias, as it was named. */
  readonly named: string
}

/** The code of what is unread where no use of any key was ever counted. */
export const NOTHING_COUNTED = 'NothingCountedYet'

export type TriedUseAsked = {
  /** ARN of a user or a role: uses by anybody else are meant. */
  readonly notBy?: string
  /** None is none even where nothing was ever counted, which else is unread. */
  readonly isUnproven?: true
}

/** KMS, as retirements call it. Reads never answer from memory; AWS's refusals are values; what breaks on the way rejects. */
export type RetireKeyPort = {
  read(keyArn: string): Promise<KeyReading>
  /** The key that an alias stands for; null: the name is free. */
  aliasTarget(alias: string, keyArn: string): Promise<Observed<string | null>>
  disable(keyArn: string): Promise<Tried<null>>
  enable(keyArn: string): Promise<Tried<null>>
  deleteAlias(alias: string, keyArn: string): Promise<Tried<null>>
  createAlias(alias: string, keyArn: string): Promise<Tried<null>>
  /** When it will be deleted; null: once its last replica is gone. */
  scheduleDeletion(keyArn: string, windowDays: number): Promise<Tried<EpochS | null>>
  cancelDeletion(keyArn: string): Promise<Tried<null>>
  /**
   * The last use of the key, or of one of these aliases, that was tried since then, from what Keytrail counted of CloudTrail; null: none.
   * Unread too where the counting may have missed some.
   */
  triedUse(keyArn: string, aliases: readonly string[], since: EpochS, asked?: TriedUseAsked): Promise<Observed<TriedUse | null>>
}
