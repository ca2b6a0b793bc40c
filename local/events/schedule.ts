import { type Parsed, parsed, refused } from '../../shared/parsed.ts'
import { type CronDays, parseCronDays } from './cron-days.ts'
import { MONTHS, type NumberSet, parseNumbers } from './cron-field.ts'

/** When a rule with a ScheduleExpression runs; all times are UTC. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html */
export type Schedule =
  | { readonly kind: 'rate'; readonly everyMs: number }
  | {
      readonly kind: 'cron'
      readonly minutes: NumberSet
      readonly hours: NumberSet
      readonly months: NumberSet
      readonly years: NumberSet
      readonly days: CronDays
    }

const RATE = /^rate\(([1-9]\d{0,8}) (minute|hour|day)(s?)\)$/
const CRON = /^cron\(\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*\)$/
const EXPRESSION_LENGTH_MAX = 256
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** The last year of a cron expression is 2199. */
const CRON_END_MS = Date.UTC(2200, 0)
const UNIT_MS = { minute: MINUTE_MS, hour: 3_600_000, day: DAY_MS } as const

export function parseSchedule(expression: string): Parsed<Schedule> {
  if (expression.length > EXPRESSION_LENGTH_MAX) return refused(`longer than ${EXPRESSION_LENGTH_MAX} characters`)
  return parseRate(expression) ?? parseCron(expression) ?? refused('neither rate(value unit) nor cron() with six fields')
}

function parseRate(expression: string): Parsed<Schedule> | null {
  const match = RATE.exec(expression)
  if (match === null) return null
  const [, digits = '', unit = '', plural = ''] = match
  // AWS wants `rate(1 hour)` and `rate(2 hours)`, not the other way round.
  if ((digits === '1') !== (plural === '')) return refused('a rate of 1 takes a singular unit, any other a plural one')
  return parsed({ kind: 'rate', everyMs: Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS] })
}

function parseCron(expression: string): Parsed<Schedule> | null {
  const match = CRON.exec(expression)
  if (match === null) return null
  const [, minuteText = '', hourText = '', dayText = '', monthText = '', weekdayText = '', yearText = ''] = match
  const minutes = parseNumbers(minuteText, { from: 0, to: 59 })
  const hours = parseNumbers(hourText, { from: 0, to: 23 })
  const months = parseNumbers(monthText, { from: 1, to: 12, names: MONTHS })
  const years = parseNumbers(yearText, { from: 1970, to: 2199 })
  const days = parseCronDays(dayText, weekdayText)
  if (minutes === null || hours === null || months === null || years === null) return refused('a field of cron() is out of its range')
  return days.ok ? parsed({ kind: 'cron', minutes, hours, months, years, days: days.value }) : days
}

/** The first runs after `fromMs` up to and with `toMs`, at most `limit`. A rate counts from `anchorMs`. */
export function runsBetween(
  schedule: Schedule,
  span: { readonly fromMs: number; readonly toMs: number; readonly anchorMs: number; readonly limit: number },
): readonly number[] {
  switch (schedule.kind) {
    case 'rate':
      return ratedRuns(schedule.everyMs, span)
    case 'cron':
      return cronRuns(schedule, span)
  }
}

type Span = Parameters<typeof runsBetween>[1]

function ratedRuns(everyMs: number, { fromMs, toMs, anchorMs, limit }: Span): readonly number[] {
  const first = Math.max(1, Math.floor((fromMs - anchorMs) / everyMs) + 1)
  const last = Math.min(Math.floor((toMs - anchorMs) / everyMs), first + limit - 1)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => anchorMs + (first + index) * everyMs)
}

function cronRuns(cron: Schedule & { readonly kind: 'cron' }, { fromMs, toMs, anchorMs, limit }: Span): readonly number[] {
  const runs: number[] = []
  const startMs = Math.max(fromMs, anchorMs)
  for (let dayMs = startMs - (startMs % DAY_MS); dayMs <= Math.min(toMs, CRON_END_MS) && runs.length < limit; dayMs += DAY_MS) {
    const day = new Date(dayMs)
    if (!cron.years.has(day.getUTCFullYear()) || !cron.months.has(day.getUTCMonth() + 1) || !cron.days(day)) continue
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const runMs = dayMs + (hour * 60 + minute) * MINUTE_MS
        if (runMs > startMs && runMs <= toMs && runs.length < limit) runs.push(runMs)
      }
    }
  }
  return runs
}
