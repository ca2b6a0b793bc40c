import { describe, expect, it } from 'vitest'
import { arnOf, createGround, type Ground, modelKey, OWNER, past, SETTINGS } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIAS = 'alias/demo-a'

/** A key whose deletion is scheduled, its alias freed. */
async function scheduledGround(): Promise<Ground> {
  const ground = createGround()
  ground.register(modelKey(KEY, { aliases: [ALIAS] }))
  await ground.run()
  ground.pass(73)
  await ground.run()
  return ground
}

function calls({ kms }: Ground): readonly string[] {
  return kms.written.map(({ call, alias }) => (alias === null ? call : `${call} ${alias}`))
}

describe('a retirement', () => {
  it('goes from disabling over three days of watching to deletion', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases: [ALIAS] }))
    const [first] = await ground.run()
    expect(first).toMatchObject({ before: null, after: 'watching', next: { at: past(-3) }, failure: null, owner: OWNER })
    ground.pass(71)
    await ground.run()
    expect(calls(ground)).toEqual(['disable'])
    ground.pass(2)
    const [second] = await ground.run()
    expect(second).toMatchObject({ before: 'watching', after: 'scheduled' })
    expect(calls(ground)).toEqual(['disable', `deleteAlias ${ALIAS}`, 'scheduleDeletion'])
    ground.pass(8 * 24)
    const [third] = await ground.run()
    expect(third).toMatchObject({ before: 'scheduled', after: 'deleted' })
    expect(ground.registry.size).toBe(0)
    expect(ground.stages).toEqual(['disabling', 'watching', 'freeing', 'scheduling', 'scheduled', 'deleted'])
    expect(ground.notices.ids().map((id) => id.split('#').at(-1))).toEqual([...ground.stages])
    expect([...ground.notices.notices.values()][0]).toMatchObject({
      resourceArn: KEY,
      region: 'eu-central-1',
      detail: { format: 'keytrail.retirement/1', stage: 'disabling', version: 1 },
    })
  })

  it('is only told of where nothing is to be applied: nothing is written anywhere', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY))
    const [report] = await ground.run({ apply: false })
    expect(report).toMatchObject({ before: null, after: null, next: { what: 'begin its retirement' } })
    expect([ground.kms.written.length, ground.retirements.size, ground.notices.ids().length]).toEqual([0, 0, 0])
  })

  it('does nothing while somebody stopped Keytrail', async () => {
    const ground = await scheduledGround()
    ground.kms.use(KEY, {})
    await ground.ports.control.setStop({ by: OWNER, reason: 'freeze', at: past(0) })
    const before = calls(ground)
    const [report] = await ground.run()
    expect(calls(ground)).toEqual(before)
    expect(report?.next.what).toMatch(/^save it: app tried to use it: Decrypt/)
  })

  it('skips the watch for owners who clear up what they made this week, and for nobody else', async () => {
    const fresh = { registeredAt: past(2), owner: OWNER }
    const rows = [
      { by: OWNER, entry: fresh, made: past(2), stage: 'scheduled' },
      { by: 'schedule', entry: fresh, made: past(2), stage: undefined },
      { by: `${OWNER}2`, entry: fresh, made: past(2), stage: undefined },
      { by: OWNER, entry: { ...fresh, registeredAt: past(8) }, made: past(8), stage: undefined },
      { by: OWNER, entry: { ...fresh, useCase: 'adopted' }, made: past(2), stage: undefined },
      // Older than its entry: adopted, whatever the entry says.
      { by: OWNER, entry: fresh, made: past(900), stage: undefined },
    ]
    const stages = []
    for (const { by, entry, made } of rows) {
      const ground = createGround()
      ground.register(modelKey(KEY, { createdAt: made, lastUse: past(1), aliases: [ALIAS] }), entry)
      await ground.run({ by })
      stages.push(ground.retirements.get(KEY)?.stage)
    }
    expect(stages).toEqual(rows.map(({ stage }) => stage))
  })

  it('begins no more in one run than the policy allows', async () => {
    const ground = createGround()
    for (let at = 0; at < 20; at++) ground.register(modelKey(arnOf(at)))
    ground.setSettings({ perRunMax: 3 })
    const reports = await ground.run()
    expect(ground.retirements.size).toBe(3)
    expect(reports.filter(({ next }) => next.what.includes('may begin no more'))).toHaveLength(17)
  })
})

describe('known mishaps', () => {
  it('an orphaned key after its alias was deleted', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases: [] }), { aliases: [ALIAS] })
    await ground.run()
    ground.pass(73)
    await ground.run()
    expect(ground.retirements.get(KEY)?.stage).toBe('scheduled')
    expect(calls(ground)).toEqual(['disable', 'scheduleDeletion'])
  })

  it('one page of aliases', async () => {
    const aliases = Array.from({ length: 49 }, (_, at) => `alias/demo-${String(at).padStart(2, '0')}`)
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases }))
    ground.register(modelKey(arnOf('b'), { aliases: [...aliases.map((alias) => `${alias}-b`), 'alias/prod'] }), { registeredAt: past(50) })
    ground.setSettings({ exclude: ['alias/prod'] })
    await ground.run()
    ground.pass(73)
    const [one, other] = await ground.run()
    expect(ground.kms.key(KEY)?.aliases).toEqual([])
    expect(one).toMatchObject({ after: 'scheduled' })
    expect(other).toMatchObject({ after: null, protections: [{ kind: 'excluded', words: 'keytrail.yml excludes alias/prod' }] })
    expect(ground.kms.written.filter(({ keyArn }) => keyArn !== KEY)).toEqual([])
  })

  it('protection lost to a failed tag read', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { tags: { 'keytrail:keep': '' } }))
    ground.kms.failRead(KEY, 'tags')
    const [unread] = await ground.run()
    ground.kms.healReads()
    const [read] = await ground.run()
    expect([unread?.protections, read?.protections].map((all) => all?.map(({ kind }) => kind))).toEqual([['unread'], ['keep-tag']])
    expect(unread?.protections[0]?.words).toContain('kms:tags is not allowed')
    expect(calls(ground)).toEqual([])
  })

  it('name still taken after redeploy', async () => {
    const ground = await scheduledGround()
    // The freed name can be used again at once, and stays with whoever has it.
    const redeployed = arnOf('redeployed')
    ground.kms.put(modelKey(redeployed, { aliases: [ALIAS] }))
    ground.kms.use(KEY, { named: ALIAS, errorCode: null })
    expect(await ground.run()).toMatchObject([{ after: 'scheduled' }])
    ground.pass(1)
    ground.kms.use(KEY, {})
    await ground.run()
    ground.pass(1)
    await ground.run()
    expect(ground.retirements.get(KEY)).toMatchObject({
      stage: 'saved',
      reason: expect.stringContaining(`${ALIAS} stands for another key`) as string,
    })
    expect(ground.kms.key(redeployed)?.aliases).toEqual([ALIAS])
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [] })
  })

  it('replica after primary', async () => {
    const ground = createGround()
    const [primary, replica] = [arnOf('mrk-1', 'eu-central-1'), arnOf('mrk-1', 'us-east-1')]
    ground.register(modelKey(primary, { multiRegionRole: 'PRIMARY', replicaArns: [replica] }))
    ground.register(modelKey(replica, { multiRegionRole: 'REPLICA' }))
    const [held] = await ground.run()
    expect(held).toMatchObject({ keyArn: primary, protections: [{ kind: 'replicas' }] })
    expect(ground.retirements.get(replica)?.stage).toBe('watching')
    ground.pass(73)
    await ground.run()
    ground.pass(8 * 24)
    ground.kms.change(primary, { replicaArns: [] })
    await ground.run()
    expect(ground.retirements.get(replica)?.stage).toBe('deleted')
    expect(ground.retirements.get(primary)?.stage).toBe('watching')
    const order = ground.kms.written.map(({ keyArn }) => keyArn)
    expect(order.lastIndexOf(replica)).toBeLessThan(order.indexOf(primary))
  })

  it('a short window refused by policy is reported and not retried', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases: [ALIAS] }))
    ground.kms.refuse((call) => (call === 'scheduleDeletion' ? 'AccessDeniedException' : null))
    await ground.run()
    ground.pass(73)
    const [refused] = await ground.run()
    expect(refused).toMatchObject({
      after: 'stopped',
      failure: expect.stringContaining('ScheduleKeyDeletion: AccessDeniedException') as string,
    })
    ground.pass(24)
    const [again] = await ground.run()
    expect(again).toMatchObject({ after: 'stopped', failure: null, next: { what: expect.stringContaining('AccessDenied') as string } })
    expect(calls(ground).filter((call) => call === 'scheduleDeletion')).toHaveLength(1)
    expect(ground.notices.ids().filter((id) => id.endsWith('stopped'))).toHaveLength(1)
    // Stopped is not forgotten: who tries to use it has it back.
    ground.kms.use(KEY, {})
    await ground.run()
    ground.pass(1)
    await ground.run()
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
  })

  it('cancelled deletion left disabled', async () => {
    const ground = await scheduledGround()
    ground.pass(1)
    ground.kms.change(KEY, { state: 'Disabled', deletionAt: null })
    await ground.run()
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', aliases: [ALIAS] })
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'saved' }])
    expect(ground.retirements.get(KEY)?.reason).toBe('somebody cancelled its deletion')
  })

  it('key 3 of 20 throwing', async () => {
    const ground = createGround()
    for (let at = 0; at < 20; at++) ground.register(modelKey(arnOf(String(at).padStart(2, '0'))))
    const { keys } = ground.ports
    const broken = arnOf('02')
    const read: typeof keys.read = async (keyArn) => {
      if (keyArn === broken) throw new Error('not to be read')
      return keys.read(keyArn)
    }
    const { retireAll } = await import('../../../shared/changes/retire/retire-all.ts')
    const ports = { ...ground.ports, keys: { ...keys, read } }
    const reports = (await retireAll(ports, { apply: true, by: 'schedule' })).keys
    expect(reports.filter(({ failure }) => failure !== null)).toMatchObject([{ keyArn: broken, failure: 'Error: not to be read' }])
    expect([...ground.retirements.values()].filter(({ stage }) => stage === 'watching')).toHaveLength(19)
  })
})

describe('a key is saved', () => {
  const rows: readonly { readonly title: string; readonly act: (ground: Ground) => void }[] = [
    { title: 'by a call that a disabled key refused', act: ({ kms }) => kms.use(KEY, { errorCode: 'DisabledException' }) },
    { title: 'by a call that a key to be deleted refused', act: ({ kms }) => kms.use(KEY, { errorCode: 'KMSInvalidStateException' }) },
    { title: 'by a call that succeeded', act: ({ kms }) => kms.use(KEY, { errorCode: null }) },
    { title: 'by a call of its freed alias', act: ({ kms }) => kms.use(KEY, { errorCode: 'NotFoundException', named: ALIAS }) },
    { title: 'by a use that KMS tells of', act: ({ kms }) => kms.change(KEY, { lastUse: kms.clock.now }) },
    { title: 'by an exclusion', act: (ground) => ground.setSettings({ exclude: [ALIAS] }) },
    { title: 'by leaving the registry', act: ({ registry }) => void registry.delete(KEY) },
    {
      title: 'by a person who cancelled its deletion and enabled it',
      act: ({ kms }) => kms.change(KEY, { state: 'Enabled', deletionAt: null }),
    },
  ]
  it.each(rows)('while it waits for its deletion, $title', async ({ act }) => {
    const ground = await scheduledGround()
    ground.pass(2)
    act(ground)
    await ground.run()
    ground.pass(1)
    await ground.run()
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Enabled', deletionAt: null, aliases: [ALIAS] })
    expect(ground.retirements.get(KEY)?.stage).toBe('saved')
    const written = calls(ground)
    await ground.run()
    expect(calls(ground)).toEqual(written)
  })

  it('while uses cannot be read until its deletion is near', async () => {
    const ground = await scheduledGround()
    ground.kms.failRead(KEY, 'triedUse', 'failed')
    ground.pass(4 * 24)
    expect(await ground.run()).toMatchObject([{ after: 'scheduled' }])
    ground.pass(36)
    expect(await ground.run()).toMatchObject([{ after: 'saving' }])
    expect(ground.kms.key(KEY)?.state).toBe('Enabled')
  })

  it('and may be due again, after as long as any other', async () => {
    const ground = await scheduledGround()
    ground.kms.use(KEY, {})
    await ground.run()
    ground.pass(1)
    await ground.run()
    ground.pass(24 * SETTINGS.afterDays - 1)
    expect(await ground.run()).toMatchObject([{ before: 'saved', after: 'saved', protections: [{ kind: 'recent' }] }])
    ground.pass(2)
    expect(await ground.run()).toMatchObject([{ before: 'saved', after: 'watching' }])
  })

  it('and is left disabled where it was disabled before', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY, { state: 'Disabled', aliases: [ALIAS] }))
    await ground.run()
    ground.pass(73)
    await ground.run()
    ground.kms.use(KEY, {})
    await ground.run()
    expect(ground.kms.key(KEY)).toMatchObject({ state: 'Disabled', deletionAt: null, aliases: [ALIAS] })
  })

  it('unless somebody else has it deleted: that is not taken back', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY))
    await ground.run()
    ground.kms.change(KEY, { state: 'PendingDeletion', deletionAt: past(-20) })
    expect(await ground.run()).toMatchObject([{ after: 'stopped' }])
    ground.kms.use(KEY, {})
    ground.pass(24)
    await ground.run()
    expect(ground.kms.key(KEY)?.state).toBe('PendingDeletion')
    ground.pass(30 * 24)
    expect(await ground.run()).toMatchObject([{ after: 'deleted' }])
  })
})
