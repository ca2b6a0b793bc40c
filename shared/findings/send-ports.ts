import type { ClaimedAccess } from './announce-access.ts'
import type { AsffFinding } from './asff.ts'
import type { FindingEvent } from './finding-event.ts'
import type { Mail } from './mail.ts'

/** Where news go. Each rejects if it could not be told whether they arrived. */
export type SendPorts = {
  mail(mail: Mail): Promise<void>
  /** IDs, as in `Id`, of those that were refused. `not_enabled`: there is no Security Hub to import into. */
  importFindings(batch: readonly AsffFinding[]): Promise<{ readonly refused: readonly string[] } | 'not_enabled'>
  /** Positions of those that were refused. */
  putEvents(batch: readonly FindingEvent[]): Promise<{ readonly refused: readonly number[] }>
}

export type Fault = { readonly what: string; readonly id: string | null; readonly error: unknown }

/** What became of a channel: IDs of findings. What is in neither set is to be tried again. */
export type Sent = { readonly told: ReadonlySet<string>; readonly refused: ReadonlySet<string>; readonly faults: readonly Fault[] }
export type SentAccess = Sent & { readonly count: number; readonly access: ReadonlySet<ClaimedAccess> }
