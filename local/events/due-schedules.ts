import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../shared/json.ts'
import type { Rule, Rules } from './rules.ts'
import { parseSchedule, runsBetween } from './schedule.ts'

export type DueRule = {
  readonly region: string
  readonly ruleName: string
  readonly ruleArn: string
  readonly dueMs: number
  /** The event that the rule's targets get. */
  readonly event: JsonObject
}

export type DueSchedules = {
  /** In the order of time. */
  readonly due: readonly DueRule[]
  /** Everything due until then is in `due`; before `toMs` if there was more than fits: go on from there. */
  readonly completeToMs: number
}

/** A clock may be advanced by weeks with a rule that runs every minute. */
const DUE_MAX = 2000

export function createDueSchedules(rules: Rules): (fromMs: number, toMs: number) => DueSchedules {
  return (fromMs, toMs) => {
    const all = rules.scheduled().flatMap((rule) => runsOf(rule, fromMs, toMs).map((dueMs) => ({ rule, dueMs })))
    const ordered = all.toSorted((a, b) => a.dueMs - b.dueMs)
    const completeToMs = completeTo(ordered[0]?.dueMs, ordered[DUE_MAX]?.dueMs) ?? toMs
    const due = ordered.filter(({ dueMs }) => dueMs <= completeToMs)
    return { due: due.map(({ rule, dueMs }) => dueRule(rule, dueMs)), completeToMs }
  }
}

/** Runs at one instant stay together: what is left for the next time begins with an instant of its own. Null if nothing is left. */
function completeTo(firstMs: number | undefined, firstLeftMs: number | undefined): number | null {
  if (firstMs === undefined || firstLeftMs === undefined) return null
  return firstLeftMs > firstMs ? firstLeftMs - 1 : firstLeftMs
}

function runsOf(rule: Rule, fromMs: number, toMs: number): readonly number[] {
  const schedule = parseSchedule(rule.schedule ?? '')
  return schedule.ok ? runsBetween(schedule.value, { fromMs, toMs, anchorMs: rule.scheduledFromMs, limit: DUE_MAX + 1 }) : []
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html */
function dueRule(rule: Rule, dueMs: number): DueRule {
  const event = {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: rule.arn.split(':')[4] ?? '',
    time: `${new Date(dueMs).toISOString().slice(0, 19)}Z`,
    region: rule.region,
    resources: [rule.arn],
    detail: {},
  }
  return { region: rule.region, ruleName: rule.name, ruleArn: rule.arn, dueMs, event }
}
