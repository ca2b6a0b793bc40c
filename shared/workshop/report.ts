import type { CleanedUp } from './clean-up.ts'
import type { Entry } from './registry.ts'
import type { Caller, WorkshopNews } from './stage.ts'
import type { CheckResult } from './use-case.ts'

/** What `keytrail workshop --format json` writes. */
export type WorkshopReport = {
  readonly format: 'keytrail.workshop/1'
  readonly useCase: string
  readonly action: WorkshopAction
  readonly target: { readonly kind: 'local' | 'aws'; readonly accountId: string; readonly region: string; readonly caller: string }
  readonly steps: readonly { readonly title: string; readonly lines: readonly string[] }[]
  /** Of a check; null of anything else. */
  readonly result: CheckResult | null
  /** Of a clean-up. */
  readonly cleaned: readonly { readonly kind: Entry['kind']; readonly name: string; readonly outcome: string; readonly isLeft: boolean }[]
}

export const WORKSHOP_ACTIONS = ['run', 'check', 'clean-up'] as const
export type WorkshopAction = (typeof WORKSHOP_ACTIONS)[number]

export function workshopReport(parts: {
  readonly useCase: string
  readonly action: WorkshopAction
  readonly kind: 'local' | 'aws'
  readonly caller: Caller
  readonly news: readonly WorkshopNews[]
  readonly result: CheckResult | null
  readonly cleaned: readonly CleanedUp[]
}): WorkshopReport {
  const { useCase, action, kind, caller, news, result, cleaned } = parts
  return {
    format: 'keytrail.workshop/1',
    useCase,
    action,
    target: { kind, accountId: caller.accountId, region: caller.region, caller: caller.arn },
    steps: news.flatMap((one) => (one.kind === 'step' ? [{ title: one.title, lines: one.lines }] : [])),
    result,
    cleaned: cleaned.map(({ entry, outcome, isLeft }) => ({ kind: entry.kind, name: entry.name, outcome, isLeft })),
  }
}
