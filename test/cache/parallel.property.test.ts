import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CacheRequest, createDataKeyCache } from '../../shared/cache/data-key-cache.ts'
import type { CachePolicy } from '../../shared/cache/policy.ts'
import { totalStatistics } from '../../shared/cache/statistics.ts'
import { isZero } from '../support/fake-keyring.ts'

/** One fetched data key, and what was done with it. */
type Fetched = {
  readonly id: string
  readonly bornMs: number
  readonly dataKey: { readonly bytes: Uint8Array; readonly wrappedBy: string }
  readonly uses: { readonly bytes: number; readonly askedMs: number; readonly bypass: boolean }[]
}

type Operation = { readonly id: string; readonly bytes: number | null; readonly advanceMs: number; readonly clears: boolean }

const policies = fc.record({
  maxAgeMs: fc.constantFrom(5, 20, 1e9),
  maxMessages: fc.constantFrom(1, 2, 3, 10, 1e9),
  maxBytes: fc.constantFrom(10, 25, 100, 1e9),
})
const operations = fc.array(
  fc.record<Operation>({
    id: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
    bytes: fc.oneof({ arbitrary: fc.nat(12), weight: 9 }, { arbitrary: fc.constant(null), weight: 1 }),
    advanceMs: fc.constantFrom(0, 0, 0, 1, 6),
    clears: fc.oneof({ arbitrary: fc.constant(false), weight: 15 }, { arbitrary: fc.constant(true), weight: 1 }),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
)

/** Runs all operations side by side, in an order that the scheduler makes up; every key is looked at while it is held. */
async function runAll(
  scheduler: fc.Scheduler,
  run: { readonly policy: CachePolicy; readonly capacity: number; readonly failsEvery: number; readonly operations: readonly Operation[] },
) {
  const { policy, capacity, failsEvery } = run
  const clock = { ms: 0 }
  const cache = createDataKeyCache({ capacity, nowMs: () => clock.ms })
  const fetched: Fetched[] = []
  const seen = { fetches: 0, failedFetches: 0, failedRequests: 0, entriesMax: 0, zeroWhileHeld: 0 }
  cache.subscribe(() => (seen.entriesMax = Math.max(seen.entriesMax, cache.snapshot().entries)))

  async function fetchKey(id: string, bornMs: number): Promise<Fetched> {
    const number = ++seen.fetches
    await scheduler.schedule(Promise.resolve(), `fetch ${number}`)
    if (number % failsEvery === 0) {
      seen.failedFetches++
      throw new Error(`fetch ${number}`)
    }
    const key: Fetched = { id, bornMs, dataKey: { bytes: new Uint8Array(16).fill(number), wrappedBy: `key of ${id}` }, uses: [] }
    fetched.push(key)
    return key
  }

  async function operate({ id, bytes, advanceMs, clears }: Operation, index: number): Promise<void> {
    await scheduler.schedule(Promise.resolve(), `ask ${index}`)
    clock.ms += advanceMs
    if (clears) cache.clear(`key of ${id}`)
    const askedMs = clock.ms
    const request: CacheRequest<Fetched> = {
      id,
      operation: 'GenerateDataKey',
      policy,
      hasKdf: true,
      plaintextBytes: bytes,
      fetch: (timed) => timed(() => fetchKey(id, askedMs)),
    }
    try {
      const lease = await cache.acquire(request)
      const { materials } = lease
      expect(materials.id).toBe(id)
      materials.uses.push({ bytes: bytes ?? 0, askedMs, bypass: bytes === null || bytes > policy.maxBytes })
      if (isZero(materials.dataKey.bytes)) seen.zeroWhileHeld++
      await scheduler.schedule(Promise.resolve(), `use ${index}`)
      if (isZero(materials.dataKey.bytes)) seen.zeroWhileHeld++
      lease.release()
    } catch (error) {
      if (!/^fetch \d+$/.test(error instanceof Error ? error.message : '')) throw error
      seen.failedRequests++
    }
  }

  const done = Promise.all(run.operations.map(operate))
  await scheduler.waitFor(done)
  return { cache, fetched, seen }
}

describe('a data key cache under parallel use', () => {
  it('holds every limit, shares what it can, and overwrites all it gave', async () => {
    const arbitrary = fc.record({
      policy: policies,
      capacity: fc.integer({ min: 1, max: 3 }),
      failsEvery: fc.constantFrom(3, 1e9),
      operations,
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), arbitrary, async (scheduler, run) => {
        const { cache, fetched, seen } = await runAll(scheduler, run)
        const { policy, capacity } = run
        const bypassed = fetched.filter(({ uses }) => uses.some(({ bypass }) => bypass))
        expect(bypassed.map(({ uses }) => uses.length)).toEqual(bypassed.map(() => 1))
        for (const { uses, bornMs } of fetched.filter((key) => !bypassed.includes(key))) {
          expect(uses.length).toBeLessThanOrEqual(policy.maxMessages)
          expect(uses.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(policy.maxBytes)
          expect(Math.max(...uses.map(({ askedMs }) => askedMs - bornMs))).toBeLessThanOrEqual(policy.maxAgeMs)
        }
        expect(seen.zeroWhileHeld).toBe(0)
        expect(seen.entriesMax).toBeLessThanOrEqual(capacity)

        const statistics = cache.snapshot()
        const total = totalStatistics(statistics)
        const uses = fetched.flatMap((key) => key.uses)
        const bypasses = total.bypasses.identityKdf + total.bypasses.unknownLength + total.bypasses.overMaxBytes
        const evictions = Object.values(total.evictions).reduce((sum, count) => sum + count, 0)
        expect(total.hits + total.misses + bypasses).toBe(run.operations.length)
        expect(total).toMatchObject({
          failures: seen.failedRequests,
          messages: uses.length,
          bytes: uses.reduce((sum, { bytes }) => sum + bytes, 0),
          hits: uses.length - fetched.length,
          calls: { succeeded: seen.fetches - seen.failedFetches, failed: seen.failedFetches },
        })
        // What was fetched to be kept is there still, or it is known why not.
        expect(fetched.length - bypassed.length).toBe(evictions + statistics.entries)
        expect(fetched.filter(({ dataKey }) => !isZero(dataKey.bytes))).toHaveLength(statistics.entries)

        cache.clear()
        expect(fetched.every(({ dataKey }) => isZero(dataKey.bytes))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('fetches exactly as often as the limits ask for, whatever the order', async () => {
    const cold = fc.record({ maxMessages: fc.integer({ min: 1, max: 12 }), requests: fc.integer({ min: 1, max: 40 }) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cold, async (scheduler, { maxMessages, requests }) => {
        const { seen, fetched } = await runAll(scheduler, {
          policy: { maxAgeMs: 1000, maxMessages, maxBytes: 1e9 },
          capacity: 1,
          failsEvery: 1e9,
          operations: Array.from({ length: requests }, () => ({ id: 'a', bytes: 1, advanceMs: 0, clears: false })),
        })
        expect(seen.fetches).toBe(Math.ceil(requests / maxMessages))
        expect(fetched.map(({ uses }) => uses.length).toSorted((a, b) => b - a)).toEqual(
          Array.from({ length: seen.fetches }, (_, index) => Math.min(maxMessages, requests - index * maxMessages)),
        )
      }),
      { numRuns: 100 },
    )
  })
})
