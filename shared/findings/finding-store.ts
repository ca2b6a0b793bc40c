import type { Resource } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { Finding, Transition } from './finding.ts'

/** Ways by which transitions are announced: e-mail, Security Hub, EventBridge. */
export const CHANNELS = ['mail', 'hub', 'events'] as const
export type Channel = (typeof CHANNELS)[number]
/** A version of a finding, or another number, for each channel. */
export type Heard = { readonly [Each in Channel]: number }

/** A finding as it is kept: with what nobody has heard of yet. */
export type KeptFinding = {
  readonly finding: Finding
  /** Oldest first, the last ones only; the last one led to `finding.version`. Empty: all was announced. */
  readonly unannounced: readonly Transition[]
  /** How often each channel refused it, one entry by itself, since that last took it. */
  readonly refusals: Heard
  /** When the attempt that may still run began; null: none does. */
  readonly attemptedAt: EpochS | null
  /** Up to which version each channel may have been told, noted before it is; */
  readonly tried: Heard
  /** and up to which it was. */
  readonly told: Heard
  /** The time that the last import into Security Hub bore; null: there was none. */
  readonly importedAt: EpochS | null
  /** The version that Security Hub took last; 0: none. */
  readonly importedVersion: number
  /** Changes with every write: who writes on an older one is refused. */
  readonly revision: string
}

/** Says that a finding may have something unannounced. */
export type OutboxMarker = {
  readonly id: string
  readonly waitingSince: EpochS
  /** When it was written last: what it announces may not be written yet. */
  readonly writtenAt: EpochS
  readonly token: string
}

/** An action that the auditor lacks in an account: people hear of it once, however many findings it leaves unknown. */
export type AccessNote = {
  readonly accountId: string
  readonly action: string
  readonly attemptedAt: EpochS | null
  readonly tried: { readonly mail: EpochS | null; readonly events: EpochS | null }
  readonly told: { readonly mail: EpochS | null; readonly events: EpochS | null }
  readonly revision: string
}

/** When people were sent a digest: what is not critical waits for a while behind it. */
export type DigestNote = {
  /** When the attempt that may still run began; null: none does. */
  readonly attemptedAt: EpochS | null
  /** Null: none was sent yet. */
  readonly sentAt: EpochS | null
  readonly revision: string
}

/** Where findings are kept. What is written is seen by whoever reads after. Every function rejects where the store cannot be reached. */
export type FindingStore = {
  /** All findings of a resource. */
  ofResource(resource: Pick<Resource, 'accountId' | 'region' | 'arn'>): Promise<readonly KeptFinding[]>
  find(id: string): Promise<KeptFinding | null>
  /**
   * Writes a finding over the one with this revision; null: there must be none. With transitions it is put into the outbox first, so that
   * none can be written and never announced. Answers with what is kept now.
   */
  write(kept: Omit<KeptFinding, 'revision'>, over: string | null): Promise<KeptFinding | 'conflict'>
  /** Findings that may have something unannounced: those that waited longest first. */
  outbox(countMax: number): Promise<readonly OutboxMarker[]>
  /** Takes away a marker of nothing, unless it was written again since. */
  unmark(marker: OutboxMarker): Promise<void>
  /** Takes a finding out of the outbox, unless something was written to it since this revision. */
  announced(kept: KeptFinding): Promise<'done' | 'conflict'>
  /** All findings with this status, by pages. */
  withStatus(status: Finding['status']): AsyncIterable<KeptFinding>
  access(accountId: string, action: string): Promise<AccessNote | null>
  /** Writes a note over the one with this revision; null: there must be none. */
  noteAccess(note: Omit<AccessNote, 'revision'>, over: string | null): Promise<AccessNote | 'conflict'>
  digest(): Promise<DigestNote | null>
  /** Writes the note over the one with this revision; null: there must be none. */
  noteDigest(note: Omit<DigestNote, 'revision'>, over: string | null): Promise<DigestNote | 'conflict'>
}
