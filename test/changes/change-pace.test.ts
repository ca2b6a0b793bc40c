import { describe, expect, it } from 'vitest'
import { changeOne, type ChangeOutcome } from '../../shared/changes/change-one.ts'
import { undoChange } from '../../shared/changes/undo.ts'
import type { ChangePorts } from '../../shared/changes/change-ports.ts'
import type { ChangeRecord } from '../../shared/changes/record.ts'
import {
  bucket,
  createWorld,
  encryption,
  enforcing,
  key,
  OFF,
  PERSON,
  policy,
  request,
  ROTATION,
  SSE_C,
  type World,
} from './model-world.ts'

const A = key('a')
const DAY_S = 86_400
const OTHER_SSE_C = 's3-bucket-blocks-too'

/** Two rules that set the same aspect, both enforced. */
function twoRules(): Partial<ChangePorts> {
  const { rules, planners } = createWorld().ports()
  const [rule, planner] = [rules.find(({ id }) => id === SSE_C), planners.get(SSE_C)]
  if (rule === undefined || planner === undefined) throw new Error('no rule')
  return {
    rules: [...rules, { ...rule, id: OTHER_SSE_C }],
    planners: new Map([...planners, [OTHER_SSE_C, planner]]),
    policy: enforcing({ modes: new Map([SSE_C, OTHER_SSE_C].map((ruleId) => [ruleId, 'enforce'])) }),
  }
}

function underPolicy(digest: string): { readonly policy: ChangePorts['policy'] } {
  return { policy: enforcing({ digest }) }
}

async function undone(world: World, id: string, digest: string): Promise<ChangeRecord> {
  const outcome = await undoChange(id, { by: PERSON }, world.ports(underPolicy(digest)))
  if (outcome.kind !== 'undone') throw new Error(outcome.kind)
  return outcome.record
}

function weakKey(): World {
  const world = createWorld()
  world.account.add(A, OFF)
  return world
}

function kinds(outcomes: readonly ChangeOutcome[]): readonly string[] {
  return outcomes.map(({ kind }) => kind)
}

describe('a change that somebody takes back', () => {
  it('by hand is made twice a day, then reported', async () => {
    const world = weakKey()
    const outcomes: ChangeOutcome[] = []
    for (let round = 0; round < 6; round++) {
      outcomes.push(await changeOne(request(A, ROTATION), world.ports()))
      world.account.edit(A.arn, OFF)
      world.pass(3600)
    }
    expect(kinds(outcomes)).toEqual(['done', 'done', 'held', 'held', 'held', 'held'])
    expect(world.notices.ids().filter((id) => id.includes('#held-'))).toHaveLength(1)
    world.pass(DAY_S)
    expect((await changeOne(request(A, ROTATION), world.ports())).kind).toBe('done')
  })

  it('by undo is not made again until the policy changes', async () => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports())
    const [record] = world.records()
    expect((await undoChange(record?.id ?? '', { by: PERSON }, world.ports())).kind).toBe('undone')
    world.pass(30 * DAY_S)
    const outcome = await changeOne(request(A, ROTATION), world.ports())
    expect(outcome).toMatchObject({ kind: 'held', reasons: [expect.stringContaining(`${PERSON} took a change of this back`) as string] })
    const changed = enforcing({ digest: 'cd'.repeat(32) })
    expect((await changeOne(request(A, ROTATION), world.ports({ policy: changed }))).kind).toBe('done')
  })

  it('by undo, which is undone, is made again', async () => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports())
    const undo = await undoChange(world.records()[0]?.id ?? '', { by: PERSON }, world.ports())
    if (undo.kind !== 'undone') throw new Error(undo.kind)
    expect((await undoChange(undo.record.id, { by: PERSON }, world.ports())).kind).toBe('undone')
    world.account.edit(A.arn, OFF)
    world.pass(3600)
    expect((await changeOne(request(A, ROTATION), world.ports())).kind).toBe('done')
  })

  it.each([
    { under: 'the policy that it was made under', digests: ['a', 'a'] },
    { under: 'one that was deployed before', digests: ['b', 'b'] },
  ])('by undo from wherever a person stands stays so under $under', async ({ digests }) => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports(underPolicy('a')))
    world.pass(DAY_S)
    await undone(world, world.records()[0]?.id ?? '', 'of another folder')
    const outcomes: ChangeOutcome[] = []
    for (const digest of [...digests, 'c', 'c']) {
      world.pass(DAY_S)
      outcomes.push(await changeOne(request(A, ROTATION), world.ports(underPolicy(digest))))
    }
    expect(kinds(outcomes)).toEqual(['held', 'held', 'done', 'right-already'])
  })

  it('by undo stays so under a policy that nobody saw begin after it', async () => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports(underPolicy('a')))
    await world.control.policySince('a', world.now())
    world.pass(60)
    await undone(world, world.records()[0]?.id ?? '', 'a')
    world.pass(60)
    // It may have been deployed in the first minute as well as in the second.
    expect((await changeOne(request(A, ROTATION), world.ports(underPolicy('b')))).kind).toBe('held')
    world.pass(60)
    expect((await changeOne(request(A, ROTATION), world.ports(underPolicy('c')))).kind).toBe('done')
  })

  it('by undo is not made by another rule of the same aspect', async () => {
    const world = createWorld()
    const B = bucket('b')
    world.account.add(B, encryption())
    await changeOne(request(B, SSE_C), world.ports(twoRules()))
    await undone(world, world.records()[0]?.id ?? '', 'a')
    world.pass(3600)
    expect((await changeOne(request(B, OTHER_SSE_C), world.ports(twoRules()))).kind).toBe('held')
    expect(world.account.at(B.arn).state).toEqual(encryption())
  })

  it('by undo stays so when the record of the change itself is over', async () => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports())
    const undo = await undone(world, world.records()[0]?.id ?? '', 'a')
    const later = weakKey()
    await later.store.write(undo, null)
    expect((await changeOne(request(A, ROTATION), later.ports())).kind).toBe('held')
  })

  it('by undo, which is undone and undone again, counts from the last time', async () => {
    const world = weakKey()
    await changeOne(request(A, ROTATION), world.ports(underPolicy('a')))
    const first = await undone(world, world.records()[0]?.id ?? '', 'a')
    const second = await undone(world, first.id, 'a')
    world.pass(60)
    await world.control.policySince('a', world.now())
    await world.control.policySince('b', world.now())
    world.pass(60)
    const last = await undone(world, second.id, 'b')
    expect(await changeOne(request(A, ROTATION), world.ports(underPolicy('b')))).toMatchObject({
      kind: 'held',
      reasons: [expect.stringContaining(last.id) as string],
    })
  })

  it('by hand counts for all rules of the resource, and what people take back does not', async () => {
    const world = createWorld()
    const B = bucket('b')
    world.account.add(B, encryption())
    const outcomes: ChangeOutcome[] = []
    for (const ruleId of [SSE_C, OTHER_SSE_C, SSE_C]) {
      outcomes.push(await changeOne(request(B, ruleId), world.ports(twoRules())))
      world.account.edit(B.arn, encryption())
      world.pass(3600)
    }
    expect(kinds(outcomes)).toEqual(['done', 'done', 'held'])
  })

  it('counts for all aspects of the resource', async () => {
    const world = createWorld()
    const B = bucket('b')
    world.account.add(B, encryption())
    await changeOne(request(B, SSE_C), world.ports())
    const [record] = world.records()
    if (record === undefined) throw new Error('no record')
    const others = { before: policy(null), after: policy('{}') }
    await world.store.write({ ...record, ...others, id: `${record.id}0`, undoes: record.id, state: 'refused', by: PERSON }, null)
    world.account.edit(B.arn, encryption())
    world.pass(3600)
    expect((await changeOne(request(B, SSE_C), world.ports())).kind).toBe('done')
    world.account.edit(B.arn, encryption())
    world.pass(DAY_S)
    expect((await changeOne(request(B, SSE_C), world.ports())).kind).toBe('done')
    await world.store.write({ ...record, ...others, id: `${record.id}1`, plannedAt: world.now() }, null)
    world.account.edit(B.arn, encryption())
    world.pass(3600)
    expect(await changeOne(request(B, SSE_C), world.ports())).toMatchObject({
      kind: 'held',
      reasons: [expect.stringContaining('2 times within a day') as string],
    })
  })

  it('by AWS is not tried again for a day, and told once', async () => {
    const world = weakKey()
    const standing = world.account.at(A.arn)
    standing.refusal = { ok: false, code: 'AccessDeniedException', message: 'at 06:00' }
    const outcomes = [await changeOne(request(A, ROTATION), world.ports()), await changeOne(request(A, ROTATION), world.ports())]
    world.pass(DAY_S)
    standing.refusal = { ok: false, code: 'AccessDeniedException', message: 'at 06:00, a day later' }
    outcomes.push(await changeOne(request(A, ROTATION), world.ports()))
    expect(kinds(outcomes)).toEqual(['refused', 'held', 'refused'])
    expect(world.notices.ids()).toHaveLength(1)
    world.pass(DAY_S)
    standing.refusal = null
    expect((await changeOne(request(A, ROTATION), world.ports())).kind).toBe('done')
  })
})

describe('the limit of an hour', () => {
  const KEYS = Array.from({ length: 1000 }, (_, index) => key(`key-${index}`))

  it.each([1, 4])('holds under 1,000 failing resources with %s runs at once', async (runs) => {
    const world = createWorld()
    for (const each of KEYS) world.account.add(each, OFF)
    const run = async (): Promise<void> => {
      for (const each of KEYS) await changeOne(request(each, ROTATION), world.ports({ perHourMax: 20 }))
    }
    await Promise.all(Array.from({ length: runs }, run))
    expect(world.account.writes).toHaveLength(20)
    expect(world.notices.ids().filter((id) => id.startsWith('limit-'))).toHaveLength(1)
    expect(world.notices.ids()).toHaveLength(21)
    world.pass(3600)
    await run()
    expect(world.account.writes).toHaveLength(40)
  })
})
