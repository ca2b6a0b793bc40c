import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createChangeTable } from '../../../shared/aws/changes/change-table.ts'
import { createControlItems } from '../../../shared/aws/changes/control-items.ts'
import type { ChangeRecord } from '../../../shared/changes/record.ts'
import { DAY_S, failingAt, later, NOW, openTableGround, retrying, type TableGround } from './table-ground.ts'

const BUCKET = { kind: 's3_bucket', arn: 'arn:aws:s3:::demo', accountId: '111122223333', region: 'us-east-1' } as const

let ground: TableGround

beforeAll(async () => {
  ground = await openTableGround()
})
afterAll(() => ground.close())

function record(number: number, changes: Partial<ChangeRecord> = {}): ChangeRecord {
  const plannedAt = later(number)
  return {
    id: `${new Date(1000 * plannedAt).toISOString().replaceAll(/[-:]|\.000/g, '')}-${String(number).padStart(8, '0')}`,
    resource: BUCKET,
    ruleId: 's3-bucket-tls-only',
    findingId: 'finding',
    undoes: null,
    before: { aspect: 'bucket-policy', value: null },
    after: { aspect: 'bucket-policy', value: '{"Statement":[]}' },
    summary: 'adds a statement',
    by: 'keytrail-enforce',
    policyDigest: 'digest',
    plannedAt,
    state: 'writing',
    since: plannedAt,
    reason: '',
    ...changes,
  }
}

async function idsOf(records: AsyncIterable<ChangeRecord>): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of records) ids.push(id)
  return ids
}

describe('records of changes', () => {
  it('are written once, and replaced over the state that is expected', async () => {
    const store = createChangeTable(await ground.newTable(), ground.newToken)
    expect(await store.find(record(1).id)).toBeNull()
    expect(await store.write(record(1), null)).toBe('written')
    expect(await store.write(record(1, { by: 'another run' }), null)).toBe('conflict')
    expect(await store.find(record(1).id)).toEqual(record(1))
    const done = record(1, { state: 'done', since: later(5) })
    expect(await store.write(done, 'done')).toBe('conflict')
    expect(await store.write(done, 'writing')).toBe('written')
    expect(await store.write(record(1, { state: 'refused' }), 'writing')).toBe('conflict')
    expect(await store.write(record(2), 'writing')).toBe('conflict')
    expect(await store.find(done.id)).toEqual(done)
    expect(await store.find(record(2).id)).toBeNull()
  })

  it('of which two runs make the same one are written by one of them', async () => {
    const table = await ground.newTable()
    const runs = Array.from({ length: 10 }, () => createChangeTable(table, ground.newToken).write(record(1), null))
    expect((await Promise.all(runs)).toSorted()).toEqual([...Array.from({ length: 9 }, () => 'conflict'), 'written'])
  })

  it('whose answer was lost are written', async () => {
    const store = createChangeTable(retrying(await ground.newTable()), ground.newToken)
    expect(await store.write(record(1), null)).toBe('written')
    expect(await store.write(record(1, { state: 'done' }), 'writing')).toBe('written')
  })

  it('are told newest first, of a resource since a time, and of all; more than a page of them', async () => {
    const table = await ground.newTable()
    const store = createChangeTable(table, ground.newToken)
    const value = 'x'.repeat(20_480)
    const policies = { before: { aspect: 'bucket-policy', value }, after: { aspect: 'bucket-policy', value } } as const
    const records = Array.from({ length: 28 }, (_, number) => record(number, policies))
    for (const each of records) await store.write(each, null)
    await store.write(record(1, { ...policies, state: 'done' }), 'writing')
    const other = { ...BUCKET, region: 'eu-central-1' }
    await store.write(record(70, { resource: other }), null)
    const newest = records.map(({ id }) => id).toReversed()
    expect(await idsOf(store.newestFirst())).toEqual([record(70).id, ...newest])
    expect((await store.ofResource(BUCKET, later(0))).map(({ id }) => id)).toEqual(newest)
    expect((await store.ofResource(BUCKET, later(25))).map(({ id }) => id)).toEqual(newest.slice(0, 3))
    expect(await store.ofResource(BUCKET, later(28))).toEqual([])
    expect(await store.ofResource(other, later(0))).toEqual([record(70, { resource: other })])
    expect((await store.ofResource(BUCKET, later(1))).at(-1)).toEqual(record(1, { ...policies, state: 'done' }))
    const ends = (await ground.itemsOf(table)).map(({ expiresAt }) => Number(expiresAt?.N))
    expect(Math.min(...ends)).toBe(NOW + 400 * DAY_S)
    expect(Math.max(...ends)).toBe(NOW + 70 + 400 * DAY_S)
  })

  it.each(['before', 'after'] as const)('are whole or not there when the n-th call fails %s it was done', async (when) => {
    let failures = 0
    for (let calls = 0; ; calls++) {
      const table = await ground.newTable()
      const sound = createChangeTable(table, ground.newToken)
      const outcome = await createChangeTable(failingAt(table, calls, when), ground.newToken)
        .write(record(1), null)
        .catch(String)
      const found = await sound.find(record(1).id)
      expect(await sound.ofResource(BUCKET, later(0)), `call ${calls}`).toEqual(found === null ? [] : [found])
      expect(await idsOf(sound.newestFirst()), `call ${calls}`).toEqual(found === null ? [] : [found.id])
      expect(await sound.write(record(1), null), `call ${calls}`).toBe(found === null ? 'written' : 'conflict')
      expect(await sound.ofResource(BUCKET, later(0))).toEqual([record(1)])
      if (outcome === 'written') break
      failures++
    }
    expect(failures).toBe(2)
  })
})

describe('what holds runs back', () => {
  it('is a stop, as long as it stands', async () => {
    const control = createControlItems(await ground.newTable(), ground.newToken)
    expect(await control.stop()).toBeNull()
    const stop = { by: 'arn:aws:iam::111122223333:user/Alice', reason: 'an incident', at: NOW }
    await control.setStop(stop)
    expect(await control.stop()).toEqual(stop)
    await control.setStop(null)
    await control.setStop(null)
    expect(await control.stop()).toBeNull()
  })

  it('is a claim that one has at a time, until it is given back or over', async () => {
    const control = createControlItems(await ground.newTable(), ground.newToken)
    const claims = await Promise.all(Array.from({ length: 10 }, () => control.claim('clean-up', NOW, 60)))
    const [first, ...more] = claims.filter((claim) => claim !== null)
    expect(first).toMatchObject({ name: 'clean-up', until: NOW + 60 })
    expect(more).toEqual([])
    expect(await control.claim('clean-up-2', NOW, 60)).not.toBeNull()
    expect(await control.claim('clean-up', later(59), 60)).toBeNull()
    const second = await control.claim('clean-up', later(60), 60)
    expect(second).toMatchObject({ until: NOW + 120 })
    // It is somebody else's by now.
    if (first !== undefined) await control.release(first)
    expect(await control.claim('clean-up', later(61), 60)).toBeNull()
    if (second !== null) await control.release(second)
    expect(await control.claim('clean-up', later(61), 60)).not.toBeNull()
  })

  it('is a claim too whose answer was lost', async () => {
    const table = await ground.newTable()
    const claim = await createControlItems(retrying(table), ground.newToken).claim('sweep', NOW, 60)
    expect(claim).not.toBeNull()
    expect(await createControlItems(table, ground.newToken).claim('sweep', NOW, 60)).toBeNull()
  })

  it('is the policy in force, since another one was seen at the earliest', async () => {
    const table = await ground.newTable()
    const [control, other] = [1, 2].map(() => createControlItems(table, ground.newToken))
    expect(await control?.policySince('a', NOW)).toBe(0)
    expect(await other?.policySince('a', later(60))).toBe(0)
    expect(await control?.policySince('b', later(90))).toBe(later(60))
    expect(await other?.policySince('b', later(120))).toBe(later(60))
    expect(await control?.policySince('a', later(150))).toBe(later(120))
    expect((await ground.itemsOf(table)).map(({ pk, sk, expiresAt }) => [pk?.S, sk?.S, expiresAt])).toEqual([
      ['policy', 'in-force', undefined],
    ])
  })

  it('is a budget of an hour, to the piece, however many spend at once', async () => {
    const table = await ground.newTable()
    const control = createControlItems(table, ground.newToken)
    const spent = await Promise.all(Array.from({ length: 50 }, () => control.spend('changes', NOW, 20)))
    expect(spent.filter(Boolean)).toHaveLength(20)
    expect(await control.spend('changes', later(2399), 20)).toBe(false)
    expect(await control.spend('changes', later(2399), 21)).toBe(true)
    expect(await control.spend('changes', later(2400), 20)).toBe(true)
    expect(await control.spend('retirements', NOW, 1)).toBe(true)
    expect(await control.spend('retirements', NOW, 1)).toBe(false)
    expect(await control.spend('nothing', NOW, 0)).toBe(false)
    const ends = (await ground.itemsOf(table)).map(({ expiresAt }) => Number(expiresAt?.N) % DAY_S)
    expect(ends.toSorted((one, other) => one - other)).toEqual([7, 7, 8].map((hour) => hour * 3600))
  })
})

it('items that somebody else wrote are told', async () => {
  const table = await ground.newTable()
  await table.put({ pk: { S: 'change' }, sk: { S: 'x' }, value: { S: '{}' } })
  await table.put({ pk: { S: 'control' }, sk: { S: 'stop' }, value: { S: 'no JSON' } })
  await expect(createChangeTable(table, ground.newToken).find('x')).rejects.toThrow('none of its own')
  await expect(createControlItems(table, ground.newToken).stop()).rejects.toThrow('none of its own')
})
