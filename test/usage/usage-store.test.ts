import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTable, type Table } from '../../shared/aws/table.ts'
import { createUsageTable } from '../../shared/aws/usage-table.ts'
import { type EpochS, HOUR_S } from '../../shared/time.ts'
import type { ParkedMessage } from '../../shared/queue-message.ts'
import type { Segment } from '../../shared/usage/segment.ts'
import type { StoredRollUp, UsageStore } from '../../shared/usage/usage-store.ts'
import { type Ground, openGround } from '../local/ground.ts'
import { createMemoryUsageStore, StoreFailure } from '../support/memory-usage-store.ts'
import { createUsageTables, type StoredItem, type UsageTables } from '../support/usage-tables.ts'

const HOUR = (Date.parse('2026-10-20T06:00:00Z') / 1000) as EpochS
const NEXT = (HOUR + HOUR_S) as EpochS
const DAY_S = 24 * HOUR_S

let ground: Ground
let tables: UsageTables

beforeAll(async () => {
  ground = await openGround()
  tables = createUsageTables(ground.client)
})

afterAll(async () => {
  tables.destroy()
  await ground.close()
})

function segment(shard: string, hour: EpochS = HOUR, bytes: Uint8Array = Buffer.from(`${hour} ${shard}`)): Segment {
  return { hour, shard, id: createHash('sha256').update(bytes).digest('hex').slice(0, 32), count: 1, bytes }
}

async function textsIn(store: UsageStore, hour: EpochS, shard: string): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const bytes of store.segments(hour, shard)) texts.push(shown(bytes))
  return texts.toSorted()
}

/** A text that is short even where it does not fit what was expected. */
function shown(bytes: Uint8Array): string {
  return bytes.length > 100 ? `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex')}` : Buffer.from(bytes).toString()
}

function rollUp(segmentCount: number, ...parts: readonly string[]): StoredRollUp {
  return { segmentCount, parts: parts.map((part) => Buffer.from(part)) }
}

async function readBack(store: UsageStore, hour: EpochS = HOUR): Promise<unknown> {
  const found = await store.rollUp(hour)
  return found === null ? null : rollUp(found.segmentCount, ...found.parts.map((part) => Buffer.from(part).toString()))
}

const pk = (text: string): StoredItem => ({ pk: { S: text } })
const PARKED: ParkedMessage = { messageId: 'm1', sentAt: (HOUR + 61) as EpochS, kind: 'malformed', reason: 'no JSON', body: 'zoë' }

type Stores = { readonly store: UsageStore; parked(): Promise<readonly string[]> }
const STORES: readonly { readonly title: string; open(): Promise<Stores> }[] = [
  {
    title: 'the store of the tests',
    async open() {
      const store = createMemoryUsageStore()
      return { store, parked: async () => [...store.parked.keys()] }
    },
  },
  {
    title: 'the table',
    async open() {
      const table = await tables.newTable()
      const parked = async (): Promise<readonly string[]> =>
        (await tables.itemsOf(table)).filter((item) => item['pk']?.S?.startsWith('parked#')).map((item) => item['sk']?.S ?? '')
      return { store: createUsageTable(table), parked }
    },
  },
]

const SHARDS = ['', '0', '00', '01', '011', '0110', '1', '10']
const ASKED: readonly (readonly [shard: string, found: readonly string[]])[] = [
  ['', SHARDS],
  ['0', ['', '0', '00', '01', '011', '0110']],
  ['01', ['', '0', '01', '011', '0110']],
  ['0111', ['', '0', '01', '011']],
  ['1', ['', '1', '10']],
  ['11', ['', '1']],
]

describe.each(STORES)('$title', ({ open }) => {
  it('gives the segments of a shard, of its parts and of those it is a part of', async () => {
    const { store } = await open()
    for (const hour of [HOUR, NEXT]) for (const shard of SHARDS) await store.putSegment(segment(shard, hour))
    for (const [shard, found] of ASKED)
      expect(await textsIn(store, HOUR, shard), shard).toEqual(found.map((each) => `${HOUR} ${each}`).toSorted())
    expect(await textsIn(store, (HOUR - HOUR_S) as EpochS, '')).toEqual([])
  })

  it('gives each of more segments than a page holds once', async () => {
    const { store } = await open()
    const large = Array.from({ length: 8 }, (_, index) => segment(index % 2 === 0 ? '' : '01', HOUR, Buffer.alloc(300_000, `${index}`)))
    for (const each of large) await store.putSegment(each)
    for (const shard of ['', '0', '011'])
      expect(await textsIn(store, HOUR, shard), shard).toEqual(large.map(({ bytes }) => shown(bytes)).toSorted())
  })

  it('takes a segment again without effect', async () => {
    const { store } = await open()
    for (let times = 0; times < 3; times++) await store.putSegment(segment('0'))
    expect(await textsIn(store, HOUR, '')).toHaveLength(1)
  })

  it('takes a mark away with its own token only', async () => {
    const { store } = await open()
    await store.markHour({ hour: NEXT, token: 'next' })
    await store.markHour({ hour: HOUR, token: 'old' })
    await store.markHour({ hour: HOUR, token: 'new' })
    await store.unmarkHour({ hour: HOUR, token: 'old' })
    const marks = await store.markedHours(10)
    expect(marks.toSorted((a, b) => a.hour - b.hour)).toEqual([
      { hour: HOUR, token: 'new' },
      { hour: NEXT, token: 'next' },
    ])
    expect(await store.markedHours(1)).toHaveLength(1)
    await store.unmarkHour({ hour: HOUR, token: 'new' })
    await store.unmarkHour({ hour: HOUR, token: 'new' })
    expect(await store.markedHours(10)).toEqual([{ hour: NEXT, token: 'next' }])
  })

  it('replaces a roll-up unless one of more segments is there', async () => {
    const { store } = await open()
    expect(await readBack(store)).toBeNull()
    const steps: readonly (readonly [StoredRollUp, 'written' | 'superseded', StoredRollUp])[] = [
      [rollUp(2, 'a', 'b', 'c'), 'written', rollUp(2, 'a', 'b', 'c')],
      [rollUp(1, 'x', 'y', 'z', 'q'), 'superseded', rollUp(2, 'a', 'b', 'c')],
      [rollUp(2, 'd'), 'written', rollUp(2, 'd')],
      [rollUp(2, 'd'), 'written', rollUp(2, 'd')],
      [rollUp(3, 'd'), 'written', rollUp(3, 'd')],
      [rollUp(2, 'd'), 'superseded', rollUp(3, 'd')],
    ]
    for (const [put, answer, there] of steps) {
      expect(await store.putRollUp(HOUR, put)).toBe(answer)
      expect(await readBack(store)).toEqual(there)
    }
    expect(await readBack(store, NEXT)).toBeNull()
  })

  it('keeps a roll-up of more parts than a page holds in their order', async () => {
    const { store } = await open()
    const parts = Array.from({ length: 12 }, (_, index) => String.fromCharCode(0x61 + index).repeat(200_000))
    await store.putRollUp(HOUR, rollUp(1, ...parts))
    expect((await store.rollUp(HOUR))?.parts.map(shown)).toEqual(rollUp(1, ...parts).parts.map(shown))
  })

  it('parks a message once', async () => {
    const { store, parked } = await open()
    for (const messageId of ['m1', 'm1', 'm2']) await store.park({ ...PARKED, messageId })
    expect((await parked()).toSorted()).toEqual(['m1', 'm2'])
  })
})

describe('the items of the table', () => {
  it('end by themselves: segments a day after events are too old to be added, roll-ups after 400 days', async () => {
    const table = await tables.newTable()
    const store = createUsageTable(table)
    await store.putSegment(segment('0'))
    await store.markHour({ hour: HOUR, token: 't' })
    await store.putRollUp(HOUR, rollUp(1, 'a', 'b'))
    await store.park(PARKED)
    const items = (await tables.itemsOf(table)).map((item) => [item['pk']?.S, Number(item['expiresAt']?.N)] as const)
    expect(items.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))).toEqual([
      ['mark', HOUR + 36 * DAY_S],
      ['parked#2026-10-20', PARKED.sentAt + 35 * DAY_S],
      ...Array.from({ length: 3 }, () => ['roll-up#2026-10-20T06:00Z', HOUR + 400 * DAY_S]),
      ['rolled-up', HOUR + 400 * DAY_S],
      ['segment#2026-10-20T06:00Z', HOUR + 36 * DAY_S],
    ])
  })

  it('tell which hours of a time have a roll-up', async () => {
    const store = createUsageTable(await tables.newTable())
    const hours = [0, 1, 2, 30].map((count) => (HOUR + count * 3600) as EpochS)
    for (const hour of hours) await store.putRollUp(hour, rollUp(1, 'a'))
    const [first, second, third, last] = hours
    if (first === undefined || last === undefined) throw new Error('no hours')
    expect(await store.rolledUpHours(first, last)).toEqual(new Set([first, second, third]))
    expect(await store.rolledUpHours((first + 3600) as EpochS, (last + 3600) as EpochS)).toEqual(new Set([second, third, last]))
    expect(await store.rolledUpHours((last + 3600) as EpochS, (last + 7200) as EpochS)).toEqual(new Set())
  })

  it('keep nothing of a roll-up that was replaced or came late', async () => {
    const table = await tables.newTable()
    const store = createUsageTable(table)
    await store.putRollUp(HOUR, rollUp(2, 'a', 'b', 'c'))
    await store.putRollUp(HOUR, rollUp(3, 'd', 'e'))
    await store.putRollUp(HOUR, rollUp(2, 'f', 'g'))
    expect(await tables.itemsOf(table)).toHaveLength(1 + 1 + 2)
  })

  const FOREIGN: readonly (readonly [lack: string, StoredItem, (store: UsageStore) => Promise<unknown>])[] = [
    ['lacks bytes', { ...pk('segment#2026-10-20T06:00Z'), sk: { S: '0#1' } }, (store) => textsIn(store, HOUR, '0')],
    ['lacks bytes', { ...pk('segment#2026-10-20T06:00Z'), sk: { S: '#1' }, bytes: { S: 'a' } }, (store) => textsIn(store, HOUR, '0')],
    ['lacks token', { ...pk('mark'), sk: { S: '2026-10-20T06:00Z' } }, (store) => store.markedHours(10)],
    ['an entry without an hour', { ...pk('mark'), sk: { S: 'soon' }, token: { S: 't' } }, (store) => store.markedHours(10)],
    ['lacks version', { ...pk('roll-up#2026-10-20T06:00Z'), sk: { S: 'head' } }, (store) => store.rollUp(HOUR)],
    ['lacks bytes', { ...pk('roll-up#2026-10-20T06:00Z'), sk: { S: 'part' } }, (store) => store.rollUp(HOUR)],
    [
      'lacks parts',
      { ...pk('roll-up#2026-10-20T06:00Z'), sk: { S: 'head' }, version: { S: 'v' }, segmentCount: { N: '1' } },
      (store) => store.rollUp(HOUR),
    ],
    [
      'lacks segmentCount',
      { ...pk('roll-up#2026-10-20T06:00Z'), sk: { S: 'head' }, version: { S: 'v' }, parts: { N: '0' } },
      (store) => store.rollUp(HOUR),
    ],
    [
      'the roll-up of 2026-10-20T06:00Z lacks a part',
      { ...pk('roll-up#2026-10-20T06:00Z'), sk: { S: 'head' }, version: { S: 'v' }, parts: { N: '1' }, segmentCount: { N: '1' } },
      (store) => store.rollUp(HOUR),
    ],
  ]
  it.each(FOREIGN)('that somebody else wrote are told: %s', async (lack, item, read) => {
    const table = await tables.newTable()
    await tables.client.send(new PutItemCommand({ TableName: table.name, Item: item }))
    await expect(read(createUsageTable(table))).rejects.toThrow(lack)
  })
})

const CALLS: readonly (readonly [name: string, (store: UsageStore) => Promise<unknown>])[] = [
  ['putSegment', (store) => store.putSegment(segment('0'))],
  ['markHour', (store) => store.markHour({ hour: HOUR, token: 't' })],
  ['park', (store) => store.park(PARKED)],
  ['segments', (store) => textsIn(store, HOUR, '0')],
  ['markedHours', (store) => store.markedHours(1)],
  ['unmarkHour', (store) => store.unmarkHour({ hour: HOUR, token: 't' })],
  ['rollUp', (store) => store.rollUp(HOUR)],
  ['rolledUpHours', (store) => store.rolledUpHours(HOUR, NEXT)],
  ['putRollUp', (store) => store.putRollUp(HOUR, rollUp(1, 'a'))],
]

describe('a table that cannot be used', () => {
  it.each(CALLS)('makes %s reject', async (_name, call) => {
    const missing = createTable(tables.client, 'missing')
    await expect(call(createUsageTable(missing)), 'no table').rejects.toThrow('resource not found')
    const other = await openGround()
    const unreachable = createUsageTables(other.client)
    await other.close()
    await expect(call(createUsageTable(createTable(unreachable.client, 'usage'))), 'no server').rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
    unreachable.destroy()
  })

  it.each(['before', 'after'] as const)(
    'in the middle of a roll-up (%s a call was done) leaves the old one or the new one',
    async (when) => {
      const [old, young] = [rollUp(3, 'a', 'b'), rollUp(5, 'c', 'd', 'e')]
      const seen: unknown[] = []
      for (let calls = 0; ; calls++) {
        const table = await tables.newTable()
        const store = createUsageTable(table)
        await store.putRollUp(HOUR, old)
        const outcome = await createUsageTable(failingAt(table, calls, when))
          .putRollUp(HOUR, young)
          .catch(String)
        if (outcome === 'written') break
        expect(outcome).toContain('the call failed')
        const there = await readBack(store)
        expect([old, young]).toContainEqual(there)
        seen.push(there)
        expect(await store.putRollUp(HOUR, young)).toBe('written')
        expect(await readBack(store)).toEqual(young)
      }
      // The hour's entry, three parts, the head, two parts to be removed.
      expect(seen).toHaveLength(7)
      expect(seen.filter((each) => JSON.stringify(each) === JSON.stringify(old))).toHaveLength(when === 'before' ? 5 : 4)
    },
  )
})

/** A table whose calls work but for the one that comes after so many. */
function failingAt(table: Table, calls: number, when: 'after' | 'before'): Table {
  let left = calls
  async function meet<Result>(run: () => Promise<Result>): Promise<Result> {
    const isFailing = left-- === 0
    if (isFailing && when === 'before') throw new StoreFailure('the call failed')
    const result = await run()
    if (isFailing) throw new StoreFailure('the call failed')
    return result
  }
  return {
    ...table,
    put: (item, condition) => meet(() => table.put(item, condition)),
    remove: (key, sortKey, condition) => meet(() => table.remove(key, sortKey, condition)),
  }
}
