import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeyLease } from '../../shared/cache/cached-key.ts'
import { createDataKeyCache, type DataKeyCache } from '../../shared/cache/data-key-cache.ts'
import { totalStatistics } from '../../shared/cache/statistics.ts'
import { CAPACITY, LIMITS, Model, type Name, NAMES } from '../support/cache-model.ts'
import { isZero } from '../support/fake-keyring.ts'
import type { SourcedKey } from '../support/key-source.ts'

/** The cache with its clock, its fetches, and what every request got. */
type Real = {
  readonly cache: DataKeyCache
  readonly clock: { ms: number }
  readonly fetches: { readonly name: Name; readonly answer: PromiseWithResolvers<SourcedKey>; key: SourcedKey | null }[]
  readonly got: (KeyLease<SourcedKey> | Error | null)[]
  readonly released: Set<number>
}

type Command = fc.AsyncCommand<Model, Real>

function command(name: string, check: (model: Model) => boolean, run: (model: Model, real: Real) => void): Command {
  return {
    check,
    async run(model, real) {
      run(model, real)
      await new Promise(setImmediate)
      compare(model, real)
    },
    toString: () => name,
  }
}

function ask(name: Name, bytes: number | null): Command {
  return command(
    `ask(${name}, ${bytes})`,
    () => true,
    (model, { cache, fetches, got }) => {
      model.ask(name, bytes)
      const at = got.push(null) - 1
      const request = {
        id: name,
        operation: NAMES[name].operation,
        policy: LIMITS,
        hasKdf: true,
        plaintextBytes: bytes,
        fetch: (timed: <Answer>(call: () => Promise<Answer>) => Promise<Answer>) => {
          const answer = Promise.withResolvers<SourcedKey>()
          fetches.push({ name, answer, key: null })
          return timed(() => answer.promise)
        },
      }
      cache.acquire<SourcedKey>(request).then(
        (lease) => (got[at] = lease),
        (error: unknown) => (got[at] = error as Error),
      )
    },
  )
}

/** The n-th (mod) of the numbers that have the property. */
function pick<Item>(items: readonly Item[], n: number, has: (item: Item, index: number) => boolean): number {
  const numbers = items.map((_, index) => index).filter((index) => has(items[index] as Item, index))
  return numbers[n % numbers.length] ?? -1
}

function settle(n: number, state: 'there' | 'failed'): Command {
  return command(
    `settle(${n}, ${state})`,
    (model) => model.keys.some((key) => key.state === 'asked'),
    (model, { fetches }) => {
      const number = pick(model.keys, n, (key) => key.state === 'asked')
      model.settle(number, state)
      const fetched = fetches[number]
      if (fetched === undefined) throw new Error('the cache did not ask')
      if (state === 'failed') return fetched.answer.reject(new Error(`fetch ${number}`))
      fetched.key = { id: fetched.name, dataKey: { bytes: new Uint8Array(8).fill(1), wrappedBy: NAMES[fetched.name].keyArn } }
      fetched.answer.resolve(fetched.key)
    },
  )
}

function isLease(got: Real['got'][number]): boolean {
  return got !== null && !(got instanceof Error)
}

function release(n: number): Command {
  return command(
    `release(${n})`,
    () => true,
    (model, { got, released }) => {
      const at = pick(got, n, (one, index) => isLease(one) && !released.has(index))
      const lease = got[at]
      if (lease === undefined || lease === null || lease instanceof Error) return
      released.add(at)
      lease.release()
      const key = model.keys[model.keyOfRequest[at] ?? -1]
      if (key !== undefined) key.inUse--
      // A second time changes nothing.
      lease.release()
    },
  )
}

function advance(ms: number): Command {
  return command(
    `advance(${ms})`,
    () => true,
    (model, { clock }) => {
      model.nowMs += ms
      clock.ms += ms
    },
  )
}

function clear(keyArn: string | null): Command {
  return command(
    `clear(${keyArn})`,
    () => true,
    (model, { cache }) => {
      const leaving = model.inCache.filter((key) => keyArn === null || key.state === 'asked' || NAMES[key.name].keyArn === keyArn)
      for (const key of leaving) model.remove(key, 'cleared')
      expect(keyArn === null ? cache.clear() : cache.clear(keyArn)).toBe(leaving.length)
    },
  )
}

function compare(model: Model, { cache, fetches, got }: Real): void {
  expect(fetches.map(({ name }) => name)).toEqual(model.keys.map(({ name }) => name))
  expect(fetches.map(({ key }) => key !== null && isZero(key.dataKey.bytes))).toEqual(model.keys.map((key) => model.isOverwritten(key)))
  const expected = model.keyOfRequest.map((number) => {
    const state = model.keys[number]?.state
    return state === 'asked' ? null : state === 'failed' ? `Error: fetch ${number}` : fetches[number]?.key
  })
  expect(got.map((one) => (one === null ? null : one instanceof Error ? String(one) : one.materials))).toEqual(expected)
  for (const [at, one] of got.entries()) {
    if (one !== null && !(one instanceof Error)) expect(one.materials).toBe(expected[at])
  }
  const statistics = cache.snapshot()
  expect(statistics.entries).toBe(model.inCache.length)
  expect(statistics.entries).toBeLessThanOrEqual(CAPACITY)
  compareNumbers(model, totalStatistics(statistics))
}

function compareNumbers(model: Model, total: ReturnType<typeof totalStatistics>): void {
  const there = model.keys.filter(({ state }) => state === 'there')
  const failed = model.keys.filter(({ state }) => state === 'failed')
  const kept = there.filter(({ isKept }) => isKept)
  const bypassed = model.keys.filter(({ isKept, state }) => !isKept && state !== 'asked')
  const failures = failed.reduce((sum, { reserved }) => sum + reserved.length, 0)
  const keptFailures = failed.filter(({ isKept }) => isKept).reduce((sum, { reserved }) => sum + reserved.length, 0)
  expect({
    hits: total.hits,
    misses: total.misses,
    bypasses: total.bypasses.unknownLength + total.bypasses.overMaxBytes,
    failures: total.failures,
    messages: total.messages,
    bytes: total.bytes,
    evictions: total.evictions,
    calls: [total.calls.succeeded, total.calls.failed],
  }).toEqual({
    hits: kept.reduce((sum, { reserved }) => sum + reserved.length - 1, 0),
    misses: kept.length + keptFailures,
    bypasses: bypassed.length,
    failures,
    messages: there.reduce((sum, { reserved }) => sum + reserved.length, 0),
    bytes: there.flatMap(({ reserved }) => reserved).reduce((sum, one) => sum + one, 0),
    evictions: Object.fromEntries(
      (['age', 'messages', 'bytes', 'capacity', 'cleared'] as const).map((cause) => [
        cause,
        kept.filter(({ gone }) => gone === cause).length,
      ]),
    ),
    calls: [there.length, failed.length],
  })
}

const seen = new Set<string>()

function see(model: Model): void {
  for (const key of model.keys) {
    if (!key.isKept) seen.add('bypass')
    if (key.reserved.length > 1) seen.add(key.state === 'failed' ? 'shared failure' : 'shared')
    if (key.gone !== null) seen.add(`gone: ${key.gone}`)
    if (model.isOverwritten(key)) seen.add('overwritten')
  }
}

describe('a data key cache, beside a plain model', () => {
  it('does the same in any order of requests, answers, failures, releases, waits and clears', async () => {
    const name = fc.constantFrom<Name>('a', 'a', 'a', 'b', 'c', 'd', 'd')
    const bytes = fc.oneof(
      { arbitrary: fc.constantFrom(0, 1, 30, 50), weight: 8 },
      { arbitrary: fc.constantFrom(100, 101, null), weight: 1 },
    )
    const commands = [
      fc.tuple(name, bytes).map(([one, count]) => ask(one, count)),
      fc.tuple(name, bytes).map(([one, count]) => ask(one, count)),
      fc.tuple(fc.nat(9), fc.constantFrom('there', 'there', 'there', 'failed')).map(([n, state]) => settle(n, state as 'there')),
      fc.tuple(fc.nat(9), fc.constantFrom('there', 'there', 'there', 'failed')).map(([n, state]) => settle(n, state as 'there')),
      fc.nat(9).map(release),
      fc.constantFrom(1, 4, 10, 11).map(advance),
      fc.constantFrom('first', 'second', null).map(clear),
    ]
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (run) => {
        const clock = { ms: 0 }
        const real: Real = {
          cache: createDataKeyCache({ capacity: CAPACITY, nowMs: () => clock.ms }),
          clock,
          fetches: [],
          got: [],
          released: new Set(),
        }
        const model = new Model()
        await fc.asyncModelRun(() => ({ model, real }), run)
        see(model)
      }),
      { numRuns: 150 },
    )
    // Every promise was put to the test.
    expect([...seen].toSorted()).toEqual(
      [
        'bypass',
        'shared',
        'shared failure',
        'gone: age',
        'gone: bytes',
        'gone: capacity',
        'gone: cleared',
        'gone: messages',
        'overwritten',
      ].toSorted(),
    )
  })
})
