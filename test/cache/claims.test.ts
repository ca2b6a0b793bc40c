import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Claim, claimOf, type Claims, claimsMiddleware, type ClaimsOptions, createClaims } from '../../shared/cache/claims.ts'
import { createDataKeyCache } from '../../shared/cache/data-key-cache.ts'
import type { KeyStatistics } from '../../shared/cache/statistics.ts'
import type { EpochS } from '../../shared/time.ts'
import { createKeySource } from '../support/key-source.ts'

const START_S = 1_790_000_000
const START = '2026-09-21T14:13:20Z'

function createGround(options: Partial<ClaimsOptions> = {}) {
  const clock = { second: START_S }
  const cache = createDataKeyCache({ capacity: 10, nowMs: () => 0 })
  const source = createKeySource()
  const sent: Claim[] = []
  const failures: unknown[] = []
  const claims = createClaims({
    cache,
    send: async (claim) => void sent.push(claim),
    instanceId: 'instance 1',
    now: () => clock.second as EpochS,
    onFailure: (error) => void failures.push(error),
    ...options,
  })
  const use = async (id = 'a'): Promise<void> => (await cache.acquire(source.request({ id, keyArn: `key of ${id}` }))).release()
  return { clock, cache, claims, use, sent, failures }
}

describe('claims', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('say what is new, cumulative since the start', async () => {
    const { clock, claims, use, sent } = createGround()
    await use('a')
    await use('b')
    clock.second += 60
    expect(await claims.flush()).toEqual({ kind: 'sent', keys: 2 })
    expect(await claims.flush()).toEqual({ kind: 'nothingNew' })
    clock.second += 60
    await use('a')
    expect(await claims.flush()).toEqual({ kind: 'sent', keys: 1 })
    expect(sent).toMatchObject([
      {
        format: 'keytrail.claims/1',
        instanceId: 'instance 1',
        startedAt: START,
        from: START,
        to: '2026-09-21T14:14:20Z',
        keys: [
          { keyArn: 'key of a', operation: 'GenerateDataKey', hits: 0, misses: 1, messages: 1, bytes: 10 },
          { keyArn: 'key of b', operation: 'GenerateDataKey', hits: 0, misses: 1, messages: 1, bytes: 10 },
        ],
      },
      {
        startedAt: START,
        from: '2026-09-21T14:14:20Z',
        to: '2026-09-21T14:15:20Z',
        keys: [{ keyArn: 'key of a', hits: 1, misses: 1, messages: 2, bytes: 20, calls: { succeeded: 1 } }],
      },
    ])
  })

  it('are a pure function of two states', async () => {
    const { cache, use } = createGround()
    const origin = { instanceId: 'i', startedAt: START_S as EpochS, from: START_S as EpochS, to: (START_S + 60) as EpochS }
    expect(claimOf(cache.snapshot(), null, origin)).toBe(null)
    await use('a')
    const before = cache.snapshot()
    await use('b')
    const after = cache.snapshot()
    expect(claimOf(after, after, origin)).toBe(null)
    expect(claimOf(after, before, origin)?.keys.map(({ keyArn }) => keyArn)).toEqual(['key of b'])
    expect(claimOf(after, null, origin)?.keys).toEqual(after.keys)
  })

  it('say after a failed send what that one would have said', async () => {
    let isDown = true
    const arrived: Claim[] = []
    const refusal = new Error('the queue is away')
    const { clock, claims, use, failures } = createGround({
      send: async (claim) => {
        if (isDown) throw refusal
        arrived.push(claim)
      },
    })
    await use('a')
    expect(await claims.flush()).toEqual({ kind: 'failed', error: refusal })
    clock.second += 10
    await use('b')
    expect(await claims.flush()).toEqual({ kind: 'failed', error: refusal })
    isDown = false
    expect(await claims.flush()).toEqual({ kind: 'sent', keys: 2 })
    expect(arrived).toMatchObject([{ from: START, to: '2026-09-21T14:13:30Z' }])
    expect(failures).toEqual([refusal, refusal])
  })

  it('never reject, even if the report of a failure fails', async () => {
    const { claims, use } = createGround({
      send: () => {
        throw new Error('at once')
      },
      onFailure: () => {
        throw new Error('no way to report')
      },
    })
    await use()
    expect(await claims.flush()).toMatchObject({ kind: 'failed' })
  })

  it('are sent one at a time; who comes meanwhile waits for one more', async () => {
    const sends: PromiseWithResolvers<void>[] = []
    const sizes: number[] = []
    const { claims, use } = createGround({
      send: (claim) => {
        const answer = Promise.withResolvers<void>()
        sends.push(answer)
        sizes.push(claim.keys[0]?.messages ?? 0)
        return answer.promise
      },
    })
    await use()
    const first = claims.flush()
    await use()
    const others = [claims.flush(), claims.flush(), claims.flush()]
    await use()
    expect(sends).toHaveLength(1)
    sends[0]?.resolve()
    await first
    const late = claims.flush()
    await new Promise(setImmediate)
    expect(sends).toHaveLength(2)
    sends[1]?.resolve()
    expect(await Promise.all(others)).toEqual(Array.from({ length: 3 }, () => ({ kind: 'sent', keys: 1 })))
    expect(await late).toEqual({ kind: 'nothingNew' })
    expect(sizes).toEqual([1, 3])
  })

  it('tell a span that does not run back with the time of day', async () => {
    const { clock, claims, use, sent } = createGround()
    clock.second -= 100
    await use()
    await claims.flush()
    expect(sent).toMatchObject([{ from: START, to: START }])
  })

  it('add up at the receiver to all that happened, whatever was lost, repeated and reordered', async () => {
    const steps = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('flush', 'lost')), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(steps, fc.infiniteStream(fc.nat()), async (run, dice) => {
        let isDown = false
        const arrived: Claim[] = []
        const { cache, claims, use } = createGround({
          send: async (claim) => {
            // A send that fails may have arrived all the same.
            if (!isDown || (dice.next().value ?? 0) % 2 === 0) arrived.push(claim, claim)
            if (isDown) throw new Error('no answer')
          },
        })
        for (const step of run) {
          isDown = step === 'lost'
          if (step === 'flush' || step === 'lost') await claims.flush()
          else await use(step)
        }
        isDown = false
        await claims.close()
        const shuffled = arrived.map((claim) => ({ claim, order: dice.next().value ?? 0 })).toSorted((a, b) => a.order - b.order)
        const latest = new Map<string, KeyStatistics>()
        for (const key of shuffled.flatMap(({ claim }) => claim.keys)) {
          if (key.messages >= (latest.get(key.keyArn)?.messages ?? 0)) latest.set(key.keyArn, key)
        }
        expect([...latest.values()].toSorted(byArn)).toEqual([...cache.snapshot().keys].toSorted(byArn))
      }),
    )
  })

  it('go out in an interval that holds no process up, until they are closed', async () => {
    vi.useFakeTimers()
    const { claims, use, sent } = createGround({ intervalMs: 5000 })
    await use()
    await vi.advanceTimersByTimeAsync(4999)
    expect(sent).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toHaveLength(1)
    await use()
    expect(await claims.close()).toEqual({ kind: 'sent', keys: 1 })
    await use()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toHaveLength(2)
  })

  it('fit one message, however many keys there are', async () => {
    const { cache, claims, sent } = createGround()
    const source = createKeySource()
    for (const operation of ['GenerateDataKey', 'Decrypt'] as const) {
      for (let index = 0; index < 300; index++) {
        const keyArn = `${index} ${'k'.repeat(256)}`
        ;(await cache.acquire(source.request({ id: `${operation} ${index}`, operation, keyArn }))).release()
      }
    }
    await claims.flush()
    expect(Buffer.byteLength(JSON.stringify(sent[0]))).toBeLessThan(1_048_576 / 2)
  })

  it.each([{ intervalMs: 0 }, { intervalMs: 999 }, { intervalMs: Number.NaN }, { intervalMs: 2 ** 31 }, { instanceId: '' }])(
    'are refused with %o',
    (options) => {
      expect(() => createGround(options)).toThrow(RangeError)
    },
  )
})

function byArn(a: KeyStatistics, b: KeyStatistics): number {
  return a.keyArn < b.keyArn ? -1 : 1
}

describe('at the end of an invocation', () => {
  const context = { callbackWaitsForEmptyEventLoop: true } as Context
  const failing = { flush: async () => ({ kind: 'failed', error: new Error('the queue is away') }) } satisfies Pick<Claims, 'flush'>

  it('claims are sent before the answer', async () => {
    const { claims, use, sent } = createGround()
    const handler = middy(async () => {
      await use()
      return 'done'
    }).use(claimsMiddleware(claims))
    expect(await handler({}, context)).toBe('done')
    expect(sent).toMatchObject([{ keys: [{ messages: 1 }] }])
  })

  it('claims are sent when the invocation failed', async () => {
    const { claims, use, sent } = createGround()
    const failure = new Error('in the handler')
    const handler = middy(async () => {
      await use()
      throw failure
    }).use(claimsMiddleware(claims))
    await expect(handler({}, context)).rejects.toBe(failure)
    expect(sent).toHaveLength(1)
  })

  it('a queue that is away changes no answer', async () => {
    const handler = middy(async () => 'done').use(claimsMiddleware(failing))
    expect(await handler({}, context)).toBe('done')
  })
})
