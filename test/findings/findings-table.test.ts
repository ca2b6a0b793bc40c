import { describe, expect, it } from 'vitest'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import type { Table } from '../../shared/aws/table.ts'
import { kept, NOW } from './findings-ground.ts'
import { createMemoryTable } from './memory-table.ts'
import { counter, idsWith, outboxIds, written } from './store-calls.ts'

describe('the items of the table', () => {
  it('end by themselves 400 days after the resource was gone, and none before', async () => {
    const table = createMemoryTable()
    const store = createFindingsTable(table, counter())
    const first = await written(store, kept())
    expect([...table.items.values()].flatMap((item) => item['expiresAt'] ?? [])).toEqual([])
    const gone = await written(store, kept({ status: 'gone', since: NOW, version: 2 }), first.revision)
    await store.announced(gone)
    const ends = [...table.items.values()].map((item) => Number(item['expiresAt']?.N))
    expect(ends).toEqual([1, 2, 3].map(() => NOW + 400 * 86_400))
    await written(store, kept({ status: 'failing', version: 3 }), (await store.find(gone.finding.id))?.revision ?? '')
    expect([...table.items.values()].flatMap((item) => item['expiresAt'] ?? [])).toEqual([])
  })

  it('that somebody else wrote are told', async () => {
    const table = createMemoryTable()
    const store = createFindingsTable(table, counter())
    const { finding } = await written(store, kept())
    const [pk = ''] = [...table.items.values()].flatMap((item) => (item['pk']?.S?.startsWith('resource#') ? [item['pk'].S] : []))
    for (const text of ['{}', '[]', '{"finding":1}']) {
      await table.put({ pk: { S: pk }, sk: { S: finding.id }, revision: { S: 'r' }, kept: { S: text } })
      await expect(store.find(finding.id)).rejects.toThrow('none of its own')
    }
    await table.put({ pk: { S: 'outbox' }, sk: { S: 'x' } })
    await expect(store.outbox(1)).rejects.toThrow('lacks token')
  })

  it('know a write whose answer was lost', async () => {
    const table = createMemoryTable()
    /** As a client that tries again by itself. */
    const retrying: Table = {
      ...table,
      put: async (item, condition) => {
        await table.put(item, condition)
        return table.put(item, condition)
      },
    }
    const store = createFindingsTable(retrying, counter())
    const first = await written(store, kept())
    const second = await written(store, kept({ version: 2 }), first.revision)
    expect(await store.announced(second)).toBe('done')
    expect(await outboxIds(store)).toEqual([])
  })
})

/** A table whose calls work but for the one that comes after so many. */
function failingAt(table: Table, calls: number, when: 'after' | 'before'): Table {
  let left = calls
  async function meet<Result>(run: () => Promise<Result>): Promise<Result> {
    const isFailing = left-- === 0
    if (isFailing && when === 'before') throw new Error('the call failed')
    const result = await run()
    if (isFailing) throw new Error('the call failed')
    return result
  }
  return {
    ...table,
    put: (item, condition) => meet(() => table.put(item, condition)),
    remove: (pk, sk, condition) => meet(() => table.remove(pk, sk, condition)),
  }
}

describe.each(['before', 'after'] as const)('a table whose n-th call fails (%s it was done)', (when) => {
  it('has no transition that is not in the outbox, and every finding in the list of its status', async () => {
    let failures = 0
    for (let calls = 0; ; calls++) {
      const table = createMemoryTable()
      const newToken = counter()
      const sound = createFindingsTable(table, newToken)
      const first = await written(sound, kept({}, { unannounced: [] }))
      const outcome = await createFindingsTable(failingAt(table, calls, when), newToken)
        .write(kept({ status: 'passing', version: 2 }), first.revision)
        .catch(String)
      const there = await sound.find(first.finding.id)
      const isOwed = there?.finding.version === 2
      expect((await outboxIds(sound)).includes(first.finding.id) || !isOwed, `call ${calls}`).toBe(true)
      expect(await idsWith(sound, there?.finding.status ?? 'gone'), `call ${calls}`).toEqual([first.finding.id])
      if (typeof outcome === 'object') break
      failures++
      const again = await sound.write(kept({ status: 'passing', version: 2 }), there?.revision ?? null)
      expect(again).not.toBe('conflict')
      expect(await idsWith(sound, 'passing')).toEqual([first.finding.id])
    }
    // The marker, what leads to the finding by ID and by status, the finding, and what led to it.
    expect(failures).toBe(5)
  })

  it('loses no transition that comes while another is taken out of the outbox', async () => {
    for (let calls = 0; calls < 3; calls++) {
      const table = createMemoryTable()
      const newToken = counter()
      const sound = createFindingsTable(table, newToken)
      const first = await written(sound, kept())
      await createFindingsTable(failingAt(table, calls, when), newToken)
        .announced(first)
        .catch(String)
      const there = await sound.find(first.finding.id)
      const next = { ...kept({ status: 'passing', version: 2 }) }
      await written(sound, next, there?.revision ?? null)
      expect(await outboxIds(sound)).toEqual([first.finding.id])
    }
  })
})

describe('a finding that changes back while what led to it is removed', () => {
  it('stays in the list of its status', async () => {
    const table = createMemoryTable()
    const newToken = counter()
    const sound = createFindingsTable(table, newToken)
    const first = await written(sound, kept())
    let isFirst = true
    const interrupted: Table = {
      ...table,
      remove: async (pk, sk, condition) => {
        if (isFirst) await written(sound, kept({ version: 3 }), (await sound.find(sk))?.revision ?? null)
        isFirst = false
        return table.remove(pk, sk, condition)
      },
    }
    await written(createFindingsTable(interrupted, newToken), kept({ status: 'passing', version: 2 }), first.revision)
    expect(await idsWith(sound, 'failing')).toEqual([first.finding.id])
    expect(await idsWith(sound, 'passing')).toEqual([])
  })
})

describe('a finding that is written while it is taken out of the outbox', () => {
  it('stays in it', async () => {
    const table = createMemoryTable()
    const newToken = counter()
    const sound = createFindingsTable(table, newToken)
    const first = await written(sound, kept())
    const interrupted: Table = {
      ...table,
      // Between the two steps of the announcer, another one reads and writes.
      remove: async (pk, sk, condition) => {
        await written(sound, kept({ status: 'passing', version: 2 }), (await sound.find(sk))?.revision ?? null)
        return table.remove(pk, sk, condition)
      },
    }
    expect(await createFindingsTable(interrupted, newToken).announced(first)).toBe('done')
    expect(await outboxIds(sound)).toEqual([first.finding.id])
  })
})
