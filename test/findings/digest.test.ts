import { expect, it } from 'vitest'
import { announceOutbox } from '../../shared/findings/announce.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import { around, type Arrived, arrivals, critical, named, put, storeWith } from './announce-ground.ts'
import { later } from './findings-ground.ts'

const MINUTE_S = 60
const WAIT_S = 10 * MINUTE_S
const DENIED = { status: 'unknown', denied: ['kms:ListGrants'], reason: 'kms:ListGrants is denied' } as const
const low = (name: string) => named(name, { severity: 'low', ruleId: 'kms-key-c' })

/** Subjects of the mails of each run. */
function announcer(store: FindingStore, arrived: Arrived = arrivals()) {
  return async (atS: number): Promise<readonly string[]> => {
    const before = arrived.mails.length
    const { faults } = await announceOutbox(store, arrived.ports, around(later(atS)))
    expect(faults).toEqual([])
    return arrived.mails.slice(before).map(({ subject }) => subject)
  }
}

it('goes at once after a quiet time; what comes right after it waits and goes together, not as a repetition', async () => {
  const store = await storeWith()
  const arrived = arrivals()
  const announce = announcer(store, arrived)
  const subjects: (readonly string[])[] = []
  for (let n = 0; n < 6; n++) {
    await put(store, low(`k${n}`))
    subjects.push(await announce(10 * n))
  }
  expect(subjects).toEqual([['[Keytrail] 1 failing'], [], [], [], [], []])
  expect([arrived.imported.length, arrived.events.length], 'systems do not wait').toEqual([6, 6])
  expect(await announce(WAIT_S - 1)).toEqual([])
  expect(await announce(WAIT_S)).toEqual(['[Keytrail] 5 failing'])
  expect(await store.outbox(10)).toEqual([])
  expect([arrived.imported.length, arrived.events.length]).toEqual([6, 6])
})

it('lets critical findings pass, however many', async () => {
  const store = await storeWith(low('first'))
  const announce = announcer(store)
  expect(await announce(0)).toHaveLength(1)
  await put(store, critical('c'), low('second'))
  expect(await announce(MINUTE_S)).toEqual([expect.stringContaining('CRITICAL')])
  await put(store, ...Array.from({ length: 25 }, (_, index) => critical(`more${index}`)))
  expect((await announce(2 * MINUTE_S)).at(-1), 'those that are too many lead a digest').toBe('[Keytrail] 6 failing')
})

it('does not hold back more than one run takes', async () => {
  const store = await storeWith(low('first'))
  const announce = announcer(store)
  await announce(0)
  await put(store, ...Array.from({ length: 1001 }, (_, index) => low(`k${index}`)))
  expect(await announce(MINUTE_S)).toEqual(['[Keytrail] 1000 failing'])
  expect(await announce(2 * MINUTE_S)).toEqual([])
  expect(await announce(WAIT_S + MINUTE_S)).toEqual(['[Keytrail] 1 failing'])
})

it('tells a missing action that came while it waited', async () => {
  const store = await storeWith(low('first'))
  const arrived = arrivals()
  const announce = announcer(store, arrived)
  await announce(0)
  await put(store, named('d', DENIED))
  expect(await announce(MINUTE_S)).toEqual([])
  expect(arrived.events.at(-1)?.detailType, 'systems hear of it at once').toBe('Keytrail Access Missing')
  const count = arrived.events.length
  expect(await announce(WAIT_S)).toEqual(['[Keytrail] 1 action denied'])
  expect(arrived.events).toHaveLength(count)
  expect(await store.outbox(10)).toEqual([])
})

it('goes again where it failed, and a mail that failed starts no wait', async () => {
  const store = await storeWith(low('a'))
  const broken = arrivals({ mail: async () => Promise.reject(new Error('no way')) })
  expect(await announceOutbox(store, broken.ports, around())).toMatchObject({ faults: [{ what: 'mail' }] })
  expect(await announcer(store)(MINUTE_S)).toEqual(['[Keytrail] maybe again: 1 failing'])
})

it('is sent by one of two announcers, and by another once the first went down with it', async () => {
  const store = await storeWith(low('a'))
  const gone = arrivals({ mail: async () => new Promise(() => undefined) })
  void announceOutbox(store, gone.ports, around())
  await new Promise(setImmediate)
  const announce = announcer(store)
  await put(store, low('b'))
  expect(await announce(WAIT_S)).toEqual([])
  expect(await announce(15 * MINUTE_S - 1)).toEqual([])
  expect(await announce(15 * MINUTE_S)).toEqual(['[Keytrail] 2 failing'])
  expect(await store.outbox(10)).toEqual([])
})

it('leaves the table as it was where there is nothing but to wait', async () => {
  const store = await storeWith(low('a'))
  const announce = announcer(store)
  await announce(0)
  await put(store, low('b'))
  await announce(MINUTE_S)
  const quiet: FindingStore = { ...store, write: refuse, announced: refuse, noteDigest: refuse, noteAccess: refuse }
  expect(await announceOutbox(quiet, arrivals().ports, around(later(2 * MINUTE_S)))).toMatchObject({ waiting: 1, faults: [] })
})

async function refuse(): Promise<never> {
  throw new Error('nothing is to be written')
}
