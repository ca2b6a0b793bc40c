import type { Control } from '../control.ts'
import type { NoticeStore } from '../notice.ts'
import type { EpochS } from '../../time.ts'
import type { DemoRegistry } from './demo-key.ts'
import type { CodeOwner } from './ground.ts'
import type { RetireKeyPort } from './reading.ts'
import type { RetirementStore } from './retirement.ts'
import type { RetireSettings } from './settings.ts'

export type RetirePorts = {
  readonly keys: RetireKeyPort
  readonly registry: DemoRegistry
  readonly retirements: RetirementStore
  readonly control: Control
  readonly notices: NoticeStore
  readonly settings: RetireSettings
  /** Of `keytrail.yml`. */
  readonly owners: readonly CodeOwner[]
  /** Keytrail's own: keys of others are never touched. */
  readonly accountId: string
  now(): EpochS
  /** How long the run may still take. */
  remainingMs(): number
}
