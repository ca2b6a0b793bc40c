import { describe, expect, it } from 'vitest'
import { noteStage } from '../../../shared/changes/retire/note.ts'
import { retireAll } from '../../../shared/changes/retire/retire-all.ts'
import { arnOf, createGround, modelKey, OWNER, past, START } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIAS = 'alias/demo-a'

describe('what happens while a run is at work', () => {
  it('another run: together they make one change', async () => {
    const ground = createGround()
    for (let at = 0; at < 10; at++) ground.register(modelKey(arnOf(at), { aliases: [`alias/demo-${at}`] }))
    for (const hours of [0, 73]) {
      ground.pass(hours)
      await Promise.all([ground.run(), ground.run(), ground.run()])
    }
    const written = ground.kms.written.map(({ call, keyArn }) => `${call} ${keyArn}`)
    expect(written).toHaveLength(30)
    expect(new Set(written).size).toBe(30)
  })

  it('another run, where one before broke off: together they make one call', async () => {
    let tested = 0
    for (let at = 0; at < 20; at++) {
      const ground = createGround()
      ground.register(modelKey(KEY))
      await ground.brokenRun({ at, when: 'before' })
      if (ground.retirements.get(KEY)?.stage !== 'disabling' || ground.kms.written.length > 0) continue
      ground.pass(1)
      await Promise.all([ground.run(), ground.run()])
      expect(ground.kms.written.map(({ call }) => call)).toEqual(['disable'])
      tested++
    }
    expect(tested).toBeGreaterThan(0)
  })

  it('a person who points the alias at another key, after it was listed: it stays there', async () => {
    const ground = createGround()
    const other = arnOf('b')
    ground.register(modelKey(KEY, { aliases: [ALIAS] }))
    ground.kms.put(modelKey(other))
    await ground.run()
    ground.pass(73)
    const { keys } = ground.ports
    const read: typeof keys.read = async (keyArn) => {
      const reading = await keys.read(keyArn)
      if (ground.stages.at(-1) === 'watching') {
        ground.kms.change(KEY, { aliases: [] })
        ground.kms.change(other, { aliases: [ALIAS] })
      }
      return reading
    }
    // Claimed and read again, it is seen: the last moment is the one behind that reading.
    let readings = 0
    const late: typeof keys.read = async (keyArn) => (++readings < 2 ? keys.read(keyArn) : read(keyArn))
    await retireAll({ ...ground.ports, keys: { ...keys, read: late } }, { apply: true, by: 'schedule' })
    expect(ground.kms.key(other)?.aliases).toEqual([ALIAS])
    expect(ground.kms.written.filter(({ call }) => call === 'deleteAlias')).toEqual([])
  })

  it('KMS, which may show how a key stood before: a person is seen only once that is over', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY))
    await ground.run()
    ground.kms.change(KEY, { state: 'Enabled' })
    expect(await ground.run()).toMatchObject([
      { after: 'watching', next: { what: expect.stringContaining('it looks as if somebody enabled it') as string } },
    ])
    ground.pass(1)
    expect(await ground.run()).toMatchObject([{ after: 'saving' }])
  })

  it('a use between the disabling and the run that sees it disabled, counted after that: it saves the key', async () => {
    const ground = createGround({ lateS: 250 })
    ground.register(modelKey(KEY))
    await ground.run()
    expect(ground.retirements.get(KEY)?.stage).toBe('disabling')
    ground.pass(1)
    await ground.run()
    expect(ground.retirements.get(KEY)?.stage).toBe('watching')
    ground.kms.use(KEY, { at: (START + 600) as typeof START })
    await ground.run()
    expect(ground.retirements.get(KEY)?.stage).toBe('saving')
    expect(ground.kms.key(KEY)?.state).toBe('Enabled')
  })

  it('the end of its time: what it did not come to is told, and left to the next one', async () => {
    const ground = createGround()
    for (let at = 0; at < 10; at++) ground.register(modelKey(arnOf(at)))
    let asked = 0
    const ports = { ...ground.ports, settings: ground.ports.settings, remainingMs: () => (asked++ < 4 ? 900_000 : 59_000) }
    const { keys } = await retireAll(ports, { apply: true, by: 'schedule' })
    expect(keys).toHaveLength(10)
    expect(keys.filter(({ next }) => next.what.includes('time of this run was over'))).toHaveLength(6)
    expect(ground.retirements.size).toBe(4)
  })

  it('a stop: keys that it did not come to are left alone', async () => {
    const ground = createGround()
    for (let at = 0; at < 10; at++) ground.register(modelKey(arnOf(at)))
    const { keys } = ground.ports
    const disable: typeof keys.disable = async (keyArn) => {
      await ground.ports.control.setStop({ by: OWNER, reason: 'freeze', at: past(0) })
      return keys.disable(keyArn)
    }
    const result = await retireAll({ ...ground.ports, keys: { ...keys, disable } }, { apply: true, by: 'schedule' })
    expect(result.keys.filter(({ next }) => next.what === 'wait: Keytrail was stopped').length).toBeGreaterThanOrEqual(6)
    expect(ground.retirements.size).toBeLessThanOrEqual(4)
  })

  it('another run that is ahead: what this one would have done is told to nobody', async () => {
    const ground = createGround()
    ground.register(modelKey(KEY))
    await ground.run()
    const [disabling, told] = [ground.retirements.get(KEY), ground.notices.ids()]
    if (disabling === undefined) throw new Error('it began')
    const behind = { ...disabling, version: disabling.version - 1 }
    expect(await noteStage(behind, { stage: 'saving', reason: 'late' }, null, ground.ports)).toEqual({ kind: 'overtaken' })
    expect(ground.notices.ids()).toEqual(told)
  })

  it('a wish for one key only: others are left alone', async () => {
    const ground = createGround()
    for (let at = 0; at < 3; at++) ground.register(modelKey(arnOf(at)))
    expect(await ground.run({ only: [arnOf(1)] })).toMatchObject([{ keyArn: arnOf(1), after: 'watching' }])
    expect([...ground.retirements.keys()]).toEqual([arnOf(1)])
  })
})
