import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import type { Table } from '../../shared/aws/table.ts'
import { announceOutbox } from '../../shared/findings/announce.ts'
import { findingId, type FindingStatus } from '../../shared/findings/finding.ts'
import { settleResource } from '../../shared/findings/record.ts'
import type { Audit } from '../../shared/rules/audit.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import { pass, type Verdict } from '../../shared/rules/verdict.ts'
import { createDice, type Dice } from '../support/arbitrary-trail.ts'
import { createDelivered, type Delivered } from './delivered.ts'
import { audit, DENIED, FAIL, HUB, key, later, OUT_OF_SCOPE, recording, RULES, UNCLEAR, UNREAD } from './findings-ground.ts'
import { createMemoryTable } from './memory-table.ts'

/** How often what could be told wrongly occurred. */
const seen = new Map<string, number>()
function see(name: string, times: number | boolean = true): void {
  seen.set(name, (seen.get(name) ?? 0) + Number(times))
}

class Crash extends Error {
  override readonly name = 'Crash'
}

type Fate = 'failsBefore' | 'failsAfter' | 'goesDown'
const FATES: readonly [Fate, ...Fate[]] = ['failsBefore', 'failsAfter', 'goesDown']

/** A process whose calls take turns with those of others, and of which one may fail; once it is down it calls nothing more. */
function createProcess(dice: Dice, isSteady: boolean, callsMax: number) {
  let callsLeft = isSteady || dice.oneIn(2) ? Infinity : dice.below(callsMax)
  let isDown = false
  return async function meet<Result>(run: () => Promise<Result>): Promise<Result> {
    for (let ticks = dice.pick([0, 1, dice.below(8), dice.below(60)]); ticks > 0; ticks--) await Promise.resolve()
    if (isDown) throw new Crash('down')
    const isHit = callsLeft-- === 0
    const fate = isHit ? dice.pick(FATES) : null
    if (fate !== null) see(fate)
    if (fate === 'goesDown') isDown = true
    if (fate === 'goesDown' || fate === 'failsBefore') throw new Crash(fate)
    const result = await run()
    if (fate === 'failsAfter') throw new Crash(fate)
    return result
  }
}

type Meet = ReturnType<typeof createProcess>

function storeOf(table: Table, meet: Meet, newToken: () => string) {
  return createFindingsTable(
    {
      ...table,
      put: (item, condition) => meet(() => table.put(item, condition)),
      remove: (pk, sk, condition) => meet(() => table.remove(pk, sk, condition)),
      async *query(pk, skPrefix) {
        const found = await meet(async () => {
          const items = []
          for await (const item of table.query(pk, skPrefix)) items.push(item)
          return items
        })
        yield* found
      },
    },
    newToken,
  )
}

const VERDICTS: readonly [Verdict, ...Verdict[]] = [FAIL, FAIL, pass, pass, DENIED, UNREAD, UNCLEAR, OUT_OF_SCOPE]
type State = Readonly<Record<string, Verdict>> | 'gone'

/** What a finding must say in the end; null: it may have none, or say that all is well. */
function expected(verdict: Verdict | 'gone'): readonly (FindingStatus | 'none')[] {
  if (verdict === 'gone') return ['gone', 'none']
  switch (verdict.kind) {
    case 'pass':
      return ['passing', 'none']
    case 'fail':
      return ['failing']
    case 'not_applicable':
      return ['gone', 'none']
    case 'unknown':
      return ['unknown']
  }
}

const ROUNDS = 6
const RULE_IDS = RULES.map(({ id }) => id)

async function playThrough(dice: Dice, table: Table): Promise<{ readonly delivered: Delivered; readonly resources: readonly Resource[] }> {
  let clock = 0
  let tokens = 0
  const newToken = (): string => `token ${tokens++}`
  const delivered = createDelivered()
  const resources = [key('a'), key('b'), key('c', { accountId: '444455556666' })]
  const states = new Map<Resource, State>(resources.map((resource) => [resource, someVerdicts(dice)]))
  const inRoom = async (resource: Resource, meet: Meet): Promise<Audit> => {
    // The facts are read at some moment of the judging.
    const verdicts = await meet(async () => states.get(resource) ?? 'gone')
    const found: Audit = verdicts === 'gone' ? { kind: 'gone', resource } : audit(resource, verdicts)
    return meet(async () => found)
  }

  const looked = new Set<Resource>()

  /** A message that says that a resource may have changed: it comes again until it was dealt with. */
  async function record(resource: Resource): Promise<void> {
    looked.add(resource)
    for (let tries = 0; ; tries++) {
      expect(tries, 'tries').toBeLessThan(60)
      const meet = createProcess(dice, tries > 4, 30)
      const store = storeOf(table, meet, newToken)
      try {
        const settled = await settleResource(store, resource, () => inRoom(resource, meet), { ...recording(), now: () => later(clock++) })
        see(`recording ${settled.kind}`)
        see('silent repeats', settled.kind === 'settled' && settled.changes.length === 0)
        if (settled.kind === 'settled') return
      } catch (error) {
        if (!(error instanceof Crash)) throw error
        see('recording broken off')
      }
    }
  }

  async function announce(isSteady: boolean): Promise<void> {
    const meet = createProcess(dice, isSteady, 90)
    try {
      const announced = await announceOutbox(storeOf(table, meet, newToken), delivered.ports(meet), {
        now: later(clock++),
        rules: RULES,
        hub: HUB,
      })
      see('findings in another hand', announced.inHand)
      see('findings that wait for a digest', announced.waiting)
      see('announcing with faults', announced.faults.length > 0)
      see('findings announced', announced.announced)
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      see('announcing that did not begin')
    }
  }

  async function changeLater(resource: Resource): Promise<void> {
    for (let ticks = dice.below(300); ticks > 0; ticks--) await Promise.resolve()
    states.set(resource, someVerdicts(dice))
    await record(resource)
  }

  /** Once every change was looked at, however that overlapped, findings say what was read last. */
  async function checkStatuses(): Promise<void> {
    const store = createFindingsTable(table, newToken)
    for (const [resource, verdicts] of states) {
      const known = await store.ofResource(resource)
      for (const id of RULE_IDS) {
        const status = known.find(({ finding }) => finding.ruleId === id)?.finding.status ?? 'none'
        if (!looked.has(resource)) continue
        expect(expected(verdicts === 'gone' ? 'gone' : (verdicts[id] ?? 'gone')), `${id} of ${resource.arn}`).toContain(status)
      }
    }
  }

  for (let round = 0; round < ROUNDS; round++) {
    const work: Promise<void>[] = []
    for (const resource of resources) {
      if (dice.oneIn(2)) {
        states.set(resource, dice.oneIn(8) ? 'gone' : someVerdicts(dice))
        work.push(record(resource))
      }
      // A change while the one before is still looked at.
      if (dice.oneIn(2)) work.push(changeLater(resource))
      // A repeated message, or a sweep.
      if (dice.oneIn(3)) work.push(record(resource))
    }
    for (let announcers = dice.below(3); announcers > 0; announcers--) work.push(announce(false))
    see('two announcers at once', work.length > 2)
    await Promise.all(work)
    await checkStatuses()
    clock += dice.pick([1, 60, 600, 2000])
  }
  for (let last = 0; last < 3; last++) {
    clock += 2000
    await announce(true)
  }
  const heard = delivered.count()
  // Those that nobody looked at yet would be news.
  await Promise.all(Array.from(looked, (resource) => record(resource)))
  await announce(true)
  expect(delivered.count(), 'repeats are silent').toBe(heard)
  return { delivered, resources: [...looked] }
}

function someVerdicts(dice: Dice): Readonly<Record<string, Verdict>> {
  return Object.fromEntries(RULE_IDS.map((id) => [id, dice.pick(VERDICTS)]))
}

describe('findings', () => {
  it('come to what was judged last, and no change of theirs is lost or told as new twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 ** 31 }), async (seed) => {
        const table = createMemoryTable()
        const { delivered, resources } = await playThrough(createDice(seed), table)
        const store = createFindingsTable(table, () => 'none')
        for (const resource of resources) {
          for (const id of RULE_IDS) {
            const kept = await store.find(findingId(id, resource))
            if (kept === null) continue
            const { finding, told } = kept
            expect(told).toEqual({ mail: finding.version, hub: finding.version, events: finding.version })
            expect(kept).toMatchObject({ unannounced: [], attemptedAt: null })
            delivered.checkChanges(kept)
          }
        }
        delivered.checkNovelty()
        const markers = await store.outbox(100)
        expect(markers, 'markers of nothing are only those of writes that were broken off or refused').toEqual(
          markers.filter(({ writtenAt }) => writtenAt < later(1_000_000)),
        )
        see('repetitions that say so', delivered.repetitions())
        see('missing actions told', delivered.accessCount())
      }),
      { numRuns: 40, examples: [[1919954307]] },
    )
    expect(CASES.filter((name) => (seen.get(name) ?? 0) < 10).map((name) => [name, seen.get(name)])).toEqual([])
  })
})

const CASES = [
  'failsBefore',
  'failsAfter',
  'goesDown',
  'recording settled',
  'recording failed',
  'recording broken off',
  'silent repeats',
  'findings in another hand',
  'findings that wait for a digest',
  'announcing with faults',
  'findings announced',
  'two announcers at once',
  'repetitions that say so',
  'missing actions told',
]
