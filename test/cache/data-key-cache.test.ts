import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDataKeyCache } from '../../shared/cache/data-key-cache.ts'
import type { CacheEvent } from '../../shared/cache/statistics.ts'
import { totalStatistics } from '../../shared/cache/statistics.ts'
import { createKeySource, LIMITS, type SourcedKey } from '../support/key-source.ts'

const SECOND_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/second'

function createGround({ capacity = 10 } = {}) {
  const clock = { ms: 0 }
  const cache = createDataKeyCache({ capacity, nowMs: () => clock.ms })
  const source = createKeySource()
  return { clock, cache, source, total: () => totalStatistics(cache.snapshot()) }
}

async function times<Value>(count: number, run: (index: number) => Promise<Value>): Promise<readonly Value[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)))
}

describe('a data key cache', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([0, -1, 1.5, Number.NaN, Infinity, 1_000_001])('takes no capacity of %d', (capacity) => {
    expect(() => createDataKeyCache({ capacity })).toThrow(RangeError)
  })

  it('fetches once for 200 cold parallel requests', async () => {
    const { cache, source, total } = createGround()
    const leases = await times(200, () => cache.acquire(source.request()))
    expect(source.keys).toHaveLength(1)
    expect(new Set(leases.map(({ materials }) => materials.dataKey.bytes)).size).toBe(1)
    expect(total()).toMatchObject({ hits: 199, sharedFlights: 199, misses: 1, messages: 200, bytes: 2000, calls: { succeeded: 1 } })
  })

  it.each([
    { maxMessages: 10, maxBytes: 1e9, fetches: 20 },
    { maxMessages: 7, maxBytes: 1e9, fetches: 29 },
    { maxMessages: 1, maxBytes: 1e9, fetches: 200 },
    { maxMessages: 1e9, maxBytes: 95, fetches: 23 },
  ])(
    'fetches $fetches times where a key may serve $maxMessages messages and $maxBytes bytes',
    async ({ maxMessages, maxBytes, fetches }) => {
      const { cache, source, total } = createGround()
      const leases = await times(200, () => cache.acquire(source.request({ policy: { ...LIMITS, maxMessages, maxBytes } })))
      expect(source.keys).toHaveLength(fetches)
      const served = new Map<SourcedKey, number>()
      for (const { materials } of leases) served.set(materials, (served.get(materials) ?? 0) + 1)
      expect(Math.max(...served.values())).toBe(Math.min(maxMessages, Math.floor(maxBytes / 10), 200))
      expect(total()).toMatchObject({ misses: fetches, hits: 200 - fetches })
    },
  )

  it('counts a warm hit at once', async () => {
    const { cache, source, total } = createGround()
    await cache.acquire(source.request())
    void cache.acquire(source.request())
    expect(total()).toMatchObject({ hits: 1, sharedFlights: 0, misses: 1 })
  })

  it('gives a failure to all who waited for it, and asks again for the next', async () => {
    const { cache, source, total } = createGround()
    source.failure = new Error('no such key')
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => cache.acquire(source.request())))
    expect(results.every((result) => result.status === 'rejected' && result.reason === source.failure)).toBe(true)
    expect(total()).toMatchObject({ misses: 50, failures: 50, messages: 0, calls: { succeeded: 0, failed: 1 } })
    expect(cache.snapshot()).toMatchObject({ entries: 0, keys: [{ keyArn: 'unknown' }] })

    source.failure = null
    await cache.acquire(source.request())
    expect(total()).toMatchObject({ misses: 51, messages: 1, calls: { succeeded: 1, failed: 1 } })
  })

  it('survives a fetch that throws instead of rejecting', async () => {
    const { cache, source } = createGround()
    const thrown = new Error('thrown at once')
    const request = {
      ...source.request(),
      fetch(): Promise<SourcedKey> {
        throw thrown
      },
    }
    await expect(cache.acquire(request)).rejects.toBe(thrown)
    expect(cache.snapshot().entries).toBe(0)
  })

  it('overwrites a key when it has left the cache and nobody holds it', async () => {
    const { cache, source } = createGround()
    const first = await cache.acquire(source.request())
    const second = await cache.acquire(source.request())
    cache.clear()
    first.release()
    first.release()
    expect(source.areZero()).toEqual([false])
    second.release()
    expect(source.areZero()).toEqual([true])
  })

  it('leaves a key that is on its way to those who wait, though it was evicted meanwhile', async () => {
    const { cache, source, total } = createGround({ capacity: 1 })
    const early = times(3, () => cache.acquire(source.request({ id: 'a' })))
    const late = cache.acquire(source.request({ id: 'b' }))
    const leases = await early
    expect(source.areZero()).toEqual([false, false])
    for (const lease of leases) lease.release()
    expect(source.areZero()).toEqual([true, false])
    const { release } = await late
    release()
    expect(source.areZero()).toEqual([true, false])
    expect(total().evictions).toEqual({ age: 0, messages: 0, bytes: 0, capacity: 1, cleared: 0 })
  })

  it('lets the least recently used go', async () => {
    const { cache, source } = createGround({ capacity: 2 })
    for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) (await cache.acquire(source.request({ id }))).release()
    expect(source.keys.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'b'])
    expect(source.areZero()).toEqual([false, true, true, false])
  })

  it('counts the age from the request on, and starts over when a fetch never ends', async () => {
    const { clock, cache, source } = createGround()
    const { promise: never } = Promise.withResolvers<SourcedKey>()
    void cache.acquire({ ...source.request(), fetch: () => never })
    clock.ms = LIMITS.maxAgeMs
    void cache.acquire(source.request())
    expect(source.keys).toHaveLength(0)
    clock.ms += 1
    await cache.acquire(source.request())
    expect(source.keys).toHaveLength(1)
  })

  it.each([
    { request: { hasKdf: false }, reason: 'identityKdf', bytes: 30 },
    { request: { hasKdf: false, operation: 'Decrypt' as const, plaintextBytes: 0 }, reason: 'identityKdf', bytes: 0 },
    { request: { plaintextBytes: null }, reason: 'unknownLength', bytes: 0 },
    { request: { plaintextBytes: Number.NaN }, reason: 'unknownLength', bytes: 0 },
    { request: { policy: { ...LIMITS, maxBytes: 9 } }, reason: 'overMaxBytes', bytes: 30 },
  ])('keeps nothing for $reason', async ({ request, reason, bytes }) => {
    const { cache, source, total } = createGround()
    const leases = await times(3, () => cache.acquire(source.request(request)))
    expect(source.keys).toHaveLength(3)
    expect(cache.snapshot().entries).toBe(0)
    expect(total()).toMatchObject({ hits: 0, misses: 0, bypasses: { [reason]: 3 }, messages: 3, bytes })
    for (const lease of leases) lease.release()
    expect(source.areZero()).toEqual([true, true, true])
  })

  it('does not give a kept key to a request that must not be cached', async () => {
    const { cache, source } = createGround()
    await cache.acquire(source.request())
    await cache.acquire(source.request({ hasKdf: false }))
    await cache.acquire(source.request())
    expect(source.keys).toHaveLength(2)
  })

  it('forgets the keys of one wrapping key', async () => {
    const { cache, source, total } = createGround()
    for (const id of ['a', 'b', 'c']) {
      const lease = await cache.acquire(source.request({ id, ...(id === 'b' && { keyArn: SECOND_ARN }) }))
      lease.release()
    }
    expect(cache.clear(SECOND_ARN)).toBe(1)
    expect(source.areZero()).toEqual([false, true, false])
    expect(cache.clear()).toBe(2)
    expect(source.areZero()).toEqual([true, true, true])
    expect(total().evictions.cleared).toBe(3)
    expect(cache.snapshot().entries).toBe(0)
  })

  it('gives nobody who asks after a clear a key that was asked for before it', async () => {
    const { cache, source, total } = createGround()
    const before = cache.acquire(source.request())
    cache.clear('a key that may be this one: nobody knows yet')
    const after = cache.acquire(source.request())
    expect((await before).materials).not.toBe((await after).materials)
    expect(total()).toMatchObject({ misses: 2, evictions: { cleared: 1 } })
  })

  it('overwrites old keys that nobody asks for, and keeps no timer without entries', async () => {
    vi.useFakeTimers()
    const { clock, cache, source } = createGround()
    const lease = await cache.acquire(source.request())
    lease.release()
    vi.advanceTimersByTime(60_000)
    expect(source.areZero()).toEqual([false])
    clock.ms = LIMITS.maxAgeMs + 1
    vi.advanceTimersByTime(60_000)
    expect(source.areZero()).toEqual([true])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drops old keys at the end of the queue when it fetches another', async () => {
    const { clock, cache, source, total } = createGround()
    for (const id of ['a', 'b']) (await cache.acquire(source.request({ id }))).release()
    clock.ms = LIMITS.maxAgeMs + 1
    ;(await cache.acquire(source.request({ id: 'c' }))).release()
    expect(source.areZero()).toEqual([true, true, false])
    expect(total().evictions.age).toBe(2)
  })

  it('measures calls of the keyring', async () => {
    const { clock, cache, source } = createGround()
    source.beforeAnswer = async () => void (clock.ms += 30)
    await cache.acquire(source.request({ id: 'a' }))
    source.beforeAnswer = async () => void (clock.ms += 7000)
    await cache.acquire(source.request({ id: 'b' }))
    expect(cache.snapshot().keys[0]?.calls).toEqual({
      succeeded: 2,
      failed: 0,
      sumMs: 7030,
      maxMs: 7000,
      histogram: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1],
    })
  })

  it('counts a bounded number of keys one by one, and the others together', async () => {
    const { cache, source, total } = createGround()
    for (let index = 0; index < 300; index++) await cache.acquire(source.request({ id: `${index}`, keyArn: `key ${index}` }))
    const { keys } = cache.snapshot()
    expect(keys).toHaveLength(257)
    expect(keys.find(({ keyArn }) => keyArn === 'other')).toMatchObject({ misses: 44 })
    expect(total().misses).toBe(300)
  })
})

describe('statistics', () => {
  it('are values that do not change any more', async () => {
    const { cache, source } = createGround()
    await cache.acquire(source.request())
    const before = cache.snapshot()
    const copy = structuredClone(before)
    await cache.acquire(source.request())
    expect(before).toEqual(copy)
    expect(cache.snapshot()).not.toEqual(copy)
  })

  it('come to listeners as they happen, until they leave', async () => {
    const { cache, source } = createGround()
    const events: CacheEvent[] = []
    const unsubscribe = cache.subscribe((event) => void events.push(event))
    await times(2, () => cache.acquire(source.request()))
    await cache.acquire(source.request())
    await cache.acquire(source.request({ hasKdf: false }))
    cache.clear()
    unsubscribe()
    unsubscribe()
    await cache.acquire(source.request())
    expect(events.map(({ kind }) => kind)).toEqual(['call', 'miss', 'hit', 'hit', 'call', 'bypass', 'eviction'])
    expect(events.filter((event) => event.kind === 'hit').map(({ shared }) => shared)).toEqual([true, false])
  })

  it('are not harmed by listeners that throw, reject or ask the cache', async () => {
    const { cache, source, total } = createGround()
    cache.subscribe(() => {
      throw new Error('a listener of bad manners')
    })
    // oxlint-disable-next-line typescript/no-misused-promises -- what a listener must not be, and is
    cache.subscribe(async () => {
      throw new Error('a listener that is late')
    })
    cache.subscribe(({ kind }) => void (kind === 'eviction' && cache.acquire(source.request())))
    await times(3, () => cache.acquire(source.request({ policy: { ...LIMITS, maxMessages: 2 } })))
    await cache.acquire(source.request())
    expect(total().misses).toBe(source.keys.length)
    expect(cache.snapshot().listenerFailures).toBeGreaterThan(10)
  })

  it('have no room for listeners without end', () => {
    const { cache } = createGround()
    for (let index = 0; index < 100; index++) cache.subscribe(() => {})
    expect(() => cache.subscribe(() => {})).toThrow(RangeError)
  })
})
