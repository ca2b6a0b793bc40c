import { describe, expect, it } from 'vitest'
import { announceOutbox } from '../../shared/findings/announce.ts'
import { batchesOf, inLanes } from '../../shared/findings/batches.ts'
import type { FindingStore, KeptFinding } from '../../shared/findings/finding-store.ts'
import { dueForReimport, reimport } from '../../shared/findings/reimport.ts'
import type { EpochS } from '../../shared/time.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { around, arrivals, critical, DAY_S, named, storeWith } from './announce-ground.ts'
import { finding, key, kept, later, NOW } from './findings-ground.ts'

const forever = (): number => Infinity
const DENIED = { status: 'unknown', denied: ['kms:GetKeyRotationStatus'], reason: 'kms:GetKeyRotationStatus is denied' } as const

describe('the outbox', () => {
  it('is told to everybody, critical findings by themselves, and is empty then', async () => {
    const store = await storeWith(critical('c1'), critical('c2'), named('h1'), named('h2'), named('p', { status: 'passing' }))
    const { mails, imported, events, ports } = arrivals()
    expect(await announceOutbox(store, ports, around())).toEqual({
      announced: 5,
      waiting: 0,
      inHand: 0,
      isFull: false,
      mails: 3,
      events: 5,
      imported: 5,
      foreign: 0,
      isHubEnabled: true,
      givenUp: [],
      faults: [],
    })
    expect(mails.map(({ subject }) => subject)).toEqual([
      expect.stringContaining('CRITICAL in 111122223333 us-east-1'),
      expect.stringContaining('CRITICAL'),
      '[Keytrail] 2 failing, 1 passing',
    ])
    expect(imported).toHaveLength(5)
    expect(events.map(({ detailType }) => detailType)).toEqual(Array.from({ length: 5 }, () => 'Keytrail Finding Changed'))
    expect(await announceOutbox(store, ports, around(later(60)))).toMatchObject({ announced: 0, mails: 0, events: 0, imported: 0 })
  })

  it('does not flood people with critical findings', async () => {
    const store = await storeWith(...Array.from({ length: 30 }, (_, index) => critical(`c${index}`)))
    const { mails, ports } = arrivals()
    await announceOutbox(store, ports, around())
    expect(mails).toHaveLength(21)
    expect(mails.at(-1)?.subject).toBe('[Keytrail] 10 failing')
  })

  it('tells a missing action once, whatever it leaves unknown', async () => {
    const store = await storeWith(...Array.from({ length: 12 }, (_, index) => named(`d${index}`, DENIED)))
    const { mails, imported, events, ports } = arrivals()
    expect(await announceOutbox(store, ports, around())).toMatchObject({ announced: 12, mails: 1, events: 13, imported: 12 })
    expect(mails[0]?.subject).toBe('[Keytrail] 1 action denied')
    expect(mails[0]?.body).toContain('"Action":["kms:GetKeyRotationStatus"]')
    expect(events.filter(({ detailType }) => detailType === 'Keytrail Access Missing')).toHaveLength(1)
    expect(imported).toHaveLength(12)
    await store.write(kept(named('d99', DENIED)), null)
    expect(await announceOutbox(store, ports, around(later(DAY_S)))).toMatchObject({ announced: 1, mails: 0, events: 1 })
    await store.write(kept(named('d100', DENIED)), null)
    expect(await announceOutbox(store, ports, around(later(8 * DAY_S)))).toMatchObject({ announced: 1, mails: 1, events: 2 })
  })

  it('goes to mail and events only for findings of other accounts, and says so', async () => {
    const store = await storeWith(named('far', { resource: key('far', { accountId: '444455556666' }) }))
    const { mails, imported, ports } = arrivals()
    expect(await announceOutbox(store, ports, around())).toMatchObject({ announced: 1, foreign: 1, imported: 0 })
    expect(imported).toEqual([])
    expect(mails[0]?.body).toContain('not in Security Hub, which takes findings of account 111122223333 only')
  })

  it('is told without Security Hub where that is not enabled', async () => {
    const store = await storeWith(critical('c'))
    const { mails, events, ports } = arrivals({ importFindings: async () => 'not_enabled' })
    expect(await announceOutbox(store, ports, around())).toMatchObject({ announced: 1, imported: 0, isHubEnabled: false, faults: [] })
    expect([mails.length, events.length]).toEqual([1, 1])
  })

  it.each(['mail', 'importFindings', 'putEvents'] as const)('comes again by %s alone where just that fails', async (port) => {
    const store = await storeWith(named('a'))
    const broken = arrivals({ [port]: async () => Promise.reject(new Error('no way')) })
    expect(await announceOutbox(store, broken.ports, around())).toMatchObject({ announced: 0, faults: [{ error: { message: 'no way' } }] })
    const { mails, imported, events, ports } = arrivals()
    expect(await announceOutbox(store, ports, around(later(60)))).toMatchObject({ announced: 1, faults: [] })
    expect([mails.length, imported.length, events.length]).toEqual([
      Number(port === 'mail'),
      Number(port === 'importFindings'),
      Number(port === 'putEvents'),
    ])
    const said = [...mails.map(({ body }) => body), ...events.map(({ detail }) => detail)].join('')
    expect(port === 'importFindings' || /may be a repetition|"repetition":true/.test(said)).toBe(true)
  })

  it('is left to another announcer for as long as that may run', async () => {
    const store = createMemoryFindingStore()
    await store.write(kept({}, { attemptedAt: NOW, tried: { mail: 1, hub: 1, events: 1 } }), null)
    const { mails, ports } = arrivals()
    expect(await announceOutbox(store, ports, around(later(899)))).toMatchObject({ announced: 0, inHand: 1 })
    expect(await announceOutbox(store, ports, around(later(900)))).toMatchObject({ announced: 1, inHand: 0 })
    expect(mails[0]?.subject).toBe('[Keytrail] maybe again: 1 failing')
  })

  it('is told but for a poison finding, which is a fault each time', async () => {
    const store = await storeWith(named('a'), named('poison', { createdAt: 1e20 as EpochS }), named('z'))
    const poison = finding(named('poison')).id
    for (const announced of [2, 0]) {
      const { ports } = arrivals()
      expect(await announceOutbox(store, ports, around())).toMatchObject({ announced, faults: [{ what: 'finding', id: poison }] })
    }
    expect((await store.outbox(10)).map(({ id }) => id)).toEqual([poison])
  })

  it('is told without what refuses an entry again and again, and names it', async () => {
    const store = await storeWith(named('a'), named('b'))
    const { id } = finding(named('a'))
    const { mails, ports } = arrivals({
      importFindings: async (batch) => ({ refused: batch.map(({ Id }) => Id).filter((each) => each === `keytrail/${id}`) }),
    })
    const runs = []
    for (let run = 0; run < 6; run++) runs.push(await announceOutbox(store, ports, around(later(60 * run))))
    expect(runs.map(({ announced }) => announced)).toEqual([1, 0, 0, 0, 1, 0])
    expect(runs.map(({ givenUp }) => givenUp)).toEqual([[], [], [], [], [id], []])
    expect(mails).toHaveLength(1)
  })

  it('drops markers of nothing after a day', async () => {
    const store = createMemoryFindingStore()
    await store.write(kept(), null)
    const empty: FindingStore = { ...store, find: async () => null }
    const { ports } = arrivals()
    await announceOutbox(empty, ports, around(later(DAY_S - 1)))
    expect(await store.outbox(1)).toHaveLength(1)
    await announceOutbox(empty, ports, around(later(DAY_S)))
    expect(await store.outbox(1)).toEqual([])
  })
})

async function dueIn(store: FindingStore, now: EpochS): Promise<readonly string[]> {
  const due: KeptFinding[] = []
  for await (const each of dueForReimport(store, around(now), () => false)) due.push(each)
  return due.map(({ finding: { resource } }) => resource.arn.split('/')[1] ?? '').toSorted()
}

describe('Security Hub', () => {
  it('gets open findings again before it forgets them, each with a newer time', async () => {
    const store = await storeWith(
      named('f'),
      named('e', { status: 'exempt' }),
      named('u', DENIED),
      named('p', { status: 'passing' }),
      named('g', { status: 'gone' }),
    )
    await store.write(kept(named('far', { resource: key('far', { accountId: '444455556666' }) })), null)
    expect(await dueIn(store, NOW), 'what waits in the outbox').toEqual([])
    const { imported, ports } = arrivals()
    await announceOutbox(store, ports, around())
    expect(await dueIn(store, later(30 * DAY_S - 1))).toEqual([])
    expect(await dueIn(store, later(30 * DAY_S))).toEqual(['e', 'f', 'u'])
    imported.length = 0
    expect(await reimport(store, ports, around(later(30 * DAY_S)), forever)).toEqual({
      imported: 3,
      isHubEnabled: true,
      isCut: false,
      refused: [],
      faults: [],
    })
    expect(imported.map(({ UpdatedAt }) => UpdatedAt)).toEqual(Array.from({ length: 3 }, () => '2026-11-19T06:00:00.000Z'))
    expect(await dueIn(store, later(31 * DAY_S))).toEqual([])
    expect(await announceOutbox(store, ports, around(later(31 * DAY_S))), 'and nobody else hears of it').toMatchObject({
      mails: 0,
      events: 0,
    })
  })

  it('gets all open findings once it is enabled', async () => {
    const store = await storeWith(named('f'), named('p', { status: 'passing' }))
    const off = arrivals({ importFindings: async () => 'not_enabled' })
    await announceOutbox(store, off.ports, around())
    expect(await reimport(store, off.ports, around(later(60)), forever)).toMatchObject({ imported: 0, isHubEnabled: false })
    expect(await reimport(store, arrivals().ports, around(later(120)), forever)).toMatchObject({ imported: 1, isHubEnabled: true })
    expect(await dueIn(store, later(180))).toEqual([])
  })

  it('gets a time that is newer than the last, also within the same second', async () => {
    const store = await storeWith(named('f'))
    const { imported, ports } = arrivals()
    await announceOutbox(store, ports, around())
    const [before] = await store.ofResource(key('f'))
    if (before === undefined) throw new Error('it was written')
    await store.write(
      {
        ...before,
        finding: { ...before.finding, status: 'passing', version: 2 },
        unannounced: [{ from: 'failing', to: 'passing', at: NOW, reason: '' }],
      },
      before.revision,
    )
    await announceOutbox(store, ports, around())
    expect(imported.map(({ UpdatedAt }) => UpdatedAt)).toEqual(['2026-10-20T06:00:00.000Z', '2026-10-20T06:00:01.000Z'])
  })
})

describe('batches', () => {
  const CASES: readonly (readonly [
    sizes: readonly number[],
    countMax: number,
    bytesMax: number,
    batches: readonly (readonly number[])[],
  ])[] = [
    [[], 10, 10, []],
    [[1, 1, 1], 2, 10, [[1, 1], [1]]],
    [[5, 5, 1], 9, 10, [[5, 5], [1]]],
    [[11, 1], 9, 10, [[11], [1]]],
    [[10, 10], 9, 10, [[10], [10]]],
  ]
  it.each(CASES)('of %j: %d at most, %d bytes at most', (sizes, countMax, bytesMax, batches) => {
    expect(batchesOf(sizes, { countMax, bytesMax }, (size) => size)).toEqual(batches)
  })

  it('of a hundred findings and ten events', async () => {
    const store = await storeWith(...Array.from({ length: 205 }, (_, index) => named(`f${index}`)))
    const sizes: Record<'findings' | 'events', number[]> = { findings: [], events: [] }
    const { ports } = arrivals({
      importFindings: async (batch) => {
        sizes.findings.push(batch.length)
        return { refused: [] }
      },
      putEvents: async (batch) => {
        sizes.events.push(batch.length)
        return { refused: [] }
      },
    })
    expect(await announceOutbox(store, ports, around())).toMatchObject({ announced: 205 })
    expect(sizes.findings).toEqual([100, 100, 5])
    expect(sizes.events).toEqual([...Array.from({ length: 20 }, () => 10), 5])
  })

  it('go through lanes in their order', async () => {
    let running = 0
    let most = 0
    const results = await inLanes([1, 2, 3, 4, 5], 2, async (each) => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      return each * each
    })
    expect([results, most]).toEqual([[1, 4, 9, 16, 25], 2])
  })
})
