import type { EpochS } from '../time.ts'

/** How far a sweep has come. */
export type SweepState = {
  readonly startedAt: EpochS
  /** `findings`: all resources were met; findings of others are looked at. */
  readonly part: 'resources' | 'findings' | 'done'
  /** Where listing stands: in which kind, behind which page, and behind which resource of the next one. */
  readonly kind: number
  readonly cursor: string | null
  readonly behind: string | null
  readonly met: number
  readonly changes: number
  /** Resources that could not be judged, the first ones only. */
  readonly left: readonly string[]
  readonly leftCount: number
  /** How often listing this kind failed. */
  readonly listFailures: number
  /** What could not be listed to its end, as IAM names it: the sweep did not meet everything. */
  readonly unlisted: readonly string[]
}

/** What is known of sweeps. */
export type SweepLog = {
  readonly state: SweepState
  /** When the first sweep of all began: as long as none is complete, it is what is old. */
  readonly firstAt: EpochS
  /** The last sweep that met everything. */
  readonly complete: { readonly startedAt: EpochS; readonly endedAt: EpochS } | null
}

/** Where it is kept. Both reject where the store cannot be reached. */
export type SweepStore = {
  read(): Promise<{ readonly log: SweepLog; readonly revision: string } | null>
  /** Writes over the one with this revision; null: there must be none. Answers with the new revision. */
  write(log: SweepLog, over: string | null): Promise<{ readonly revision: string } | 'conflict'>
}

export function beginning(startedAt: EpochS): SweepState {
  return {
    startedAt,
    part: 'resources',
    kind: 0,
    cursor: null,
    behind: null,
    met: 0,
    changes: 0,
    left: [],
    leftCount: 0,
    listFailures: 0,
    unlisted: [],
  }
}
