import type { Exemption } from '../findings/exemption.ts'
import type { FactReader } from '../rules/audit.ts'
import type { Expectations } from '../rules/expectations.ts'
import type { Rule } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { Control } from './control.ts'
import type { NoticeStore } from './notice.ts'
import type { Planner } from './planner.ts'
import type { AspectPort, GuardPort } from './ports.ts'
import type { ChangeStore } from './record.ts'

/** What a team decided about changes: of `keytrail.yml`. */
export type ChangePolicy = {
  /** Of the file in force: what a person took back stays so until this changes. */
  readonly digest: string
  readonly expectations: Expectations
  readonly exemptions: readonly Exemption[]
  /** By rule; a rule that is not here is only reported. */
  readonly modes: ReadonlyMap<string, 'report' | 'enforce'>
  /** What infrastructure-as-code owns: `resource` is an ARN with `*` for any text, `place` says where to change it. */
  readonly owners: readonly { readonly resource: string; readonly tool: string; readonly place: string | null }[]
}

/** What it takes to write one change, or to take one back. */
export type WritePorts = {
  readonly aspects: AspectPort
  readonly store: ChangeStore
  readonly control: Control
  readonly notices: NoticeStore
  now(): EpochS
  /** A text that was never made before. */
  newToken(): string
  pause(ms: number): Promise<void>
}

export type ChangePorts = WritePorts & {
  readonly rules: readonly Rule[]
  /** By the rule whose findings they put right. */
  readonly planners: ReadonlyMap<string, Planner>
  readonly policy: ChangePolicy
  /** So many writes an hour, of all runs together. */
  readonly perHourMax: number
  /** Reads all anew: what a planner goes by was read after it was asked. */
  freshReader(now: EpochS): FactReader
  readonly guard: GuardPort
}
