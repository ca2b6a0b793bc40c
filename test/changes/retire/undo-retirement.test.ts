import { describe, expect, it } from 'vitest'
import { undoRetirement } from '../../../shared/changes/retire/undo-retirement.ts'
import { arnOf, createGround, type Ground, modelKey, OWNER, past } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIAS = 'alias/demo-a'

async function after(hours: readonly number[], act: (ground: Ground) => void = () => undefined): Promise<Ground> {
  const ground = createGround()
  ground.register(modelKey(KEY, { aliases: [ALIAS] }))
  for (const each of hours) {
    ground.pass(each)
    await ground.run()
  }
  ground.pass(1)
  act(ground)
  return ground
}

const WATCHED = [0]
const SCHEDULED = [0, 73]

describe('a retirement is taken back', () => {
  it.each([
    { title: 'while it is watched', hours: WATCHED },
    { title: 'while its deletion is pending', hours: SCHEDULED },
  ])('$title', async ({ hours }) => {
    const ground = await after(hours)
    const undone = await undoRetirement(KEY, { by: OWNER }, ground.ports)
    expect(undone).toMatchObject({ kind: 'saving', report: { after: 'saving', failure: null } })
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS], deletionAt: null })
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'saved' }])
    expect(ground.retirements.get(KEY)?.reason).toBe(`${OWNER} took it back`)
    expect(await undoRetirement(KEY, { by: OWNER }, ground.ports)).toMatchObject({ kind: 'refused', reason: 'the key was saved already' })
  })

  it('while somebody stopped Keytrail: a person may', async () => {
    const ground = await after(SCHEDULED, ({ ports }) => void ports.control.setStop({ by: OWNER, reason: 'freeze', at: past(0) }))
    expect(await undoRetirement(KEY, { by: OWNER }, ground.ports)).toMatchObject({ kind: 'saving' })
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS], deletionAt: null })
  })

  it('where a name stands for another key by now: that is told, and the name is left to it', async () => {
    const other = arnOf('b')
    const ground = await after(SCHEDULED, ({ kms }) => kms.put(modelKey(other, { aliases: [ALIAS] })))
    const undone = await undoRetirement(KEY, { by: OWNER }, ground.ports)
    expect(undone).toMatchObject({
      kind: 'saving',
      report: { failure: null },
      names: [`${ALIAS} stands for ${other} by now and is left to it`],
    })
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [], deletionAt: null })
    expect(ground.kms.key(other)?.aliases).toEqual([ALIAS])
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'saved' }])
  })

  it('after AWS refused a step', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases: [ALIAS] }))
    ground.kms.refuse((call) => (call === 'scheduleDeletion' ? 'AccessDeniedException' : null))
    await ground.run()
    ground.pass(73)
    await ground.run()
    expect(ground.retirements.get(KEY)?.stage).toBe('stopped')
    await undoRetirement(KEY, { by: OWNER }, ground.ports)
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
  })

  const REFUSED: readonly {
    readonly title: string
    readonly hours: readonly number[]
    readonly act: (ground: Ground) => void
    readonly reason?: string
    readonly difference: readonly string[]
  }[] = [
    {
      title: 'where somebody enabled the key',
      hours: WATCHED,
      act: ({ kms }) => kms.change(KEY, { state: 'Enabled' }),
      difference: ['state: Keytrail left it Disabled; it is Enabled'],
    },
    {
      title: 'where somebody cancelled its deletion',
      hours: SCHEDULED,
      act: ({ kms }) => kms.change(KEY, { state: 'Disabled', deletionAt: null }),
      difference: ['state: Keytrail left it PendingDeletion or PendingReplicaDeletion; it is Disabled'],
    },
    {
      title: 'where somebody else scheduled its deletion',
      hours: SCHEDULED,
      act: ({ kms }) => kms.change(KEY, { deletionAt: past(-60) }),
      difference: ['deletion: somebody else scheduled it'],
    },
    {
      title: 'where the key cannot be read',
      hours: SCHEDULED,
      act: ({ kms }) => kms.failRead(KEY, 'described'),
      difference: ['kms:described cannot be read: AccessDeniedException'],
    },
    { title: 'once the key is gone', hours: SCHEDULED, act: (ground) => ground.pass(8 * 24), difference: ['the key is gone'] },
    { title: 'where nothing began', hours: [], act: () => undefined, reason: 'the key is not being retired', difference: [] },
    {
      title: 'while another run works on the key',
      hours: SCHEDULED,
      act: ({ ports }) => void ports.control.claim(`retire#${KEY}`, ports.now(), 300),
      reason: 'another run works on the key: try again in a few minutes',
      difference: [],
    },
  ]
  it.each(REFUSED)('not $title', async ({ hours, act, reason = 'the key does not stand as Keytrail left it', difference }) => {
    const ground = await after(hours, act)
    const written = ground.kms.written.length
    expect(await undoRetirement(KEY, { by: OWNER }, ground.ports)).toEqual({ kind: 'refused', reason, difference })
    expect(ground.kms.written).toHaveLength(written)
  })
})
