import { timeText } from '../../shared/findings/plain-text.ts'
import type { Stop } from '../../shared/changes/control.ts'
import type { ChangeRecord } from '../../shared/changes/record.ts'
import type { Retirement } from '../../shared/changes/retire/retirement.ts'
import { counted } from '../../shared/rules/days.ts'
import { stoppedText } from './clean-up-text.ts'
import { labelled } from './labelled.ts'
import { shown } from './shown.ts'
import { plain, reportText, stopJson, type Target, targetJson, timeJson } from './target-json.ts'

/** Whether Keytrail may change things, and what it changed last. */
export type ChangesReport = {
  readonly target: Target
  /** Null: nobody stopped Keytrail. */
  readonly stop: Stop | null
  /** Newest first. */
  readonly last: readonly ChangeRecord[]
  /** Those under way, sorted by ARN. */
  readonly retirements: readonly Retirement[]
}

export function changesJson({ target, stop, last, retirements }: ChangesReport): string {
  return reportText({
    format: 'keytrail.changes/1',
    target: targetJson(target),
    stopped: stopJson(stop),
    last: last.map(({ id, plannedAt, summary, resource, ruleId, by, state, since, reason, undoes }) => ({
      id,
      at: timeJson(plannedAt),
      what: plain(summary),
      rule: plain(ruleId),
      resource: plain(resource.arn),
      by: plain(by),
      state,
      since: timeJson(since),
      reason: plain(reason),
      undoes,
    })),
    retirements: retirements.map(({ keyArn, stage, since }) => ({ keyArn, stage, since: timeJson(since) })),
  })
}

export function changesText({ target, stop, last, retirements }: ChangesReport): string {
  const head =
    stop === null ? ['Keytrail is not stopped: enforcement and clean-up change what they are told to.'] : stoppedText(target, stop)
  const body = last.length === 0 ? ['Enforcement changed nothing in the last 400 days.'] : ['The last changes:', ...last.map(changeText)]
  return `${[...head, ...body, ...retiredText(retirements.length)].join('\n\n')}\n`
}

function retiredText(count: number): readonly string[] {
  if (count === 0) return []
  return [`${counted(count, 'key')} ${count === 1 ? 'is' : 'are'} being retired: keytrail clean-up lists ${count === 1 ? 'it' : 'them'}.`]
}

function changeText({ id, plannedAt, summary, resource, by, state, reason }: ChangeRecord): string {
  return [
    shown(id),
    ...labelled('when', [timeText(plannedAt)]),
    ...labelled('what', [summary]),
    ...labelled('resource', [resource.arn]),
    ...labelled('by', [by]),
    ...labelled('state', [reason === '' ? state : `${state}: ${reason}`]),
  ].join('\n')
}
