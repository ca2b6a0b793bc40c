import type { EpochS } from '../../time.ts'

/** A KMS key of the registry: Keytrail made it for a workshop, or a person adopted it. Nothing else is ever retired. */
export type DemoKey = {
  readonly entryId: string
  readonly keyArn: string
  /** Aliases that the registry has for it. Any other that stands for the key protects it. */
  readonly aliases: readonly string[]
  readonly useCase: string
  /** Who made or adopted it: the ARN of a user, or of a role and not its session. */
  readonly owner: string
  readonly registeredAt: EpochS
  /** `retired`: its owner took it away with the workshop's own clean-up, or KMS deleted it. */
  readonly state: 'standing' | 'retired'
}

/** The use case of keys that a person adopted: what was done with them before is not known. */
export const ADOPTED = 'adopted'

export type DemoRegistry = {
  /** By key, the entry that stands, or else the last one that was retired. */
  keys(): Promise<readonly DemoKey[]>
  /** The key is deleted, and its entry and those of its aliases with it. */
  retired(key: DemoKey, outcome: string): Promise<void>
}
