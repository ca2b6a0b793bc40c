import { describe, expect, it } from 'vitest'
import { announceOutbox } from '../../shared/findings/announce.ts'
import type { FindingStore, KeptFinding } from '../../shared/findings/finding-store.ts'
import { reimport } from '../../shared/findings/reimport.ts'
import type { SendPorts } from '../../shared/findings/send-ports.ts'
import { around, arrivals, DAY_S, named, storeWith } from './announce-ground.ts'
import { finding, key, later } from './findings-ground.ts'

const { id } = finding(named('a'))
const refusing: SendPorts['importFindings'] = async (batch) => ({ refused: batch.map(({ Id }) => Id) })
const away = async (): Promise<never> => Promise.reject(new Error('the hub is away'))
const forever = (): number => Infinity

async function only(store: FindingStore): Promise<KeptFinding> {
  const [kept] = await store.ofResource(key('a'))
  if (kept === undefined) throw new Error('it was written')
  return kept
}

/** The next change of the finding, which nobody has heard of. */
async function turn(store: FindingStore, to: 'passing' | 'gone' | 'failing'): Promise<void> {
  const { revision, ...before } = await only(store)
  const version = before.finding.version + 1
  const transition = { from: before.finding.status, to, at: later(1), reason: '' }
  await store.write({ ...before, finding: { ...before.finding, status: to, version }, unannounced: [transition] }, revision)
}

describe('a finding is given up by a channel', () => {
  it('for its refusals there, not for runs in which others failed', async () => {
    const store = await storeWith(named('a'))
    let now = 0
    const runs = async (count: number, importFindings: SendPorts['importFindings']): Promise<readonly (readonly string[])[]> => {
      const givenUp: (readonly string[])[] = []
      for (let run = 0; run < count; run++)
        givenUp.push((await announceOutbox(store, arrivals({ importFindings }).ports, around(later((now += 60))))).givenUp)
      return givenUp
    }
    expect(await runs(9, away)).toEqual(Array.from({ length: 9 }, () => []))
    expect(await runs(4, refusing)).toEqual([[], [], [], []])
    expect(await runs(3, away)).toEqual([[], [], []])
    expect(await runs(1, refusing)).toEqual([[id]])
    expect(await store.outbox(10)).toEqual([])
  })

  it('and what it took counts from nothing again', async () => {
    const store = await storeWith(named('a'))
    for (const [at, importFindings] of [refusing, refusing, undefined].entries())
      await announceOutbox(store, arrivals(importFindings && { importFindings }).ports, around(later(60 * at)))
    expect((await only(store)).refusals).toEqual({ mail: 0, hub: 0, events: 0 })
  })
})

describe('Security Hub', () => {
  it.each(['passing', 'gone'] as const)('hears that a finding is %s in the end, though it refused that', async (status) => {
    const store = await storeWith(named('a'))
    await announceOutbox(store, arrivals().ports, around())
    await turn(store, status)
    const refused = arrivals({ importFindings: refusing })
    for (let run = 1; run <= 5; run++) await announceOutbox(store, refused.ports, around(later(900 * run)))
    expect(await store.outbox(10)).toEqual([])
    expect(await reimport(store, refused.ports, around(later(DAY_S)), forever)).toMatchObject({ imported: 0, refused: [id] })
    const { imported, ports } = arrivals()
    expect(await reimport(store, ports, around(later(2 * DAY_S)), forever)).toMatchObject({ imported: 1, faults: [] })
    expect(imported.map(({ ProductFields }) => ProductFields['keytrail/status'])).toEqual([status])
    expect(await reimport(store, ports, around(later(40 * DAY_S)), forever), 'once').toMatchObject({ imported: 0 })
  })

  it('hears of what it never had only while it is open', async () => {
    const store = await storeWith(named('a'))
    const off = arrivals({ importFindings: async () => 'not_enabled' })
    await announceOutbox(store, off.ports, around())
    await turn(store, 'gone')
    await announceOutbox(store, off.ports, around(later(900)))
    expect(await reimport(store, arrivals().ports, around(later(1000)), forever)).toMatchObject({ imported: 0 })
  })

  it('hears of what changed while it was away, after a try whose outcome nobody noted', async () => {
    const store = await storeWith(named('a'))
    await announceOutbox(store, arrivals().ports, around())
    await turn(store, 'passing')
    await announceOutbox(store, arrivals({ importFindings: async () => 'not_enabled' }).ports, around(later(900)))
    // It goes down between the import and its note.
    void reimport(store, { importFindings: async () => new Promise(() => undefined) }, around(later(1000)), forever)
    await new Promise(setImmediate)
    expect(await reimport(store, arrivals().ports, around(later(DAY_S)), forever)).toMatchObject({ imported: 1 })
  })

  it('gets in one run what there is time for, and the rest in the next', async () => {
    const store = await storeWith(...Array.from({ length: 250 }, (_, index) => named(`k${index}`)))
    await announceOutbox(store, arrivals({ importFindings: async () => 'not_enabled' }).ports, around())
    const { imported, ports } = arrivals()
    const remainingMs = (): number => (imported.length < 100 ? 120_000 : 29_999)
    expect(await reimport(store, ports, around(later(60)), remainingMs)).toMatchObject({ imported: 100, isCut: true })
    expect(await reimport(store, ports, around(later(120)), forever)).toMatchObject({ imported: 150, isCut: false })
    expect(new Set(imported.map(({ Id }) => Id)).size).toBe(250)
  })
})
