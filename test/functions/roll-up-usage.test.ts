import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LocalFunction } from '../../local/lambda/functions.ts'
import { type EpochS, HOUR_S } from '../../shared/time.ts'
import { packRollUp, readHour } from '../../shared/usage/roll-up.ts'
import { readUsage } from '../../shared/usage/read-usage.ts'
import { rollUpHours } from '../../shared/usage/roll-up-hours.ts'
import { createUsageReader } from '../../shared/usage/usage-reader.ts'
import { segmentsOf } from '../../shared/usage/segment.ts'
import type { UsageStore } from '../../shared/usage/usage-store.ts'
import { batchOf, decryptEvent, failedOf, type FunctionGround, HOUR, openFunctionGround, PATIENCE } from '../support/function-ground.ts'
import { createMemoryUsageStore } from '../support/memory-usage-store.ts'

let ground: FunctionGround
let count: LocalFunction
let rollUp: LocalFunction

beforeAll(async () => {
  ground = await openFunctionGround()
  count = ground.start('count-key-usage')
  rollUp = ground.start('roll-up-usage')
})

afterEach(() => ground.clear())
afterAll(() => ground.close())

const BEFORE = (HOUR - HOUR_S) as EpochS
const DAMAGED = (HOUR - 2 * HOUR_S) as EpochS
const LATER = { eventTime: '2026-10-20T05:20:00Z' }
const SCHEDULED = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} }

async function countCalls(...ids: readonly string[]): Promise<void> {
  const bodies = ids.flatMap((id) => [decryptEvent(id), decryptEvent(`${id} before`, { detail: LATER })])
  expect(failedOf(await count.invoke(batchOf(bodies)))).toEqual([])
}

async function counts(): Promise<readonly (readonly [hour: number | null, count: number])[]> {
  return (await ground.usage()).map((tally) => [tally.hour, tally.count] as const)
}

describe('roll-up-usage', () => {
  it('rolls up the hours that have new segments, and no others', async () => {
    await countCalls('a', 'b')
    expect(await rollUp.invoke(SCHEDULED)).toEqual({ kind: 'answer', value: { rolledUp: 2 } })
    expect(await ground.store.markedHours(10)).toEqual([])
    expect((await ground.store.rollUp(HOUR))?.segmentCount).toBe(1)
    const items = await ground.items()
    expect(await rollUp.invoke(SCHEDULED)).toEqual({ kind: 'answer', value: { rolledUp: 0 } })
    expect(await ground.items()).toEqual(items)
    await countCalls('b', 'c')
    expect(await rollUp.invoke(SCHEDULED)).toEqual({ kind: 'answer', value: { rolledUp: 2 } })
    expect((await ground.store.rollUp(HOUR))?.segmentCount).toBe(2)
    expect(await counts()).toEqual([
      [BEFORE, 3],
      [HOUR, 3],
    ])
    const metrics = (await ground.metrics()).filter(({ service }) => service === 'roll-up-usage')
    expect(metrics.map(({ RolledUpHours, HoursLeft }) => [RolledUpHours, HoursLeft])).toEqual([
      [2, 0],
      [0, 0],
      [2, 0],
    ])
  })

  it('writes the same roll-up when it runs again', async () => {
    await countCalls('a')
    await rollUp.invoke(SCHEDULED)
    const items = await ground.items()
    await ground.store.markHour({ hour: HOUR, token: 'again' })
    expect(await rollUp.invoke(SCHEDULED)).toEqual({ kind: 'answer', value: { rolledUp: 1 } })
    expect(await ground.items()).toEqual(items)
  })

  it('fails at an hour that cannot be read, which stays marked, after the others', async () => {
    await countCalls('a')
    const bytes = Buffer.from('no uses of keys, but long enough to be some')
    await ground.store.putSegment({ hour: DAMAGED, shard: '', id: '0'.repeat(32), count: 1, bytes })
    await ground.store.markHour({ hour: DAMAGED, token: 'damaged' })
    const outcome = await rollUp.invoke(SCHEDULED)
    expect(outcome).toEqual({ kind: 'failure', message: 'Error: 1 hours could not be rolled up' })
    expect(await ground.store.markedHours(10)).toEqual([{ hour: DAMAGED, token: 'damaged' }])
    expect((await ground.store.rollUp(HOUR))?.segmentCount).toBe(1)
    expect((await ground.metrics()).at(-1)).toMatchObject({ RolledUpHours: 2, HoursLeft: 1 })
    await expect
      .poll(() => ground.lines.filter((line) => line.includes('2026-10-20T04:00Z could not be rolled up')), PATIENCE)
      .toHaveLength(1)
  })

  it('fails if the table cannot be written, and runs again', async () => {
    await countCalls('a')
    ground.failPuts((body) => body.includes('roll-up#'))
    expect(await rollUp.invoke(SCHEDULED)).toMatchObject({ kind: 'failure' })
    expect(await ground.store.markedHours(10)).toHaveLength(2)
    expect(await counts()).toEqual([
      [BEFORE, 1],
      [HOUR, 1],
    ])
    ground.failPuts(() => false)
    expect(await rollUp.invoke(SCHEDULED)).toEqual({ kind: 'answer', value: { rolledUp: 2 } })
  })

  it('leaves hours marked that it has no time for', async () => {
    await countCalls('a')
    const hurried = ground.start('roll-up-usage', { timeoutMs: 20_000 })
    expect(await hurried.invoke(SCHEDULED)).toEqual({ kind: 'answer', value: { rolledUp: 0 } })
    expect(await ground.store.markedHours(10)).toHaveLength(2)
    expect((await ground.metrics()).at(-1)).toMatchObject({ RolledUpHours: 0, HoursLeft: 2 })
  })
})

/** Writes one segment of several calls, a second apart. */
async function putCalls(store: UsageStore, numbers: readonly number[]): Promise<void> {
  const reader = createUsageReader({ since: null, until: null })
  for (const n of numbers)
    reader.feed(
      Buffer.from(
        `${JSON.stringify((JSON.parse(decryptEvent(`call ${n}`, { detail: { eventTime: timeOf(n) } })) as { detail: object }).detail)}\n`,
      ),
    )
  for (const segment of segmentsOf(HOUR, reader.finish().uses)) await store.putSegment(segment)
}

const timeOf = (n: number): string => new Date(1000 * (HOUR + 600 + n)).toISOString()
const numbered = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, n) => from + n)
const countIn = (usage: { readonly tallies: readonly { readonly count: number }[] }): number => usage.tallies[0]?.count ?? 0

describe('an hour that is read in several passes', () => {
  it('counts each call and each segment once', async () => {
    const store = createMemoryUsageStore()
    for (let from = 0; from < 90; from += 10) await putCalls(store, numbered(from, from + 20))
    for (const usesPerPassMax of [1000, 150, 60]) {
      const usage = await readHour(store, HOUR, usesPerPassMax)
      expect([countIn(usage), usage.segmentCount], String(usesPerPassMax)).toEqual([100, 9])
    }
    await expect(readHour(store, HOUR, 1)).rejects.toThrow('more than 64 uses in one hour')
  })

  it('waits until it is over: until then its segments are read', async () => {
    const store = createMemoryUsageStore()
    await putCalls(store, numbered(0, 5))
    await store.markHour({ hour: HOUR, token: 'new' })
    const soon = { now: (HOUR + HOUR_S + 899) as EpochS, remainingMs: () => 60_000 }
    expect(await rollUpHours(store, soon)).toMatchObject({ rolledUp: [], open: [HOUR] })
    expect(await store.rollUp(HOUR)).toBeNull()
    expect((await readUsage(store, { since: HOUR, until: (HOUR + HOUR_S) as EpochS })).map((tally) => tally.count)).toEqual([5])
    expect(await rollUpHours(store, { ...soon, now: (soon.now + 1) as EpochS })).toMatchObject({ rolledUp: [HOUR], open: [] })
  })

  // Which of them begins with a call of the second pass is chance; some do.
  it.each([50, 60, 70, 80, 90])('is never taken for more than was read, if calls from number %i come meanwhile', async (from) => {
    const store = createMemoryUsageStore()
    await putCalls(store, numbered(0, 50))
    let isOver = false
    const growing: UsageStore = {
      ...store,
      async *segments(hour, shard) {
        if (shard === '1' && !isOver) {
          isOver = true
          await putCalls(store, numbered(from, from + 10))
          await store.markHour({ hour: HOUR, token: 'new' })
        }
        yield* store.segments(hour, shard)
      },
    }
    const partial = await readHour(growing, HOUR, 45)
    expect(countIn(partial)).toBeGreaterThan(50)
    expect(countIn(partial)).toBeLessThan(60)
    await rollUpHours(store, { now: (HOUR + 2 * HOUR_S) as EpochS, remainingMs: () => 60_000 })
    await store.putRollUp(HOUR, packRollUp(partial))
    expect(await store.rollUp(HOUR)).toEqual(packRollUp(await readHour(store, HOUR)))
  })
})
