import { describe, expect, it } from 'vitest'
import { changeOne, type ChangeOutcome, ENFORCER } from '../../shared/changes/change-one.ts'
import { findingId } from '../../shared/findings/finding.ts'
import { NOW } from '../findings/findings-ground.ts'
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

const A = key('a')

function weakKey(): World {
  const world = createWorld()
  world.account.add(A, OFF)
  return world
}

function kinds(outcomes: readonly ChangeOutcome[]): readonly string[] {
  return outcomes.map(({ kind }) => kind)
}

const withoutNotices: Meet = (name, run) => (name === 'put' ? Promise.reject(new Error('down')) : run())
const withoutRelease: Meet = (name, run) => (name === 'release' ? Promise.reject(new Error('throttled')) : run())

describe('a change', () => {
  it('keeps what stood there, who did it and why', async () => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports())
    const [record, ...others] = world.records()
    expect(others).toEqual([])
    expect(record).toEqual({
      id: expect.stringMatching(/^20261020T060000Z-[0-9a-f]{8}$/) as string,
      resource: A,
      ruleId: ROTATION,
      findingId: findingId(ROTATION, A),
      undoes: null,
      before: OFF,
      after: ON,
      summary: 'puts key-rotation right',
      by: ENFORCER,
      policyDigest: 'ab'.repeat(32),
      plannedAt: NOW,
      state: 'done',
      since: NOW,
      reason: '',
    })
  })

  it('enforcement run twice writes once', async () => {
    const world = weakKey()
    const outcomes = [await changeOne(request(A, ROTATION), world.ports()), await changeOne(request(A, ROTATION), world.ports())]
    expect(kinds(outcomes)).toEqual(['done', 'right-already'])
    expect(world.account.writes).toHaveLength(1)
    expect(world.records()).toHaveLength(1)
  })

  it('two runs at once make one change', async () => {
    const world = weakKey()
    const outcomes = await Promise.all([1, 2, 3].map(() => changeOne(request(A, ROTATION), world.ports())))
    expect(kinds(outcomes).toSorted()).toEqual(['busy', 'busy', 'done'])
    expect(world.account.writes).toHaveLength(1)
  })

  it('own events cause no second write', async () => {
    const world = createWorld({ staleS: () => 240 })
    const B = bucket('b')
    world.account.add(B, encryption())
    const outcomes = [await changeOne(request(B, SSE_C), world.ports())]
    // The event of the write comes while S3 still shows what stood there before, and once it does not.
    outcomes.push(await changeOne(request(B, SSE_C), world.ports()))
    world.pass(240)
    outcomes.push(await changeOne(request(B, SSE_C), world.ports()), await changeOne(request(B, SSE_C), world.ports()))
    expect(kinds(outcomes)).toEqual(['later', 'later', 'right-already', 'right-already'])
    expect(world.account.writes).toHaveLength(1)
    expect(world.records().map(({ state }) => state)).toEqual(['done'])
    expect(world.notices.ids()).toEqual([`${world.records()[0]?.id}#done`])
  })

  it('is not planned from what AWS shows of before the last one', async () => {
    const world = createWorld({ staleS: () => 3 })
    const B = bucket('b')
    world.account.add(B, encryption())
    expect((await changeOne(request(B, SSE_C), world.ports())).kind).toBe('done')
    const standing = world.account.at(B.arn)
    standing.shown = encryption()
    standing.shownAt = world.now() + 200
    expect((await changeOne(request(B, SSE_C), world.ports())).kind).toBe('later')
    expect(world.account.writes).toHaveLength(1)
  })

  it('waits until AWS shows it', async () => {
    const world = createWorld({ staleS: () => 7 })
    world.account.add(A, OFF)
    expect((await changeOne(request(A, ROTATION), world.ports())).kind).toBe('done')
    expect(world.now() - NOW).toBe(7)
  })

  it('is lost where somebody changes it right after', async () => {
    const world = weakKey()
    const meet: Meet = async (name, run) => {
      const result = await run()
      if (name === 'write') world.account.edit(A.arn, rotationEvery(90))
      return result
    }
    expect((await changeOne(request(A, ROTATION), world.ports({}, meet))).kind).toBe('lost')
    expect(world.account.at(A.arn).state).toEqual(rotationEvery(90))
    expect(world.notices.ids()).toEqual([`${world.records()[0]?.id}#lost`])
  })

  it.each(['record', 'spend', 'stackOf'])('is not written over what somebody wrote meanwhile: at %s', async (call) => {
    const world = createWorld()
    const B = bucket('b')
    world.account.add(B, policy('{ "Statement": [] }'))
    const meet: Meet = async (name, run) => {
      const result = await run()
      if (name === call) world.account.edit(B.arn, policy('{ "Statement": ["a person"] }'))
      return result
    }
    const { kind } = await changeOne(request(B, TLS), world.ports({}, meet))
    const { state } = world.account.at(B.arn)
    expect(JSON.stringify(state.value)).toContain('a person')
    // What was read after that is planned from; what was read before is dropped.
    expect([kind, world.account.writes.length]).toEqual(call === 'stackOf' ? ['done', 1] : ['later', 0])
  })

  it('is not written once somebody stopped Keytrail after it was planned', async () => {
    const world = weakKey()
    const meet: Meet = async (name, run) => {
      if (name === 'spend') await world.control.setStop({ by: PERSON, reason: '', at: NOW })
      return run()
    }
    expect(await changeOne(request(A, ROTATION), world.ports({}, meet))).toEqual({
      kind: 'later',
      reason: `Keytrail was stopped by ${PERSON}`,
    })
    expect(world.account.writes).toEqual([])
    expect(world.records().map(({ state }) => state)).toEqual(['dropped'])
  })

  it.each([
    { what: 'Keytrail is stopped', kind: 'stopped', ports: {} },
    { what: 'the rule is only reported', kind: 'not-enforced', ports: { policy: enforcing({ modes: new Map() }) } },
  ])('that a run left is told, also once $what', async ({ kind, ports }) => {
    const world = weakKey()
    await expect(changeOne(request(A, ROTATION), world.ports({}, withoutNotices))).rejects.toThrow('down')
    if (kind === 'stopped') await world.control.setStop({ by: PERSON, reason: '', at: NOW })
    world.pass(600)
    world.account.at(A.arn).unreadAspect = 'failed'
    expect((await changeOne(request(A, ROTATION), world.ports(ports))).kind).toBe('later')
    world.account.at(A.arn).unreadAspect = null
    expect((await changeOne(request(A, ROTATION), world.ports(ports))).kind).toBe(kind)
    expect(world.records().map(({ state }) => state)).toEqual(['done'])
    expect(world.notices.ids()).toHaveLength(1)
  })

  it('is not written when its claim is about to end', async () => {
    const world = weakKey()
    const meet: Meet = async (name, run) => {
      if (name === 'spend') world.pass(241)
      return run()
    }
    expect((await changeOne(request(A, ROTATION), world.ports({}, meet))).kind).toBe('later')
    expect(world.account.writes).toEqual([])
  })

  it('is made, whatever becomes of its claim', async () => {
    const world = weakKey()
    expect((await changeOne(request(A, ROTATION), world.ports({}, withoutRelease))).kind).toBe('done')
  })
})
