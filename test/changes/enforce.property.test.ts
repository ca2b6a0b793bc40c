import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AspectState } from '../../shared/changes/aspect.ts'
import { changeOne } from '../../shared/changes/change-one.ts'
import type { ChangePorts } from '../../shared/changes/change-ports.ts'
import { meansTheSame } from '../../shared/changes/meaning.ts'
import type { AspectRead } from '../../shared/changes/ports.ts'
import { tellNotices } from '../../shared/changes/tell-notices.ts'
import { undoChange } from '../../shared/changes/undo.ts'
import { observed, unread } from '../../shared/observed.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import { createDice, type Dice } from '../support/arbitrary-trail.ts'
import {
  bucket,
  createWorld,
  encryption,
  enforcing,
  key,
  type Meet,
  OFF,
  ON,
  PERSON,
  policy,
  request,
  ROTATION,
  rotationEvery,
  SSE_C,
  TLS,
  type World,
} from './model-world.ts'

/** How often what could go wrong occurred. */
const seen = new Map<string, number>()
function see(name: string): void {
  seen.set(name, (seen.get(name) ?? 0) + 1)
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`it does not hold that ${what}`)
}

class Crash extends Error {
  override readonly name = 'Crash'
}

type Fate = 'fails before' | 'fails after' | 'goes down'
const FATES: readonly [Fate, ...Fate[]] = ['fails before', 'fails after', 'goes down']
const DAY_S = 86_400

/** What fails, and how it may be edited by people. The last three are nobody's to change. */
const PLACES: readonly {
  readonly resource: Resource
  readonly ruleId: string
  readonly states: readonly [AspectState, ...AspectState[]]
}[] = [
  { resource: key('a'), ruleId: ROTATION, states: [OFF, OFF, ON, rotationEvery(90)] },
  {
    resource: bucket('b'),
    ruleId: SSE_C,
    states: [encryption(), encryption({ blockedTypes: ['NONE'] }), encryption({ blockedTypes: ['SSE-C'] })],
  },
  { resource: bucket('c'), ruleId: TLS, states: [policy(null), policy('{ "Statement" : ["mine"] }'), policy('{"Statement":["tls"]}')] },
  { resource: key('owned'), ruleId: ROTATION, states: [OFF, ON] },
  { resource: key('stacked'), ruleId: ROTATION, states: [OFF, ON] },
  { resource: key('dark'), ruleId: ROTATION, states: [OFF, ON] },
]
const [FIRST, ...OTHERS] = PLACES
const UNTOUCHED = PLACES.slice(3).map(({ resource }) => resource.arn)
const POLICY = enforcing({ owners: [{ resource: key('owned').arn, tool: 'Terraform', place: null }] })
const GUARD: ChangePorts['guard'] = {
  ...createWorld().ports().guard,
  stackOf: async ({ arn }) => {
    if (arn === key('dark').arn) return unread('cloudformation:DescribeStackResources', 'denied', 'AccessDenied')
    return observed(arn === key('stacked').arn ? 'payments' : null)
  },
}

/** A process whose calls take turns with those of others, of which one may fail; whose writes are checked against what it asked before. */
function processOf(world: World, dice: Dice, { isSteady = false, digest = POLICY.digest } = {}) {
  let callsLeft = isSteady || dice.oneIn(2) ? Infinity : dice.below(25)
  let isDown = false
  const calls: string[] = []
  let [lastRead, wasStopped, editsThen] = [null as AspectRead | null, false, 0]
  const meet: Meet = async (name, run) => {
    for (let ticks = dice.pick([0, 1, dice.below(8), dice.below(60)]); ticks > 0; ticks--) await Promise.resolve()
    if (isDown) throw new Crash('down')
    calls.push(name)
    const fate = callsLeft-- === 0 ? dice.pick(FATES) : null
    if (fate !== null) see(fate)
    if (fate === 'goes down') isDown = true
    if (fate === 'goes down' || fate === 'fails before') throw new Crash(fate)
    const result = await run()
    if (fate === 'fails after') throw new Crash(fate)
    return result
  }
  const ports = world.ports({ policy: { ...POLICY, digest }, guard: GUARD, perHourMax: isSteady ? 1000 : 2 }, meet)
  return {
    ...ports,
    control: {
      ...ports.control,
      stop: async () => {
        const stop = await ports.control.stop()
        wasStopped = stop !== null
        return stop
      },
    },
    aspects: {
      read: async (resource: Resource, aspect: AspectState['aspect']) => {
        editsThen = edits
        lastRead = await ports.aspects.read(resource, aspect)
        return lastRead
      },
      write: (resource: Resource, state: AspectState) => {
        const record = world.records().find((each) => each.resource.arn === resource.arn && each.state === 'writing')
        if (record === undefined) throw new Error('a write without a record')
        must(isDeepStrictEqual(record.after, state), 'the record says what is written')
        // What is about to be overwritten was read just before, and is kept.
        must(calls.at(-1) === 'read', 'a write follows a reading')
        if (lastRead?.kind !== 'read') throw new Error('a write over what was not read')
        must(meansTheSame(lastRead.state, record.before), 'what was read is kept')
        const { state: actual } = world.account.at(resource.arn)
        must(editsThen !== edits || meansTheSame(actual, record.before), 'what is kept stands there')
        must(editsThen !== edits || !meansTheSame(actual, state), 'nothing is written twice')
        if (record.undoes === null) {
          must(!UNTOUCHED.includes(resource.arn), 'what others own is left')
          must(calls.at(-2) === 'stop' && !wasStopped, 'nothing is written while Keytrail is stopped')
        } else {
          const original = world.store.records.get(record.undoes)
          must(original?.state === 'done' && isDeepStrictEqual(original.before, state), 'an undo writes what stood there')
          must(original !== undefined && meansTheSame(original.after, lastRead.state), 'an undo overwrites only what Keytrail wrote')
          see('undo written')
        }
        return ports.aspects.write(resource, state)
      },
    },
  }
}

let edits = 0

async function orCrash<Result>(run: () => Promise<Result>): Promise<Result | null> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof Crash)) throw error
    see('broken off')
    return null
  }
}

async function playThrough(dice: Dice): Promise<World> {
  const staleS = dice.pick([0, 3, 40])
  const world = createWorld({ staleS: () => dice.below(staleS + 1) })
  const place = () => dice.pick([FIRST ?? PLACES[0], ...OTHERS] as [(typeof PLACES)[0], ...typeof PLACES])
  for (const { resource, states } of PLACES) world.account.add(resource, states[0])
  const wait = async () => {
    for (let ticks = dice.below(400); ticks > 0; ticks--) await Promise.resolve()
  }
  const acts: readonly [() => Promise<unknown>, ...(() => Promise<unknown>)[]] = [
    async () => {
      const { resource, ruleId } = place()
      // Two runs at once, as often as not about the same.
      const outcomes = await Promise.all([1, 2].map(() => orCrash(() => changeOne(request(resource, ruleId), processOf(world, dice)))))
      for (const outcome of outcomes) if (outcome !== null) see(outcome.kind)
    },
    async () => {
      const { resource, ruleId } = place()
      const outcome = await orCrash(() => changeOne(request(resource, ruleId), processOf(world, dice)))
      if (outcome !== null) see(outcome.kind)
    },
    async () => {
      await wait()
      // People, too, come just when something is being written.
      const open = world.records().find(({ state }) => state === 'writing')
      const { resource, states } = PLACES.find((each) => each.resource.arn === open?.resource.arn) ?? place()
      edits++
      world.account.edit(resource.arn, dice.pick([...states] as [AspectState, ...AspectState[]]))
    },
    async () => {
      await wait()
      const records = world.records()
      const record = records[dice.below(records.length)]
      if (record === undefined) return
      const outcome = await orCrash(() => undoChange(record.id, { by: PERSON }, processOf(world, dice)))
      if (outcome !== null) see(`undo ${outcome.kind}`)
    },
    async () => {
      await wait()
      await world.control.setStop(dice.oneIn(4) ? { by: PERSON, reason: '', at: world.now() } : null)
    },
  ]
  for (let round = 0; round < 8; round++) {
    await Promise.all(Array.from({ length: 1 + dice.below(4) }, () => dice.pick(acts)()))
    world.pass(dice.pick([0, 5, 60, 400, 4000, DAY_S]))
  }
  return world
}

/** At most two writes on a resource within a day. */
function checkPace(world: World): void {
  for (const { resource } of PLACES) {
    const made = world
      .records()
      .filter((each) => each.resource.arn === resource.arn && each.undoes === null && !['refused', 'dropped'].includes(each.state))
      .map(({ plannedAt }) => plannedAt)
      .toSorted((one, other) => one - other)
    for (const [index, at] of made.entries()) expect((made[index + 2] ?? Infinity) - at).toBeGreaterThanOrEqual(DAY_S)
  }
}

describe('enforcement and undo', () => {
  it('write once, over what was kept, and tell all of it, whoever comes in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 ** 31 }), async (seed) => {
        const dice = createDice(seed)
        const world = await playThrough(dice)
        await world.control.setStop(null)
        world.pass(2 * DAY_S)
        // Seen in force once more after whatever people took back.
        await world.control.policySince(POLICY.digest, world.now())
        for (const { resource, ruleId } of PLACES) {
          const steadily = () => changeOne(request(resource, ruleId), processOf(world, dice, { isSteady: true, digest: 'another policy' }))
          let { kind } = await steadily()
          see(`in the end ${kind}`)
          // What was lost, and then what AWS did not show yet, is right by the next time.
          for (let times = 0; times < 2; times++) {
            world.pass(600)
            kind = (await steadily()).kind
          }
          expect(UNTOUCHED.includes(resource.arn) ? ['held', 'right-already'] : ['done', 'right-already'], resource.arn).toContain(kind)
        }
        checkPace(world)
        const told: string[] = []
        const ports = {
          control: world.control,
          mail: async () => undefined,
          putEvents: async (batch: readonly { readonly detail: string }[]) => {
            told.push(...batch.map(({ detail }) => (JSON.parse(detail) as { id: string }).id))
            return { refused: [] }
          },
        }
        await tellNotices(world.notices, ports, { now: world.now() })
        await tellNotices(world.notices, ports, { now: world.now() })
        expect(told).toHaveLength(new Set(told).size)
        const untold = world.records().filter(({ id, state }) => {
          return state === 'writing' || (state !== 'dropped' && !told.includes(`${id}#${state === 'lost' ? 'lost' : 'done'}`))
        })
        expect(untold).toEqual([])
      }),
      { numRuns: 150 },
    )
    expect(
      CASES.filter((name) => !seen.has(name)),
      JSON.stringify([...seen]),
    ).toEqual([])
  })
})

const CASES = [
  ...FATES,
  'broken off',
  'done',
  'right-already',
  'held',
  'busy',
  'later',
  'stopped',
  'limit',
  'undo undone',
  'undo undone-already',
  'undo differs',
  'undo not-done',
  'undo written',
  'in the end done',
  'in the end held',
]
