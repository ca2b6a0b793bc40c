import { describe, expect, it } from 'vitest'
import type { AspectState } from '../../shared/changes/aspect.ts'
import { changeOne } from '../../shared/changes/change-one.ts'
import type { ChangeRecord } from '../../shared/changes/record.ts'
import { undoChange } from '../../shared/changes/undo.ts'
import { listUndoable, type Undoable } from '../../shared/changes/undoable.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import { NOW } from '../findings/findings-ground.ts'
import {
  bucket,
  createWorld,
  encryption,
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

const DAY_S = 86_400

/** A change that Keytrail just made. */
async function changed(
  resource: Resource,
  ruleId: string,
  before: AspectState,
): Promise<{ readonly world: World; readonly record: ChangeRecord }> {
  const world = createWorld()
  world.account.add(resource, before)
  const outcome = await changeOne(request(resource, ruleId), world.ports())
  if (outcome.kind !== 'done') throw new Error(outcome.kind)
  return { world, record: outcome.record }
}

async function listed(world: World): Promise<readonly Undoable[]> {
  const list: Undoable[] = []
  for await (const each of listUndoable(world.ports())) list.push(each)
  return list
}

function policyText(state: AspectState): string {
  return state.aspect === 'bucket-policy' ? (state.value ?? '') : ''
}

const DSSE = { algorithm: 'aws:kms:dsse', key: null, isBucketKeyEnabled: false, blockedTypes: ['NONE'] }

describe('undo', () => {
  it.each([
    { what: 'rotation that was off', resource: key('a'), ruleId: ROTATION, before: OFF },
    { what: 'no bucket policy', resource: bucket('b'), ruleId: TLS, before: policy(null) },
    {
      what: 'a policy byte for byte',
      resource: bucket('b'),
      ruleId: TLS,
      before: policy('{\n\t"Statement" : [ ],"Version":"2012-10-17"} '),
    },
    { what: 'every rule of an encryption', resource: bucket('b'), ruleId: SSE_C, before: encryption(DSSE) },
    {
      what: 'an encryption without rules of its own',
      resource: bucket('b'),
      ruleId: SSE_C,
      before: encryption({ algorithm: null, key: null }),
    },
  ])('restores $what', async ({ resource, ruleId, before }) => {
    const { world, record } = await changed(resource, ruleId, before)
    const outcome = await undoChange(record.id, { by: PERSON }, world.ports())
    expect(world.account.at(resource.arn).state).toEqual(before)
    if (outcome.kind !== 'undone') throw new Error(outcome.kind)
    expect(outcome.record).toMatchObject({
      undoes: record.id,
      findingId: null,
      by: PERSON,
      state: 'done',
      before: record.after,
      after: before,
    })
    expect((await world.store.find(record.id))?.state).toBe('undone')
    expect(world.notices.ids()).toEqual([`${record.id}#done`, `${outcome.record.id}#done`])
    expect(world.notices.notices.get(`${outcome.record.id}#done`)?.title).toMatch(/^Taken back: /)

    expect(await undoChange(record.id, { by: PERSON }, world.ports())).toEqual({ kind: 'undone-already', record: outcome.record })
    expect(world.account.writes).toHaveLength(2)
    expect((await undoChange(outcome.record.id, { by: PERSON }, world.ports())).kind).toBe('undone')
    expect(world.account.at(resource.arn).state).toEqual(record.after)
    expect((await listed(world)).map(({ kind }) => kind).toSorted()).toEqual(['can', 'over', 'over'])
  })

  it('restores the period, too', async () => {
    const { world, record } = await changed(key('a'), ROTATION, OFF)
    const slow = { ...record, id: '20261020T060001Z-00000000', before: rotationEvery(2560), undoes: null }
    await world.store.write(slow, null)
    expect((await undoChange(slow.id, { by: PERSON }, world.ports())).kind).toBe('undone')
    expect(world.account.at(key('a').arn).state).toEqual(rotationEvery(2560))
  })

  it('a human edit overwritten by undo', async () => {
    const { world, record } = await changed(bucket('b'), TLS, policy('{ "Statement": [] }'))
    const edited = policy('{ "Statement": ["tls", "what a person added"] }')
    world.account.edit(bucket('b').arn, edited)
    const outcome = await undoChange(record.id, { by: PERSON }, world.ports())
    if (outcome.kind !== 'differs') throw new Error(outcome.kind)
    expect(outcome.lines.join('\n')).toContain('what a person added')
    expect(world.account.at(bucket('b').arn).state).toEqual(edited)
    expect(world.account.writes).toHaveLength(1)
    expect(await listed(world)).toEqual([{ kind: 'differs', record, lines: outcome.lines }])
  })

  it('keeps what stood there as it was written, so that an undo can be undone byte for byte', async () => {
    const { world, record } = await changed(bucket('b'), TLS, policy('{ }'))
    const spaced = policy(policyText(record.after).replace('{', '{   '))
    world.account.edit(bucket('b').arn, spaced)
    const undo = await undoChange(record.id, { by: PERSON }, world.ports())
    if (undo.kind !== 'undone') throw new Error(undo.kind)
    expect((await undoChange(undo.record.id, { by: PERSON }, world.ports())).kind).toBe('undone')
    expect(world.account.at(bucket('b').arn).state).toEqual(spaced)
  })

  it('that was seen is done, whatever a person writes before that is noted', async () => {
    const { world, record } = await changed(key('a'), ROTATION, OFF)
    let writes = 0
    const meet: Meet = (name, run) => (name === 'record' && writes++ === 2 ? Promise.reject(new Error('down')) : run())
    await expect(undoChange(record.id, { by: PERSON }, world.ports({}, meet))).rejects.toThrow('down')
    expect(world.records().map(({ state }) => state)).toEqual(['undone', 'writing'])
    expect((await listed(world)).map(({ kind }) => kind).toSorted()).toEqual(['open', 'over'])
    world.account.edit(key('a').arn, rotationEvery(180))
    expect((await undoChange(record.id, { by: PERSON }, world.ports())).kind).toBe('undone-already')
    expect(world.records().map(({ state }) => state)).toEqual(['undone', 'done'])
  })

  // A person's undo does not ask whether Keytrail was stopped.
  it.each([
    { call: 'read', kind: 'later', stands: rotationEvery(180) },
    { call: 'record', kind: 'later', stands: rotationEvery(180) },
    { call: 'stop', kind: 'undone', stands: OFF },
  ])('a human edit overwritten by undo that had begun, at $call', async ({ call, kind, stands }) => {
    const { world, record } = await changed(key('a'), ROTATION, OFF)
    const meet: Meet = async (name, run) => {
      const result = await run()
      if (name === call) world.account.edit(key('a').arn, rotationEvery(180))
      return result
    }
    expect((await undoChange(record.id, { by: PERSON }, world.ports({}, meet))).kind).toBe(kind)
    expect(world.account.at(key('a').arn).state).toEqual(stands)
  })

  it('is allowed while Keytrail is stopped', async () => {
    const { world, record } = await changed(key('a'), ROTATION, OFF)
    await world.control.setStop({ by: PERSON, reason: 'a freeze', at: NOW })
    expect((await undoChange(record.id, { by: PERSON }, world.ports())).kind).toBe('undone')
  })

  it('is made once, by two persons at once', async () => {
    const { world, record } = await changed(key('a'), ROTATION, OFF)
    const undos = await Promise.all([1, 2].map(() => undoChange(record.id, { by: PERSON }, world.ports())))
    expect(undos.map(({ kind }) => kind).toSorted()).toEqual(['busy', 'undone'])
    expect(world.account.writes).toHaveLength(2)
  })

  it('says what is not there to be taken back', async () => {
    const { world, record } = await changed(key('a'), ROTATION, OFF)
    const undo = (id: string) => undoChange(id, { by: PERSON }, world.ports())
    expect(await undo('20261020T060000Z-ffffffff')).toEqual({ kind: 'not-found' })
    const states = ['refused', 'lost', 'dropped'] as const
    for (const [index, state] of states.entries()) {
      const other = { ...record, id: `20261020T05000${index}Z-00000000`, state }
      await world.store.write(other, null)
      expect(await undo(other.id)).toEqual({ kind: 'not-done', record: other })
    }
    expect((await listed(world)).map(({ kind }) => kind)).toEqual(['can', 'over', 'over', 'over'])
    const standing = world.account.at(key('a').arn)
    standing.unreadAspect = 'denied'
    expect((await undo(record.id)).kind).toBe('unread')
    expect((await listed(world))[0]?.kind).toBe('unread')
    standing.unreadAspect = null
    standing.refusal = { ok: false, code: 'AccessDeniedException', message: 'no' }
    expect((await undo(record.id)).kind).toBe('refused')
    standing.isGone = true
    expect((await undo(record.id)).kind).toBe('gone')
    expect((await listed(world))[0]?.kind).toBe('gone')
    expect(standing.state).toEqual(ON)
    expect((await world.store.find(record.id))?.state).toBe('done')
  })
})

type Fate = 'fails before' | 'fails after' | 'goes down before' | 'goes down after'
const FATES: readonly Fate[] = ['fails before', 'fails after', 'goes down before', 'goes down after']

/** Of one process, the n-th call fails, before or after its effect; with it the process may go down. */
function failing(nth: number, fate: Fate): { readonly meet: Meet; readonly isHit: () => boolean } {
  let calls = 0
  let isDown = false
  return {
    isHit: () => calls > nth,
    async meet(_, run) {
      if (isDown) throw new Error('down')
      if (calls++ !== nth) return run()
      isDown = fate.startsWith('goes down')
      if (fate.endsWith('after')) await run()
      throw new Error(fate)
    },
  }
}

const TOLD_STATES = ['done', 'undone', 'lost', 'refused']

function checkRecords(world: World): void {
  const told = world.notices.ids().map((id) => id.split('#')[0])
  const untold = world.records().filter(({ id, state }) => state === 'writing' || (TOLD_STATES.includes(state) && !told.includes(id)))
  expect(untold).toEqual([])
}

describe.each(FATES)('the n-th call %s, for every n', (fate) => {
  it.each([
    { what: 'a change', resource: key('a'), ruleId: ROTATION, before: OFF },
    { what: 'a change of a policy', resource: bucket('b'), ruleId: TLS, before: policy(null) },
  ])('$what: the next run goes on rightly', async ({ resource, ruleId, before }) => {
    let nth = 0
    for (let isOver = false; !isOver; nth++) {
      const world = createWorld({ staleS: () => 2 })
      world.account.add(resource, before)
      const { meet, isHit } = failing(nth, fate)
      await changeOne(request(resource, ruleId), world.ports({}, meet)).catch(() => undefined)
      world.pass(600)
      const { kind } = await changeOne(request(resource, ruleId), world.ports())
      expect(['done', 'right-already'], `call ${nth}`).toContain(kind)
      expect(world.account.writes, `call ${nth}`).toHaveLength(1)
      const done = world.records().filter(({ state }) => state === 'done')
      expect(done).toHaveLength(1)
      expect(done[0]).toMatchObject({ before, after: world.account.at(resource.arn).state })
      checkRecords(world)
      isOver = !isHit()
    }
    expect(nth).toBeGreaterThan(12)
  })

  it('an undo: it can be run again', async () => {
    let nth = 0
    for (let isOver = false; !isOver; nth++) {
      const { world, record } = await changed(bucket('b'), TLS, policy('{ }'))
      world.pass(DAY_S)
      const { meet, isHit } = failing(nth, fate)
      await undoChange(record.id, { by: PERSON }, world.ports({}, meet)).catch(() => undefined)
      world.pass(600)
      const { kind } = await undoChange(record.id, { by: PERSON }, world.ports())
      expect(['undone', 'undone-already'], `call ${nth}`).toContain(kind)
      expect(world.account.writes, `call ${nth}`).toHaveLength(2)
      expect(world.account.at(bucket('b').arn).state).toEqual(policy('{ }'))
      expect((await world.store.find(record.id))?.state).toBe('undone')
      checkRecords(world)
      isOver = !isHit()
    }
    expect(nth).toBeGreaterThan(12)
  })
})
