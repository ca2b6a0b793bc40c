import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createBus } from '../../local/events/bus.ts'
import { parseSchedule, runsBetween } from '../../local/events/schedule.ts'
import { createEventBridge } from '../../local/events/service.ts'
import { caller, START_MS } from './service-calls.ts'

describe('schedules', () => {
  const FROM = Date.UTC(2026, 9, 20, 6, 0, 0)
  const CASES: readonly (readonly [expression: string, runs: readonly string[]])[] = [
    ['rate(1 day)', ['2026-10-21T06:00', '2026-10-22T06:00', '2026-10-23T06:00']],
    ['cron(0 10 * * ? *)', ['2026-10-20T10:00', '2026-10-21T10:00', '2026-10-22T10:00']],
    ['cron(15/20 12 ? * MON-FRI 2026)', ['2026-10-20T12:15', '2026-10-20T12:35', '2026-10-20T12:55']],
    ['cron(0 8 1,15 NOV-DEC ? *)', ['2026-11-01T08:00', '2026-11-15T08:00', '2026-12-01T08:00']],
    ['cron(0 0 L * ? *)', ['2026-10-31T00:00', '2026-11-30T00:00', '2026-12-31T00:00']],
    ['cron(0 0 ? * 3#2 *)', ['2026-11-10T00:00', '2026-12-08T00:00', '2027-01-12T00:00']],
    ['cron(0 0 ? * FRIL *)', ['2026-10-30T00:00', '2026-11-27T00:00', '2026-12-25T00:00']],
    ['cron(0 0 1W * ? *)', ['2026-11-02T00:00', '2026-12-01T00:00', '2027-01-01T00:00']],
    ['cron(0 0 29 2 ? *)', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
    ['cron(0 0 1 1 ? 2025)', []],
  ]
  it.each(CASES)('%s', (expression, runs) => {
    const schedule = parseSchedule(expression)
    const span = { fromMs: FROM, toMs: Date.UTC(2100, 0), anchorMs: FROM, limit: 3 }
    expect(schedule.ok && runsBetween(schedule.value, span).map((ms) => new Date(ms).toISOString().slice(0, 16))).toEqual(runs)
  })

  const REFUSED = [
    'rate(0 hours)',
    'rate(5 hour)',
    'rate(5 weeks)',
    'cron(* * * * * *)',
    'cron(60 * * * ? *)',
    'cron(0 0 ? * 8 *)',
    'cron(0 0 * * ?)',
    'at(2026)',
  ]
  it.each(REFUSED)('refuses %s', (expression) => {
    expect(parseSchedule(expression).ok).toBe(false)
  })

  it('are due once each over any split of a span, and run their targets', async () => {
    const bodies: string[] = []
    const db = new DatabaseSync(':memory:')
    const deliver = (_arn: string, body: string): boolean => bodies.push(body) > 0
    const bus = createBus({ db, deliver, onLost: ({ reason }) => expect.fail(reason) })
    const { output } = caller(createEventBridge({ db, bus }))
    await output('PutRule', { Name: 'sweep', ScheduleExpression: 'rate(7 minutes)' })
    await output('PutRule', { Name: 'canary', ScheduleExpression: 'cron(0/5 * * * ? *)' })
    await output('PutRule', { Name: 'off', ScheduleExpression: 'rate(1 minute)', State: 'DISABLED' })
    await output('PutTargets', { Rule: 'sweep', Targets: [{ Id: 'queue', Arn: 'arn:aws:sqs:eu-central-1:111122223333:sweep' }] })
    const endMs = START_MS + 14 * 86_400_000
    const due: string[] = []
    for (let fromMs = START_MS, steps = 0; fromMs < endMs && steps < 50; steps++) {
      const part = bus.dueSchedules(fromMs, endMs)
      due.push(...part.due.map(({ ruleName, dueMs }) => `${dueMs} ${ruleName}`))
      fromMs = part.completeToMs
    }
    expect(due).toHaveLength(new Set(due).size)
    expect(due.filter((each) => each.endsWith('sweep'))).toHaveLength(Math.floor((14 * 1440) / 7))
    expect(due.filter((each) => each.endsWith('canary'))).toHaveLength(14 * 288)
    const [first] = bus.dueSchedules(START_MS + 5 * 60_000, START_MS + 7 * 60_000).due
    if (first !== undefined) await bus.runSchedule(first)
    expect(bodies.map((body) => JSON.parse(body) as unknown)).toMatchObject([{ source: 'aws.events', time: '2026-10-20T06:07:00Z' }])
  })
})
