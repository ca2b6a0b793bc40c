import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'
import { parseRecord } from '../../shared/cloudtrail/record.ts'
import { type EpochS, HOUR_S } from '../../shared/time.ts'
import { createContextDigester } from '../../shared/usage/context-digest.ts'
import { countMessages } from '../../shared/usage/count-messages.ts'
import type { QueueMessage } from '../../shared/queue-message.ts'
import { readUsage } from '../../shared/usage/read-usage.ts'
import { rollUpHours } from '../../shared/usage/roll-up-hours.ts'
import { EVENT_AGE_S_MAX } from '../../shared/usage/usage-message.ts'
import { createUsageReader } from '../../shared/usage/usage-reader.ts'
import { DIMENSIONS, usageReport } from '../../shared/usage/usage-report.ts'
import type { UsageStore } from '../../shared/usage/usage-store.ts'
import { createUseLedger, type UseTally } from '../../shared/usage/use-ledger.ts'
import { arbitraryMess, arbitraryTrail, createDice, type Dice, type Json, writeJson } from '../support/arbitrary-trail.ts'
import { createMemoryUsageStore, createUnsteadyStore, type Fate } from '../support/memory-usage-store.ts'

const BASE_S = 1_790_002_800
const NOW = (BASE_S + 6 * HOUR_S) as EpochS
const OLDEST_S = NOW - EVENT_AGE_S_MAX
const ACCOUNTS = ['111122223333', '444455556666', '777788889999', '999999999999']
const STRANGER = '123412341234'
const reader = {
  accounts: new Set(ACCOUNTS.map((id): AccountId | null => parseAccountId(id)).filter((id) => id !== null)),
  now: NOW,
  digestOf: createContextDigester(Buffer.from('a key for tests')),
}
/** When all hours of the tests are over. */
const AFTERWARDS = { now: (NOW + 2 * HOUR_S) as EpochS, remainingMs: () => 60_000 }
/** The hours that calls of the tests fall into, those that are too old included. */
const SPANS = [
  { since: Math.floor(OLDEST_S / HOUR_S - 2) * HOUR_S, until: Math.ceil(OLDEST_S / HOUR_S + 1) * HOUR_S },
  { since: BASE_S - HOUR_S, until: NOW + HOUR_S },
] as const

/** How often what could be counted wrongly occurred. */
const seen = new Map<string, number>()
function see(name: string, times: number | boolean = true): void {
  seen.set(name, (seen.get(name) ?? 0) + Number(times))
}

/** Gives the copies of one call times that lie a minute apart at most, as AWS does; calls stand near the edges of hours, and some are old. */
function timed(items: readonly Json[], dice: Dice): readonly Json[] {
  const secondOf = new Map<string, number>()
  return items.map((item) => {
    const record = parseRecord(item)
    if (!record.ok || record.value.eventTime === null) return item
    let second = secondOf.get(record.value.identity)
    if (second === undefined) {
      const hour = dice.oneIn(12) ? OLDEST_S - HOUR_S : BASE_S + HOUR_S * dice.below(4)
      second = hour + dice.pick([dice.below(HOUR_S), HOUR_S - 30, -20])
      secondOf.set(record.value.identity, second)
    }
    const copySecond = second + dice.below(55)
    see('copies on both sides of an hour', hourOf(second) !== hourOf(copySecond))
    see('calls too old to be counted', copySecond < OLDEST_S)
    const eventTime = new Date(copySecond * 1000).toISOString().replace('.000', '')
    return { ...(item as Readonly<Record<string, Json>>), eventTime }
  })
}

function hourOf(second: number): number {
  return Math.floor(second / HOUR_S)
}

/** An event as it reaches the queue, and whether what it says may be counted. */
type Sent = { readonly body: string; readonly record: Json | undefined }

function sent(detail: Json, dice: Dice): Sent {
  const record = parseRecord(detail)
  const account = record.ok ? (record.value.recipientAccountId ?? ACCOUNTS[0] ?? '') : (ACCOUNTS[0] ?? '')
  const event = { version: '0', id: 'x', 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.kms', account, detail }
  const write = (value: Json): string => writeJson(value, dice.oneIn(3) ? dice : createDice(0))
  switch (dice.below(16)) {
    case 1:
      see('a forged source')
      return { body: write({ ...event, source: 'keytrail.test' }), record: undefined }
    case 2:
      see('an account that is not audited')
      return { body: write({ ...event, account: STRANGER }), record: undefined }
    case 3:
      see('a message cut off')
      return { body: write(event).slice(0, -5), record: undefined }
    default:
      return { body: write(event), record: detail }
  }
}

const usage = createUsageReader({ since: OLDEST_S as EpochS, until: (NOW + HOUR_S + 1) as EpochS })

/** The totals of `keytrail usage` over these records, of the time that the live path counts. */
function totalsOfUsage(records: readonly Json[]): unknown {
  for (const record of records) usage.feed(Buffer.from(`${JSON.stringify(record)}\n`))
  const ledger = createUseLedger()
  ledger.add(usage.finish().uses)
  return totals(ledger.tally({ byHour: true }).tallies)
}

async function totalsOf(store: UsageStore): Promise<unknown> {
  const spans = SPANS.map(({ since, until }) => readUsage(store, { since: since as EpochS, until: until as EpochS }))
  return totals((await Promise.all(spans)).flat())
}

function totals(tallies: readonly UseTally[]): unknown {
  const { calls, unattributed, dryRuns } = usageReport({ records: 0, duplicates: 0, tallies, malformed: [], skipped: [] }, DIMENSIONS)
  return { calls, unattributed, dryRuns }
}

const FATES: readonly [Fate, ...Fate[]] = ['failsBefore', 'failsAfter', 'goesDown']
const ROUNDS_MAX = 60

/** Two writers and a roll-up side by side until the queue is empty; what a store fails at comes again. */
async function playThrough(store: UsageStore, bodies: readonly string[], dice: Dice): Promise<void> {
  let queue: QueueMessage[] = [...dice.shuffled(bodies)].map((body, index) => ({ id: `m${index}`, body, sentAt: NOW }))
  let faultsLeft = dice.below(6)
  const turn = async (): Promise<void> => {
    for (let ticks = dice.pick([0, 1, dice.below(6), dice.below(40)]); ticks > 0; ticks--) await Promise.resolve()
  }
  const unsteady = (): UsageStore => {
    let callsUntilFault = faultsLeft > 0 && dice.oneIn(2) ? dice.below(9) : Infinity
    return createUnsteadyStore(
      store,
      () => {
        if (callsUntilFault-- > 0) return 'done'
        callsUntilFault = Infinity
        faultsLeft--
        const fate = dice.pick(FATES)
        see(fate)
        return fate
      },
      turn,
    )
  }

  async function write(batch: readonly QueueMessage[]): Promise<void> {
    let remaining = dice.oneIn(8) ? 0 : 60_000
    const unsteadyStore = unsteady()
    const { failed } = await countMessages(batch, { reader, store: unsteadyStore, remainingMs: () => remaining, newToken: randomUUID })
    remaining = 0
    see('messages that come again', failed.length)
    const again = new Set(failed)
    // An invocation that is ended from outside has said nothing: all of it comes again, counted or not.
    const isEnded = dice.oneIn(10)
    see('an invocation that said nothing', isEnded)
    queue = [...dice.shuffled([...queue, ...batch.filter(({ id }) => isEnded || again.has(id))])]
  }

  async function rollUp(): Promise<void> {
    try {
      see('roll-ups broken off', (await rollUpHours(unsteady(), AFTERWARDS)).failed.length)
    } catch {
      see('roll-ups that did not begin')
    }
  }

  for (let round = 0; queue.length > 0; round++) {
    expect(round, 'rounds').toBeLessThan(ROUNDS_MAX)
    const take = (): readonly QueueMessage[] => queue.splice(0, 1 + dice.below(queue.length))
    const work = [write(take()), ...(queue.length > 0 ? [write(take())] : [])]
    see('two writers at once', work.length - 1)
    for (let rollUps = dice.below(3); rollUps > 0; rollUps--) work.push(rollUp())
    await Promise.all(work)
  }
}

const anySeed = fc.nat({ max: 2 ** 31 })

describe('the live path', () => {
  it('comes to the totals of usage, whatever befalls events, batches, writers and the store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(arbitraryTrail, arbitraryMess), anySeed, async (items, seed) => {
        const dice = createDice(seed)
        const events = timed(items, dice).map((item) => sent(item, dice))
        const expected = totalsOfUsage(events.flatMap(({ record }) => (record === undefined ? [] : [record])))
        const repeated = events.flatMap(({ body }) => Array.from({ length: dice.oneIn(3) ? 3 : 1 }, () => body))
        see('events that come several times', repeated.length - events.length)
        const store = createMemoryUsageStore()
        await playThrough(store, repeated, dice)
        see('hours still to be rolled up', (await store.markedHours(100)).length)
        expect(await totalsOf(store), 'before the last roll-up').toEqual(expected)
        const last = await rollUpHours(store, AFTERWARDS)
        expect(last).toMatchObject({ failed: [], left: [] })
        expect(await store.markedHours(1)).toEqual([])
        expect(await totalsOf(store), 'after it').toEqual(expected)
        seeTotals(expected, store.parked)
      }),
      { numRuns: 50 },
    )
    expect(CASES.filter((name) => (seen.get(name) ?? 0) < 1).map((name) => [name, seen.get(name)])).toEqual([])
  })
})

describe('roll-ups', () => {
  it('lose nothing where several run at once while calls come in', async () => {
    let kept = 0
    await fc.assert(
      fc.asyncProperty(anySeed, async (seed) => {
        const dice = createDice(seed)
        const store = createMemoryUsageStore()
        const slow = createUnsteadyStore(
          store,
          () => 'done',
          async () => {
            for (let ticks = dice.oneIn(8) ? 200 : dice.below(20); ticks > 0; ticks--) await Promise.resolve()
          },
        )
        const calls = Array.from({ length: 12 }, (_, index) => callNumber(index))
        const write = async (mine: readonly Json[]): Promise<void> => {
          for (const call of mine) await count(slow, call)
        }
        const rollUps = async (): Promise<void> => {
          for (let run = 0; run < 6; run++) {
            const result = await rollUpHours(slow, AFTERWARDS)
            kept += result.rolledUp.length > 0 && (await store.markedHours(1)).length > 0 ? 1 : 0
          }
        }
        await Promise.all([write(calls.slice(0, 6)), write(calls.slice(6)), rollUps(), rollUps(), rollUps()])
        expect(await totalsOf(store), 'while hours are marked').toEqual(totalsOfUsage(calls))
        await rollUpHours(store, AFTERWARDS)
        expect(await totalsOf(store)).toEqual(totalsOfUsage(calls))
      }),
      { numRuns: 50 },
    )
    expect(kept, 'marks that had to stay').toBeGreaterThan(0)
  })

  it('that come late do not replace those made of more segments', async () => {
    const store = createMemoryUsageStore()
    const gate = Promise.withResolvers<undefined>()
    const reached = Promise.withResolvers<undefined>()
    const held: UsageStore = {
      ...store,
      putRollUp: async (hour, rollUp) => {
        reached.resolve(undefined)
        await gate.promise
        return store.putRollUp(hour, rollUp)
      },
    }
    await count(store, callNumber(1))
    const late = rollUpHours(held, AFTERWARDS)
    await reached.promise
    await count(store, callNumber(2))
    expect(await rollUpHours(store, AFTERWARDS)).toMatchObject({ rolledUp: [BASE_S], superseded: [] })
    gate.resolve(undefined)
    expect(await late).toMatchObject({ rolledUp: [], superseded: [BASE_S] })
    expect(await store.markedHours(1)).toEqual([])
    expect(await totalsOf(store)).toEqual(totalsOfUsage([callNumber(1), callNumber(2)]))
  })
})

async function count(store: UsageStore, call: Json): Promise<void> {
  const event = { 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.kms', account: ACCOUNTS[0], detail: call }
  const message = { id: 'm', body: JSON.stringify(event), sentAt: NOW }
  await countMessages([message], { reader, store, remainingMs: () => 60_000, newToken: randomUUID })
}

function callNumber(n: number): Json {
  const eventTime = new Date((BASE_S + 1800) * 1000).toISOString().replace('.000', '')
  return {
    eventSource: 'kms.amazonaws.com',
    eventName: 'Decrypt',
    eventID: `call ${n}`,
    eventTime,
    recipientAccountId: ACCOUNTS[0] ?? '',
  }
}

const CASES = [
  'a forged source',
  'an account that is not audited',
  'a message cut off',
  'failsBefore',
  'failsAfter',
  'goesDown',
  'messages that come again',
  'an invocation that said nothing',
  'two writers at once',
  'events that come several times',
  'hours still to be rolled up',
  'calls',
  'copies on both sides of an hour',
  'calls too old to be counted',
  'roll-ups broken off',
  'unattributed',
  'dry runs',
  'parked',
]

function seeTotals(expected: unknown, parked: ReadonlyMap<string, string>): void {
  const { calls, unattributed, dryRuns } = expected as { calls: unknown[]; unattributed: unknown[]; dryRuns: number }
  see('calls', calls.length)
  see('unattributed', unattributed.length)
  see('dry runs', dryRuns)
  see('parked', parked.size)
}
