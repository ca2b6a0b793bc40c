import { describe, expect, it } from 'vitest'
import { retireAll } from '../../../shared/changes/retire/retire-all.ts'
import { arnOf, createGround, GRANT, type Ground, modelKey, OWNER, past } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIAS = 'alias/demo-a'

async function watchedGround(): Promise<Ground> {
  const ground = createGround()
  ground.register(modelKey(KEY, { aliases: [ALIAS] }))
  await ground.run()
  return ground
}

function calls({ kms }: Ground): readonly string[] {
  return kms.written.map(({ call }) => call)
}

function held({ notices }: Ground): readonly string[] {
  return notices.ids().flatMap((id) => (id.includes('#held#') ? [id.split('#held#')[1] ?? ''] : []))
}

describe('a watch that sees nothing', () => {
  it('is no watch: its hours are counted again once uses can be read', async () => {
    const ground = await watchedGround()
    ground.kms.failRead(KEY, 'triedUse', 'failed')
    for (let hour = 0; hour < 72; hour++) {
      ground.pass(1)
      expect(await ground.run()).toMatchObject([{ after: 'watching', isUnread: true }])
    }
    ground.kms.healReads()
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'watching', isUnread: false, next: { at: past(-6) } }])
    ground.pass(70)
    await ground.run()
    expect(calls(ground)).toEqual(['disable'])
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'scheduled' }])
    expect(held(ground)).toEqual(['blind#unread#0', 'blind#unread#1', 'blind#unread#2', 'blind#unread#3'])
  })

  it('begins again behind what holds it, too', async () => {
    const ground = await watchedGround()
    ground.kms.change(KEY, { grants: [GRANT] })
    ground.kms.failRead(KEY, 'triedUse', 'failed')
    ground.pass(71)
    await ground.run()
    ground.kms.healReads()
    ground.kms.change(KEY, { grants: [] })
    ground.pass(2)
    expect(await ground.run()).toMatchObject([{ after: 'watching' }])
  })

  it('run twice is run once', async () => {
    const ground = await watchedGround()
    ground.kms.failRead(KEY, 'triedUse', 'failed')
    ground.pass(1)
    await ground.run()
    const before = [ground.retirements.get(KEY), ground.notices.ids()]
    expect(await ground.run()).toMatchObject([{ isUnread: true }])
    expect([ground.retirements.get(KEY), ground.notices.ids()]).toEqual(before)
  })
})

describe('a key that is disabled is not forgotten', () => {
  const WISHES: readonly { readonly title: string; readonly act: (ground: Ground) => void }[] = [
    { title: 'its tag', act: ({ kms }) => kms.change(KEY, { tags: { 'keytrail:keep': '' } }) },
    { title: 'an exclusion', act: (ground) => ground.setSettings({ exclude: [ALIAS] }) },
    { title: 'a stack', act: ({ kms }) => kms.change(KEY, { tags: { 'aws:cloudformation:stack-name': 'app' } }) },
    { title: 'leaving the registry', act: ({ registry }) => void registry.delete(KEY) },
  ]
  const STAGES: readonly { readonly title: string; readonly reach: (ground: Ground) => Promise<unknown> }[] = [
    { title: 'watched', reach: () => Promise.resolve() },
    {
      title: 'held between its aliases and its deletion',
      reach: async (ground) => {
        ground.kms.refuse((call) => (call === 'scheduleDeletion' ? 'LimitExceededException' : null))
        ground.pass(73)
        await ground.run()
        ground.kms.refuse(() => null)
      },
    },
    {
      title: 'stopped',
      reach: async (ground) => {
        ground.kms.refuse((call) => (call === 'deleteAlias' ? 'AccessDeniedException' : null))
        ground.pass(73)
        await ground.run()
        ground.kms.refuse(() => null)
      },
    },
  ]
  it.each(STAGES.flatMap((stage) => WISHES.map((wish) => ({ stage, wish, name: `${wish.title} while it is ${stage.title}` }))))(
    '$name: it is given back',
    async ({ stage, wish }) => {
      const ground = await watchedGround()
      await stage.reach(ground)
      wish.act(ground)
      for (const hours of [1, 1]) {
        ground.pass(hours)
        await ground.run()
      }
      expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
      expect(ground.retirements.get(KEY)?.stage).toBe('saved')
    },
  )

  it('what else holds it is told when it begins, when it changes, and once a week', async () => {
    const ground = await watchedGround()
    const hold = async (grants: number, days: number): Promise<void> => {
      ground.kms.change(KEY, { grants: grants === 0 ? [] : [GRANT] })
      for (let hour = 0; hour < 24 * days; hour++) {
        ground.pass(1)
        await ground.run()
      }
    }
    await hold(1, 5)
    expect(held(ground)).toEqual(['other#grant#0'])
    ground.kms.change(KEY, { aliases: [ALIAS, 'alias/prod'] })
    await hold(1, 1)
    expect(held(ground)).toEqual(['other#grant#0', 'other#alias+grant#0'])
    await hold(1, 9)
    expect(held(ground).slice(2)).toEqual(['other#alias+grant#1', 'other#alias+grant#2'])
    expect([...ground.notices.notices.values()].find(({ id }) => id.includes('#held#'))).toMatchObject({
      title: 'The retirement of a demo key is held',
      lines: expect.arrayContaining([`Held: 1 grant on the key: ${GRANT.grantee}`]) as string[],
      detail: { stage: 'watching', heldBy: ['grant'] },
    })
    expect(calls(ground)).toEqual(['disable'])
  })

  it('nothing is told where nothing is to be applied, or no retirement is under way', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { grants: [GRANT] }))
    await ground.run()
    ground.kms.change(KEY, { grants: [] })
    await ground.run()
    ground.kms.change(KEY, { grants: [GRANT] })
    ground.pass(1)
    await ground.run({ apply: false })
    expect(held(ground)).toEqual([])
  })
})

describe('a stop in the middle of a key', () => {
  it('is asked for before each step', async () => {
    const ground = await watchedGround()
    ground.pass(73)
    const { keys } = ground.ports
    const deleteAlias: typeof keys.deleteAlias = async (...given) => {
      await ground.ports.control.setStop({ by: OWNER, reason: 'freeze', at: past(0) })
      return keys.deleteAlias(...given)
    }
    const { keys: reports } = await retireAll({ ...ground.ports, keys: { ...keys, deleteAlias } }, { apply: true, by: 'schedule' })
    expect(reports).toMatchObject([{ after: 'freeing', failure: null, next: { what: 'wait: Keytrail was stopped' } }])
    expect(calls(ground)).toEqual(['disable', 'deleteAlias'])
    await ground.ports.control.setStop(null)
    expect(await ground.run()).toMatchObject([{ after: 'scheduled' }])
  })

  it('and before each of its aliases', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases: [ALIAS, `${ALIAS}-2`, `${ALIAS}-3`] }))
    await ground.run()
    ground.pass(73)
    const { keys } = ground.ports
    const deleteAlias: typeof keys.deleteAlias = async (...given) => {
      await ground.ports.control.setStop({ by: OWNER, reason: 'freeze', at: past(0) })
      return keys.deleteAlias(...given)
    }
    await retireAll({ ...ground.ports, keys: { ...keys, deleteAlias } }, { apply: true, by: 'schedule' })
    expect(calls(ground)).toEqual(['disable', 'deleteAlias'])
  })

  it('holds what is given back by itself, too', async () => {
    const ground = await watchedGround()
    ground.pass(73)
    await ground.run()
    ground.kms.use(KEY, {})
    const { keys } = ground.ports
    const cancelDeletion: typeof keys.cancelDeletion = async (keyArn) => {
      await ground.ports.control.setStop({ by: OWNER, reason: 'freeze', at: past(0) })
      return keys.cancelDeletion(keyArn)
    }
    await retireAll({ ...ground.ports, keys: { ...keys, cancelDeletion } }, { apply: true, by: 'schedule' })
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Disabled', deletionAt: null, aliases: [] })
    await ground.ports.control.setStop(null)
    await ground.run()
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
  })
})

describe('a key that was used while nobody can describe it', () => {
  it('is kept from its deletion, and given back once it is seen', async () => {
    const ground = await watchedGround()
    ground.pass(73)
    await ground.run()
    ground.kms.use(KEY, {})
    ground.kms.failRead(KEY, 'described')
    for (const hours of [1, 1]) {
      ground.pass(hours)
      expect(await ground.run()).toMatchObject([{ after: 'saving', isUnread: true, failure: null }])
    }
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Disabled', deletionAt: null })
    ground.kms.healReads()
    for (const hours of [1, 1]) {
      ground.pass(hours)
      await ground.run()
    }
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
    expect(ground.retirements.get(KEY)?.stage).toBe('saved')
  })
})

describe('what owners made this week they do not take away at once', () => {
  const FRESH = { registeredAt: past(6), owner: OWNER }
  async function asked(act: (ground: Ground) => void, lastUse = past(6)): Promise<Ground> {
    const ground = createGround()
    ground.register(modelKey(KEY, { createdAt: past(6), trackedSince: past(6), lastUse, aliases: [ALIAS] }), FRESH)
    act(ground)
    await ground.run({ by: OWNER })
    return ground
  }

  it('unless nobody else used it, and nobody at all later than a day after', async () => {
    const ground = await asked(({ kms }) => kms.use(KEY, { caller: OWNER, at: past(6), errorCode: null }))
    expect(ground.retirements.get(KEY)?.stage).toBe('scheduled')
  })

  it.each([
    { title: 'another role used it', act: ({ kms }: Ground) => kms.use(KEY, { caller: 'role', at: past(6), errorCode: null }) },
    { title: 'somebody used it', act: ({ kms }: Ground) => kms.use(KEY, { caller: '', at: past(6), errorCode: null }) },
    { title: 'nobody knows who used it', act: ({ kms }: Ground) => kms.failRead(KEY, 'triedUse') },
  ])('where $title', async ({ act }) => {
    const ground = await asked(act)
    expect([calls(ground), ground.retirements.size]).toEqual([[], 0])
  })

  it('where KMS tells of a use a minute ago', async () => {
    const ground = await asked(() => undefined, past(60 / 86_400))
    expect([calls(ground), ground.retirements.size]).toEqual([[], 0])
  })

  it('where a use by somebody else comes to be known only afterwards: it is given back', async () => {
    const ground = await asked(() => undefined)
    expect(ground.retirements.get(KEY)?.stage).toBe('scheduled')
    ground.kms.use(KEY, { caller: 'role', at: past(1), errorCode: null })
    ground.pass(1)
    await ground.run()
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS], deletionAt: null })
  })
})
