import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adopt, createDemoRegistry, registeredNames } from '../../../shared/aws/changes/demo-registry.ts'
import { createNoticeTable } from '../../../shared/aws/changes/notice-table.ts'
import { createRetirementTable } from '../../../shared/aws/changes/retirement-table.ts'
import { allEntries, registryTable } from '../../../shared/aws/workshop/registry-table.ts'
import type { Notice, OpenNotice } from '../../../shared/changes/notice.ts'
import type { AdoptedEntry } from '../../../shared/changes/retire/adopt.ts'
import type { Retirement } from '../../../shared/changes/retire/retirement.ts'
import type { Entry } from '../../../shared/workshop/registry.ts'
import { DAY_S, failingAt, KEY_ARN, later, NOW, openTableGround, retrying, type TableGround } from './table-ground.ts'

let ground: TableGround

beforeAll(async () => {
  ground = await openTableGround()
})
afterAll(() => ground.close())

function notice(number: number, changes: Partial<Notice> = {}): Notice {
  return {
    id: `record-${number}#done`,
    at: later(number),
    title: 'Rotation was switched on',
    resourceArn: KEY_ARN,
    accountId: '111122223333',
    region: 'us-east-1',
    lines: ['Was: off'],
    detail: { format: 'keytrail.change/1' },
    ...changes,
  }
}

function idsIn(open: readonly OpenNotice[]): readonly string[] {
  return open.map(({ notice: { id } }) => id)
}

describe('notices', () => {
  it('are open until all were told, oldest first, and silent afterwards', async () => {
    const table = await ground.newTable()
    const store = createNoticeTable(table, ground.newToken)
    for (const number of [3, 1, 2]) await store.put(notice(number))
    await store.put(notice(1, { at: later(9), title: 'again' }))
    expect(await store.open(10)).toEqual([1, 2, 3].map((number) => ({ notice: notice(number), told: [] })))
    expect(idsIn(await store.open(2))).toEqual([notice(1).id, notice(2).id])
    const [first] = await store.open(1)
    if (first === undefined) throw new Error('there are three')
    await store.told(first, ['mail'])
    expect(await store.open(1)).toEqual([{ notice: notice(1), told: ['mail'] }])
    // Who read it before knows nothing of the mail.
    await store.told(first, ['events'])
    expect(idsIn(await store.open(10))).toEqual([notice(2).id, notice(3).id])
    await store.put(notice(1))
    await store.told(first, ['mail'])
    expect(idsIn(await store.open(10))).toEqual([notice(2).id, notice(3).id])
    expect((await ground.itemsOf(table)).filter(({ pk }) => pk?.S === 'notice-open')).toHaveLength(2)
    expect((await ground.itemsOf(table)).every(({ expiresAt }) => Number(expiresAt?.N) > NOW + 399 * DAY_S)).toBe(true)
  })

  it.each(['before', 'after'] as const)('are told at least once when the n-th call fails %s it was done', async (when) => {
    let failures = 0
    for (let calls = 0; ; calls++) {
      const table = await ground.newTable()
      const sound = createNoticeTable(table, ground.newToken)
      const failing = createNoticeTable(failingAt(table, calls, when), ground.newToken)
      const put = await failing.put(notice(1)).catch(() => 'failed')
      if (put === 'failed') await sound.put(notice(1))
      const [open] = await sound.open(1)
      expect(open, `call ${calls}`).toEqual({ notice: notice(1), told: [] })
      const told = open === undefined ? 'failed' : await failing.told(open, ['mail', 'events']).catch(() => 'failed')
      for (const left of await sound.open(1)) await sound.told(left, ['mail', 'events'])
      expect(await sound.open(1), `call ${calls}`).toEqual([])
      await sound.put(notice(1))
      expect(await sound.open(1), `call ${calls}`).toEqual([])
      if (put !== 'failed' && told !== 'failed') break
      failures++
    }
    // Two puts, then one more and what led to it.
    expect(failures).toBe(4)
  })
})

function retirement(version: number, changes: Partial<Retirement> = {}): Retirement {
  return {
    keyArn: KEY_ARN,
    entryId: 'entry',
    version,
    stage: 'disabling',
    since: NOW,
    startedAt: NOW,
    by: 'schedule',
    snapshot: { at: NOW, state: 'Enabled', policy: 'p'.repeat(32_768), aliases: ['alias/demo'], tags: {}, grants: 0 },
    wasEnabled: true,
    watchedFrom: null,
    freed: [],
    deletionAt: null,
    reason: '',
    ...changes,
  }
}

describe('retirements', () => {
  it('are written over the version that is expected, and anew where one is over', async () => {
    const table = await ground.newTable()
    const store = createRetirementTable(retrying(table), ground.newToken)
    expect(await store.find(KEY_ARN)).toBeNull()
    expect(await store.write(retirement(1), null)).toBe('written')
    expect(await store.write(retirement(1, { by: 'another run' }), null)).toBe('conflict')
    expect(await store.write(retirement(2, { stage: 'watching' }), 1)).toBe('written')
    expect(await store.write(retirement(2, { stage: 'saving' }), 1)).toBe('conflict')
    expect(await store.find(KEY_ARN)).toEqual(retirement(2, { stage: 'watching' }))
    expect((await ground.itemsOf(table)).flatMap(({ expiresAt }) => expiresAt ?? [])).toEqual([])
    for (const [version, stage] of [
      [3, 'saved'],
      [5, 'deleted'],
    ] as const) {
      expect(await store.write(retirement(version, { stage }), version - 1)).toBe('written')
      expect((await ground.itemsOf(table)).map(({ expiresAt }) => Number(expiresAt?.N))).toEqual([NOW + 400 * DAY_S])
      expect(await store.write(retirement(version + 1), null)).toBe('written')
    }
    expect(await store.write(retirement(7, { stage: 'stopped' }), 6)).toBe('written')
    expect(await store.write(retirement(8), null)).toBe('conflict')
  })

  it('are told all, more than a page of them', async () => {
    const store = createRetirementTable(await ground.newTable(), ground.newToken)
    const arns = Array.from({ length: 40 }, (_, number) => `${KEY_ARN}-${String(number).padStart(3, '0')}`)
    for (const keyArn of arns) await store.write(retirement(1, { keyArn }), null)
    const told: string[] = []
    for await (const { keyArn } of store.all()) told.push(keyArn)
    expect(told).toEqual(arns)
  })
})

describe('demo keys', () => {
  const owner = 'arn:aws:iam::111122223333:user/Alice'
  const OTHER_ARN = `${KEY_ARN}-other`
  const entry = (id: string, changes: Partial<Entry>): Entry => ({
    id,
    useCase: 'sse',
    kind: 'kms-key',
    name: KEY_ARN,
    keyArn: '',
    owner,
    plannedAt: NOW,
    state: 'made',
    outcome: '',
    ...changes,
  })

  it('are those of all use cases that stand, with the aliases that the registry has', async () => {
    const table = await ground.newTable()
    const registry = registryTable(table)
    for (const each of [
      entry('key', {}),
      entry('again', { plannedAt: later(9) }),
      entry('alias', { kind: 'kms-alias', name: 'alias/keytrail-demo-sse', keyArn: KEY_ARN }),
      entry('freed', { kind: 'kms-alias', name: 'alias/gone', keyArn: KEY_ARN, state: 'retired' }),
      entry('unnamed', { name: '', state: 'planned' }),
      entry('retired', { useCase: 'caching', name: `${KEY_ARN}-retired`, state: 'retired' }),
      entry('other', { useCase: 'caching', name: OTHER_ARN, plannedAt: later(1) }),
      entry('bucket', { kind: 's3-bucket', name: 'demo' }),
    ])
      await registry.write(each)
    const demo = createDemoRegistry(table)
    const [first, second, third, ...more] = await demo.keys()
    expect(first).toEqual({
      entryId: 'key',
      keyArn: KEY_ARN,
      aliases: ['alias/keytrail-demo-sse'],
      useCase: 'sse',
      owner,
      registeredAt: NOW,
      state: 'standing',
    })
    expect(second).toMatchObject({ keyArn: OTHER_ARN, aliases: [], useCase: 'caching' })
    // What its owner took away is told, too: nothing else tells it from one that nobody registered.
    expect(third).toMatchObject({ keyArn: `${KEY_ARN}-retired`, state: 'retired' })
    expect(more).toEqual([])
    if (first === undefined) throw new Error('there are two')
    await demo.retired(first, 'deleted')
    await demo.retired(first, 'deleted')
    expect((await demo.keys()).map(({ keyArn, state }) => `${keyArn} ${state}`).toSorted()).toEqual(
      [`${KEY_ARN} retired`, `${OTHER_ARN} standing`, `${KEY_ARN}-retired retired`].toSorted(),
    )
    expect((await demo.keys()).find(({ state, keyArn }) => state === 'retired' && keyArn === KEY_ARN)?.aliases).toHaveLength(2)
    const ofFirst = (await registry.entries('sse')).filter(({ outcome }) => outcome === 'deleted')
    expect(ofFirst.map(({ id }) => id).toSorted()).toEqual(['again', 'alias', 'key'])
    expect((await registry.entries('sse')).find(({ id }) => id === 'bucket')?.state).toBe('made')
  })

  it('are adopted once, whoever adopts them, and again after they were retired', async () => {
    const table = await ground.newTable()
    const found: readonly AdoptedEntry[] = [
      { useCase: 'adopted', kind: 'kms-key', name: KEY_ARN, keyArn: '' },
      { useCase: 'adopted', kind: 'kms-alias', name: 'alias/kms_key_sse_usecase_1', keyArn: KEY_ARN },
      { useCase: 'adopted', kind: 's3-bucket', name: 'dp-workshop-bucket1', keyArn: '' },
    ]
    await registryTable(table).write(entry('made', { name: OTHER_ARN }))
    expect(await adopt(table, found, { owner, now: NOW })).toHaveLength(3)
    expect(
      await adopt(table, [...found, { useCase: 'adopted', kind: 'kms-key', name: OTHER_ARN, keyArn: '' }], { owner: 'Bob', now: NOW }),
    ).toEqual([])
    const demo = createDemoRegistry(table)
    const adopted = (await demo.keys()).find(({ useCase }) => useCase === 'adopted')
    expect(adopted).toMatchObject({ keyArn: KEY_ARN, aliases: ['alias/kms_key_sse_usecase_1'], owner, registeredAt: NOW })
    expect([...(await registeredNames(table))].toSorted()).toEqual([...found.map(({ name }) => name), OTHER_ARN].toSorted())
    if (adopted !== undefined) await demo.retired(adopted, 'deleted')
    expect(await registeredNames(table)).toEqual(new Set(['dp-workshop-bucket1', OTHER_ARN]))
    expect(await adopt(table, found, { owner: 'Bob', now: later(9) })).toHaveLength(2)
    expect(await allEntries(table)).toHaveLength(4)
  })

  it('are adopted by their aliases first, and what broke off is gone on with', async () => {
    const table = await ground.newTable()
    const [first, second] = ['alias/kms_key_sse_usecase_1', 'alias/kms_key_sse_usecase_2'] as const
    const found: readonly AdoptedEntry[] = [
      { useCase: 'adopted', kind: 'kms-key', name: KEY_ARN, keyArn: '' },
      { useCase: 'adopted', kind: 'kms-alias', name: first, keyArn: KEY_ARN },
      { useCase: 'adopted', kind: 'kms-alias', name: second, keyArn: KEY_ARN },
    ]
    for (const [writes, names] of [
      [0, []],
      [1, [first]],
      [1, [first, second]],
    ] as const) {
      await expect(adopt(failingAt(table, writes, 'before'), found, { owner, now: NOW })).rejects.toThrow('the call failed')
      expect([...(await registeredNames(table))].toSorted()).toEqual(names)
    }
    expect((await adopt(table, found, { owner, now: NOW })).map(({ name }) => name)).toEqual([KEY_ARN])
  })
})

it('items that somebody else wrote are told', async () => {
  const table = await ground.newTable()
  for (const pk of ['notice', 'retirement']) await table.put({ pk: { S: pk }, sk: { S: 'x' }, value: { S: '{}' } })
  await expect(createNoticeTable(table, ground.newToken).told({ notice: notice(1, { id: 'x' }), told: [] }, [])).rejects.toThrow(
    'none of its own',
  )
  await expect(createRetirementTable(table, ground.newToken).find('x')).rejects.toThrow('none of its own')
})
