import { plainText } from '../../shared/findings/plain-text.ts'
import type { Stop } from '../../shared/changes/control.ts'
import type { EpochS } from '../../shared/time.ts'
import type { Caller } from '../../shared/workshop/stage.ts'

/** Where something was done, and who asked. */
export type Target = { readonly kind: 'local' | 'aws'; readonly caller: Pick<Caller, 'accountId' | 'region' | 'arn'> }

const TEXT_BYTES_MAX = 2048

/** A command to go on with, at the same target. */
export function commandAt({ kind }: Pick<Target, 'kind'>, command: string): string {
  return `keytrail ${command}${kind === 'aws' ? ' --target aws' : ''}`
}

/** What every report of changes begins with. */
export function targetJson({ kind, caller }: Target): object {
  return { kind, accountId: caller.accountId, region: caller.region, caller: caller.arn }
}

export function stopJson(stop: Stop | null): object | null {
  return stop === null ? null : { by: plain(stop.by), reason: plain(stop.reason), at: timeJson(stop.at) }
}

/** `2026-10-20T06:00:00Z` */
export function timeJson(instant: EpochS): string {
  return `${new Date(instant * 1000).toISOString().slice(0, 19)}Z`
}

/** What strangers wrote, so that it does nothing wherever it ends up. */
export function plain(text: string, bytesMax = TEXT_BYTES_MAX): string {
  return plainText(text, bytesMax)
}

/** The bytes of a report. */
export function reportText(report: object): string {
  return `${JSON.stringify(report, null, 2)}\n`
}
