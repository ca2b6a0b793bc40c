import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import type { Table } from '../../shared/aws/table.ts'
import type { FindingStore, KeptFinding } from '../../shared/findings/finding-store.ts'
import { type Ground, openGround } from '../local/ground.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { createUsageTables, type UsageTables } from '../support/usage-tables.ts'
import { key, kept, later, NOW, STATUSES } from './findings-ground.ts'
import { createMemoryTable } from './memory-table.ts'
import { counter, idsWith, outboxIds, written } from './store-calls.ts'

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

const STORES: readonly { readonly title: string; open(): Promise<FindingStore> }[] = [
  { title: 'the store of the tests', open: async () => createMemoryFindingStore() },
  { title: 'the table', open: async () => createFindingsTable(await tables.newTable(), counter()) },
  { title: 'the table over the table of the tests', open: async () => createFindingsTable(createMemoryTable(), counter()) },
]

describe.each(STORES)('$title', ({ open }) => {
  it('gives back what was written, by ID and by resource', async () => {
    const store = await open()
    const [one, other] = [await written(store, kept({ ruleId: 'kms-key-a' })), await written(store, kept({ ruleId: 'kms-key-b' }))]
    await written(store, kept({ resource: key('other') }))
    expect(await store.find(one.finding.id)).toEqual(one)
    expect(await store.find('0'.repeat(32))).toBeNull()
    const found = await store.ofResource(one.finding.resource)
    expect(found.toSorted((a, b) => (a.finding.ruleId < b.finding.ruleId ? -1 : 1))).toEqual([one, other])
    expect(await store.ofResource(key('none'))).toEqual([])
    expect(await store.ofResource({ ...one.finding.resource, region: 'us-east-2' })).toEqual([])
  })

  it('refuses who writes over what is not there any more', async () => {
    const store = await open()
    const first = await written(store, kept())
    expect(await store.write(kept(), null)).toBe('conflict')
    const second = await written(store, kept({ status: 'passing', version: 2 }), first.revision)
    expect(second.revision).not.toBe(first.revision)
    expect(await store.write(kept({ version: 3 }), first.revision)).toBe('conflict')
    expect(await store.write(kept({ resource: key('none') }), 'no such revision')).toBe('conflict')
    expect(await store.find(first.finding.id)).toEqual(second)
  })

  it('keeps one of two that write at once', async () => {
    const store = await open()
    const outcomes = await Promise.all([1, 2, 3, 4].map((version) => store.write(kept({ version }), null)))
    const winners = outcomes.filter((outcome) => outcome !== 'conflict')
    expect(winners).toHaveLength(1)
    expect(await store.find(kept().finding.id)).toEqual(winners[0])
  })

  it('puts what has something unannounced into the outbox, those that waited longest first', async () => {
    const store = await open()
    const waits = [50, 10, 30, 20, 40]
    for (const wait of waits)
      await written(
        store,
        kept({ resource: key(`k${wait}`) }, { unannounced: [{ from: null, to: 'failing', at: later(-wait), reason: '' }] }),
      )
    await written(store, kept({ resource: key('silent') }, { unannounced: [] }))
    const markers = await store.outbox(100)
    expect(markers.map(({ waitingSince }) => NOW - waitingSince)).toEqual([50, 40, 30, 20, 10])
    expect(markers.map(({ writtenAt }) => writtenAt)).toEqual(waits.map(() => NOW))
    expect(await store.outbox(2)).toEqual(markers.slice(0, 2))
  })

  it('takes out of the outbox what was announced, unless something was written since', async () => {
    const store = await open()
    const first = await written(store, kept({}, { attemptedAt: NOW }))
    const told = { mail: 1, hub: 1, events: 1 }
    const second = await written(store, { ...kept({ version: 2 }), attemptedAt: NOW }, first.revision)
    expect(await store.announced({ ...first, told })).toBe('conflict')
    expect(await outboxIds(store)).toEqual([first.finding.id])
    expect(await store.announced({ ...second, told, importedAt: NOW })).toBe('done')
    expect(await outboxIds(store)).toEqual([])
    const after = await store.find(first.finding.id)
    expect(after).toMatchObject({ unannounced: [], attemptedAt: null, told, importedAt: NOW, finding: { version: 2 } })
    expect(after?.revision).not.toBe(second.revision)
  })

  it('takes a marker away with its own token only', async () => {
    const store = await open()
    const first = await written(store, kept())
    const [old] = await store.outbox(1)
    await written(store, kept({ version: 2 }), first.revision)
    if (old !== undefined) await store.unmark(old)
    const [young] = await store.outbox(1)
    expect(young?.token).not.toBe(old?.token)
    if (young !== undefined) await store.unmark(young)
    expect(await store.outbox(1)).toEqual([])
  })

  it('lists findings by status, whatever they were before', async () => {
    const store = await open()
    let last: KeptFinding | null = null
    for (const [index, status] of [...STATUSES, ...STATUSES].entries()) {
      last = await written(store, kept({ status, version: index + 1 }), last?.revision ?? null)
      for (const each of STATUSES) expect(await idsWith(store, each), each).toEqual(each === status ? [last.finding.id] : [])
    }
    await written(store, kept({ status: 'gone', resource: key('other') }))
    expect(await idsWith(store, 'gone')).toHaveLength(2)
  })

  it('keeps a note of a missing action under its revision', async () => {
    const store = await open()
    const times = { mail: null, events: NOW }
    const note = { accountId: '1', action: 'kms:ListGrants', attemptedAt: NOW, tried: times, told: { mail: null, events: null } }
    expect(await store.access('1', 'kms:ListGrants')).toBeNull()
    const first = await store.noteAccess(note, null)
    if (first === 'conflict') throw new Error('nobody else writes here')
    expect(await store.access('1', 'kms:ListGrants')).toEqual(first)
    expect(await store.access('1', 'kms:ListGrant')).toBeNull()
    expect(await store.noteAccess(note, null)).toBe('conflict')
    expect(await store.noteAccess({ ...note, told: times }, first.revision)).toMatchObject({ told: times })
    expect(await store.noteAccess(note, first.revision)).toBe('conflict')
  })

  it('keeps when a digest was sent under its revision', async () => {
    const store = await open()
    expect(await store.digest()).toBeNull()
    const first = await store.noteDigest({ attemptedAt: NOW, sentAt: null }, null)
    if (first === 'conflict') throw new Error('nobody else writes here')
    expect(await store.digest()).toEqual({ attemptedAt: NOW, sentAt: null, revision: first.revision })
    expect(await store.noteDigest({ attemptedAt: NOW, sentAt: null }, null)).toBe('conflict')
    const second = await store.noteDigest({ attemptedAt: null, sentAt: NOW }, first.revision)
    expect(await store.noteDigest({ attemptedAt: null, sentAt: later(1) }, first.revision)).toBe('conflict')
    expect(await store.digest()).toEqual(second)
  })

  it('tells apart what is named alike, whatever it is named', async () => {
    const store = await open()
    const names = ['', '#', 'a#b', 'x'.repeat(65_536), 'a\nb', '<script>', '‮', 'status#failing']
    for (const name of names) await written(store, kept({ resource: key(name) }))
    for (const name of names)
      expect((await store.ofResource(key(name))).map(({ finding }) => finding.resource.arn)).toEqual([key(name).arn])
    expect(await idsWith(store, 'failing')).toHaveLength(names.length)
  })
})

describe('a table that cannot be used', () => {
  it('makes every call reject', async () => {
    const table = await tables.newTable()
    const broken: Table = { ...table, put: refuse, remove: refuse, query: () => refusing() }
    const store = createFindingsTable(broken, counter())
    const one = { ...kept(), revision: 'r' }
    const calls = [
      store.ofResource(key('a')),
      store.find('a'),
      store.write(kept(), null),
      store.outbox(1),
      store.announced(one),
      idsWith(store, 'failing'),
      store.access('1', 'a'),
      store.digest(),
    ]
    for (const call of await Promise.allSettled(calls)) expect(call).toMatchObject({ status: 'rejected', reason: { message: 'no table' } })
  })
})

async function refuse(): Promise<never> {
  throw new Error('no table')
}

async function* refusing(): AsyncGenerator<never> {
  yield await refuse()
}
