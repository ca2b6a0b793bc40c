import type { Registry } from './registry.ts'
import type { CountedUse, WorkshopAws, WorkshopFiles, WorkshopTime } from './ports.ts'

/** Who runs a use case, and where. */
export type Caller = {
  /** Of a user, or of a role and not its session. */
  readonly arn: string
  readonly accountId: string
  readonly region: string
  readonly partition: string
}

export type WorkshopNews =
  | { readonly kind: 'step'; readonly title: string; readonly lines: readonly string[] }
  /** Told again and again while it lasts. */
  | { readonly kind: 'waiting'; readonly what: string; readonly usual: string; readonly soFarS: number }

/** What a use case plays on. */
export type Stage = {
  readonly useCase: string
  readonly caller: Caller
  readonly aws: WorkshopAws
  readonly registry: Registry
  readonly files: WorkshopFiles
  readonly countedUse: CountedUse
  readonly time: WorkshopTime
  /** The run is to submit what it only shows unless told; see `submits` of the use case. */
  readonly submits?: boolean
  /** A text that was never made before: 32 hexadecimal digits. */
  newId(): string
  tell(news: WorkshopNews): void
}

export function step(stage: Stage, title: string, ...lines: readonly string[]): void {
  stage.tell({ kind: 'step', title, lines })
}
