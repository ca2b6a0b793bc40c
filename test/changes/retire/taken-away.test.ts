import { describe, expect, it } from 'vitest'
import { undoRetirement } from '../../../shared/changes/retire/undo-retirement.ts'
import { DAY_S } from './model-keys.ts'
import { arnOf, createGround, type Ground, modelKey, OWNER, past } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIAS = 'alias/demo-a'

/** What the workshop's own clean-up does: the alias, the key, its entry. */
function takeAway({ kms, registry }: Ground): void {
  const key = kms.key(KEY)
  if (key?.state !== 'PendingDeletion') {
    const deletionAt = (kms.clock.now + 7 * DAY_S) as typeof kms.clock.now
    kms.change(KEY, { aliases: [], state: 'PendingDeletion', deletionAt })
  }
  const entry = registry.get(KEY)
  if (entry !== undefined) registry.set(KEY, { ...entry, state: 'retired' })
}

async function after(hours: readonly number[]): Promise<Ground> {
  const ground = createGround()
  ground.register(modelKey(KEY, { aliases: [ALIAS] }))
  for (const each of hours) {
    ground.pass(each)
    await ground.run()
  }
  return ground
}

function taken({ kms }: Ground): readonly string[] {
  return kms.written.map(({ call }) => call)
}

describe('a key that its owner takes away with the workshop', () => {
  const STAGES = [
    { title: 'is watched', hours: [0], kinds: ['disable'] },
    { title: 'waits for its deletion', hours: [0, 73], kinds: ['disable', 'deleteAlias', 'scheduleDeletion'] },
  ]
  const LATER: readonly { readonly title: string; readonly act: (ground: Ground) => void }[] = [
    { title: '', act: () => undefined },
    { title: ', though somebody tries to use it', act: ({ kms }) => kms.use(KEY, {}) },
    { title: ', though its entry is forgotten', act: ({ registry }) => void registry.delete(KEY) },
  ]
  it.each(STAGES.flatMap((stage) => LATER.map((later) => ({ ...stage, later, name: `${stage.title}${later.title}` }))))(
    'while it $name goes its way, and is not given back',
    async ({ hours, kinds, later }) => {
      const ground = await after(hours)
      ground.pass(1)
      takeAway(ground)
      ground.pass(1)
      expect(await ground.run()).toMatchObject([
        { after: 'scheduled', failure: null, next: { what: expect.stringContaining('its owner took it away') as string } },
      ])
      later.act(ground)
      ground.pass(1)
      expect(await ground.run()).toMatchObject([{ after: 'scheduled', failure: null, isUnread: false }])
      expect(taken(ground)).toEqual(kinds)
      expect(ground.kms.key(KEY)).toMatchObject({ state: 'PendingDeletion', aliases: [] })
      ground.pass(8 * 24)
      expect(await ground.run()).toMatchObject([{ after: 'deleted' }])
      expect(await ground.run()).toEqual([])
    },
  )

  it('is told of once', async () => {
    const ground = await after([0, 73])
    takeAway(ground)
    for (const hours of [1, 1, 1]) {
      ground.pass(hours)
      await ground.run()
    }
    expect([...ground.notices.notices.values()].filter(({ lines }) => lines.includes('Why: its owner took it away'))).toHaveLength(1)
  })

  it('comes back where a person cancels its deletion', async () => {
    const ground = await after([0])
    takeAway(ground)
    ground.pass(1)
    await ground.run()
    ground.kms.change(KEY, { state: 'Disabled', deletionAt: null })
    for (const hours of [1, 1]) {
      ground.pass(hours)
      await ground.run()
    }
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled' })
    expect(ground.retirements.get(KEY)).toMatchObject({
      stage: 'saved',
      reason: 'its owner took it away, and somebody cancelled its deletion',
    })
    expect(await ground.run()).toEqual([])
  })

  it('comes back where a person asks for it', async () => {
    const ground = await after([0, 73])
    takeAway(ground)
    ground.pass(1)
    await ground.run()
    ground.pass(1)
    expect(await undoRetirement(KEY, { by: OWNER }, ground.ports)).toMatchObject({ kind: 'saving' })
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'saved' }])
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
  })

  it('is never begun', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY), { state: 'retired', registeredAt: past(50) })
    expect(await ground.run()).toEqual([])
    expect(ground.kms.written).toEqual([])
  })
})
