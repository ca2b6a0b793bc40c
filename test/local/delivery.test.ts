import { DatabaseSync } from 'node:sqlite'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDelivery, type DeliveryOptions } from '../../local/cloudtrail/delivery.ts'
import { createRandom, logNormalMs } from '../../local/cloudtrail/random.ts'
import { createCloudTrail } from '../../local/cloudtrail/service.ts'
import { openClock } from '../../local/clock.ts'
import type { JsonObject } from '../../shared/json.ts'
import { parseRecord } from '../../shared/cloudtrail/record.ts'
import { caller, START_MS } from './service-calls.ts'
import sample from '../../events/kms.amazonaws.com/Decrypt.json' with { type: 'json' }

const AT_ONCE: DeliveryOptions = { delayMs: { p50: 0, p99: 0 }, duplicateShare: 0, lossShare: 0 }
const MINUTE_MS = 60_000

type Parts = { readonly db: DatabaseSync; readonly options?: DeliveryOptions; readonly seed?: number; readonly busFails?: () => boolean }

function onFault(error: unknown): void {
  expect.fail(String(error))
}

/** A local cloud's clock and delivery on a database; the clock stands still until it is moved. */
function start({ db, options = AT_ONCE, seed = 1, busFails = () => false }: Parts) {
  const published: JsonObject[] = []
  const clock = openClock({ db, startMs: START_MS, realMs: () => START_MS, onFault })
  const publish = async (envelope: JsonObject): Promise<void> => {
    await Promise.resolve()
    if (busFails()) throw new Error('the bus is down')
    published.push(envelope)
  }
  const delivery = createDelivery({ db, clock, random: createRandom(seed), publish, onFault, options })
  const close = async (): Promise<void> => {
    await delivery.stop()
    await clock.close()
  }
  return {
    clock,
    delivery,
    published,
    close,
    ids: () => published.map((envelope) => String((envelope['detail'] as JsonObject)['eventID'])),
  }
}

async function databaseWithTrail(): Promise<DatabaseSync> {
  const db = new DatabaseSync(':memory:')
  const { output } = caller(createCloudTrail({ db }))
  await output('CreateTrail', { Name: 'all', S3BucketName: 'northwind-trail' })
  await output('StartLogging', { Name: 'all' })
  return db
}

function record(id: number | string): JsonObject {
  return { ...sample, eventID: `event-${id}`, eventTime: '2026-10-20T06:00:00Z' }
}

async function orderOf(seed: number): Promise<readonly string[]> {
  const options = { delayMs: { p50: 9000, p99: 90_000 }, duplicateShare: 0.2, lossShare: 0.1 }
  const cloud = start({ db: await databaseWithTrail(), seed, options })
  for (let index = 0; index < 100; index++) cloud.delivery.accept(record(index))
  await cloud.clock.advance(3_600_000)
  await cloud.close()
  return cloud.ids()
}

const OPTIONS: fc.Arbitrary<DeliveryOptions> = fc.record({
  delayMs: fc.oneof(
    fc.constant({ p50: 0, p99: 0 }),
    fc.record({ p50: fc.integer({ min: 1, max: MINUTE_MS }), p99: fc.integer({ min: 1, max: 5 * MINUTE_MS }) }),
  ),
  duplicateShare: fc.constantFrom(0, 0.3, 1),
  lossShare: fc.constantFrom(0, 0.2, 1),
})

describe('delivery', () => {
  it('brings every record once and as often as it was doubled, or tells it lost, also over a restart', async () => {
    const steps = fc.array(fc.record({ records: fc.integer({ min: 0, max: 20 }), advanceMs: fc.integer({ min: 0, max: MINUTE_MS }) }), {
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(OPTIONS, steps, fc.integer(), async (options, parts, seed) => {
        const db = await databaseWithTrail()
        const accepted: string[] = []
        const arrived: string[] = []
        // Each step is a life of its own: nothing but the database passes on.
        for (const [life, { records, advanceMs }] of parts.entries()) {
          const cloud = start({ db, options, seed: seed + life })
          for (let index = 0; index < records; index++) {
            accepted.push(`event-${life}-${index}`)
            cloud.delivery.accept(record(`${life}-${index}`))
          }
          await cloud.clock.advance(advanceMs)
          await cloud.close()
          arrived.push(...cloud.ids())
        }
        const last = start({ db, options })
        await last.delivery.settle()
        await last.clock.advance(24 * 3_600_000)
        await last.delivery.settle()
        arrived.push(...last.ids())
        const lost = last.delivery.lost().map(({ eventId }) => eventId)
        const counts = last.delivery.counts()
        expect(new Set([...arrived, ...lost])).toEqual(new Set(accepted))
        expect(new Set(arrived).size + lost.length).toBe(accepted.length)
        expect(counts).toEqual({
          accepted: accepted.length,
          unlogged: 0,
          lost: lost.length,
          delivered: arrived.length,
          pending: 0,
          duplicates: counts.duplicates,
        })
        expect(arrived.length).toBe(accepted.length - lost.length + counts.duplicates)
        await last.close()
        db.close()
      }),
      { numRuns: 60 },
    )
  })

  it('brings nothing before its time, and all in the order of their times', async () => {
    const db = await databaseWithTrail()
    const cloud = start({ db, options: { ...AT_ONCE, delayMs: { p50: 20_000, p99: 120_000 } } })
    const history = caller(createCloudTrail({ db }))
    for (let index = 0; index < 300; index++) cloud.delivery.accept(record(index))
    await cloud.delivery.settle()
    expect(cloud.ids()).toEqual([])
    const seen: number[] = []
    for (let step = 0; step < 60; step++) {
      await cloud.clock.advance(20_000)
      seen.push(cloud.published.length)
      const lookup = { LookupAttributes: [{ AttributeKey: 'EventId', AttributeValue: 'event-7' }] }
      const { Events } = await history.output('LookupEvents', lookup, { timeMs: cloud.clock.nowMs() })
      expect(Events).toHaveLength(cloud.ids().includes('event-7') ? 1 : 0)
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen[0]).toBeGreaterThan(100)
    expect(seen[0]).toBeLessThan(200)
    expect(cloud.ids().toSorted()).toEqual(Array.from({ length: 300 }, (_, index) => `event-${index}`).toSorted())
    expect(cloud.ids()).not.toEqual(Array.from({ length: 300 }, (_, index) => `event-${index}`))
    for (const envelope of cloud.published) expect(parseRecord(envelope['detail']).ok).toBe(true)
    await cloud.close()
  })

  it('goes on after a restart with nobody asking for it', async () => {
    const db = await databaseWithTrail()
    const first = start({ db, options: { ...AT_ONCE, delayMs: { p50: 5000, p99: 5000 } } })
    first.delivery.accept(record(1))
    await first.close()
    const second = start({ db })
    await second.clock.advance(4999)
    expect(second.ids()).toEqual([])
    await second.clock.advance(1)
    expect([first.ids(), second.ids()]).toEqual([[], ['event-1']])
    await second.close()
  })

  it('comes out the same with the same seed, otherwise with another', async () => {
    expect(await orderOf(5)).toEqual(await orderOf(5))
    expect(await orderOf(5)).not.toEqual(await orderOf(6))
  })

  it('leaves out what no trail logs, and keeps it in the event history', async () => {
    const db = new DatabaseSync(':memory:')
    const cloud = start({ db })
    cloud.delivery.accept(record(1))
    await cloud.delivery.settle()
    expect(cloud.published).toEqual([])
    expect(cloud.delivery.counts()).toMatchObject({ accepted: 1, unlogged: 1, lost: 0, pending: 0 })
    const { Events } = await caller(createCloudTrail({ db })).output('LookupEvents', {}, { timeMs: Date.UTC(2026, 9, 21) })
    expect(Events).toMatchObject([{ EventId: 'event-1' }])
    await cloud.close()
  })

  it.each([
    { title: 'tries again what the bus failed at', failures: 4, arrives: 1 },
    { title: 'gives up after five failures and tells it lost', failures: 5, arrives: 0 },
  ])('$title', async ({ failures, arrives }) => {
    let left = failures
    const cloud = start({ db: await databaseWithTrail(), busFails: () => left-- > 0 })
    cloud.delivery.accept(record(1))
    await cloud.delivery.settle()
    expect(cloud.delivery.counts()).toMatchObject({ delivered: 0, pending: 1 })
    await cloud.clock.advance(MINUTE_MS)
    expect(cloud.ids()).toHaveLength(arrives)
    expect(cloud.delivery.lost().map(({ reason }) => reason)).toEqual(arrives === 1 ? [] : ['the bus failed: the bus is down'])
    await cloud.close()
  })

  it('takes records of calls that its own deliveries lead to', async () => {
    const db = await databaseWithTrail()
    const published: string[] = []
    const clock = openClock({ db, startMs: START_MS, realMs: () => START_MS, onFault })
    const delivery = createDelivery({
      db,
      clock,
      random: createRandom(1),
      options: AT_ONCE,
      onFault,
      publish: ({ detail }) => {
        published.push(String((detail as JsonObject)['eventID']))
        if (published.length < 5) delivery.accept(record(published.length))
      },
    })
    delivery.accept(record(0))
    expect(published).toEqual([])
    await delivery.settle()
    expect(published).toEqual(['event-0', 'event-1', 'event-2', 'event-3', 'event-4'])
    await clock.close()
  })
})

describe('delays', () => {
  it('have the median and the 99th percentile that were asked for', () => {
    const random = createRandom(20_261_122)
    const delays = Array.from({ length: 20_000 }, () => logNormalMs(random, { p50: 1000, p99: 10_000 })).toSorted((a, b) => a - b)
    expect(Math.abs((delays[10_000] ?? 0) / 1000 - 1)).toBeLessThan(0.05)
    expect(Math.abs((delays[19_800] ?? 0) / 10_000 - 1)).toBeLessThan(0.1)
    expect(delays.at(-1)).toBeLessThanOrEqual(100_000)
  })

  it.each([
    [{ p50: 0, p99: 1000 }, 0],
    [{ p50: 500, p99: 500 }, 500],
    [{ p50: 500, p99: 1 }, 500],
  ])('of %j are %i', (spread, expected) => {
    const random = createRandom(3)
    expect(new Set(Array.from({ length: 50 }, () => logNormalMs(random, spread)))).toEqual(new Set([expected]))
  })
})
