import { describe, expect, it } from 'vitest'
import { changeOne, type ChangeOutcome } from '../../shared/changes/change-one.ts'
import { undoChange } from '../../shared/changes/undo.ts'
import { createWorld, enforcing, key, OFF, PERSON, request, ROTATION, type World } from './model-world.ts'

const A = key('a')
const DAY_S = 86_400

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
    expect(outcome).toMatchObject({ kind: 'held', reasons: [expect.stringContaining(`${PERSON} took this change back`) as string] })
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
