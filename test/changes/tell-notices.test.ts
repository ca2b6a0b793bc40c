import { describe, expect, it } from 'vitest'
import { heldNotice } from '../../shared/changes/change-notice.ts'
import { changeOne } from '../../shared/changes/change-one.ts'
import type { Notice } from '../../shared/changes/notice.ts'
import { noticeEvent } from '../../shared/changes/notice-event.ts'
import { tellNotices } from '../../shared/changes/tell-notices.ts'
import type { FindingEvent } from '../../shared/findings/finding-event.ts'
import type { Mail } from '../../shared/findings/mail.ts'
import { HOSTILE } from '../findings/hostile-texts.ts'
import { later, NOW } from '../findings/findings-ground.ts'
import { createModelControl, createModelNotices } from './model-stores.ts'
import { createWorld, key, OFF, request, ROTATION } from './model-world.ts'

function notice(id: string, changes: Partial<Notice> = {}): Notice {
  return {
    id,
    at: NOW,
    title: `Notice ${id}`,
    resourceArn: key('a').arn,
    accountId: '111122223333',
    region: 'us-east-1',
    lines: ['Was: off', 'Is: on'],
    detail: { format: 'keytrail.change/1', kind: 'done' },
    ...changes,
  }
}

async function holding(notices: readonly Notice[]) {
  const store = createModelNotices()
  for (const each of notices) await store.put(each)
  return store
}

function channels() {
  const [mails, events] = [new Array<Mail>(), new Array<FindingEvent>()]
  const ports = {
    control: createModelControl(),
    mail: async (mail: Mail) => void mails.push(mail),
    putEvents: async (batch: readonly FindingEvent[]) => {
      events.push(...batch)
      return { refused: new Array<number>() }
    },
  }
  return { mails, events, ports }
}

const refusing = async (batch: readonly FindingEvent[]) => ({ refused: batch.length > 1 ? [1] : [0] })
const broken = () => Promise.reject(new Error('no way'))

describe('notices', () => {
  it('of a change say what was, what is and how to take it back', async () => {
    const world = createWorld()
    world.account.add(key('a'), OFF)
    const outcome = await changeOne(request(key('a'), ROTATION), world.ports())
    if (outcome.kind !== 'done') throw new Error(outcome.kind)
    const { mails, events, ports } = channels()
    expect(await tellNotices(world.notices, ports, { now: later(60) })).toMatchObject({ mailed: 1, sent: 1, faults: [], isFull: false })
    expect(mails[0]?.subject).toBe('[Keytrail] Put right: Keytrail puts key-rotation right')
    expect(mails[0]?.body).toContain('  Was: automatic rotation is off\n  Is: automatic rotation is on, every 365 days\n')
    expect(mails[0]?.body).toContain(`  To take it back: npm run -s keytrail -- undo ${outcome.record.id}\n`)
    expect(events.map(({ detailType, resources }) => ({ detailType, resources }))).toEqual([
      { detailType: 'Keytrail Change', resources: [key('a').arn] },
    ])
    expect(JSON.parse(events[0]?.detail ?? '')).toMatchObject({
      format: 'keytrail.change/1',
      id: `${outcome.record.id}#done`,
      at: '2026-10-20T06:00:00Z',
      kind: 'done',
      recordId: outcome.record.id,
      ruleId: ROTATION,
      aspect: 'key-rotation',
      before: 'automatic rotation is off',
    })
    expect(await tellNotices(world.notices, ports, { now: later(120) })).toMatchObject({ mailed: 0, sent: 0 })
    expect([mails.length, events.length]).toEqual([1, 1])
  })

  it('go as one mail, and as events in tens', async () => {
    const store = await holding(Array.from({ length: 25 }, (_, index) => notice(`n${index}`)))
    const { mails, ports } = channels()
    const batches: number[] = []
    const putEvents = async (batch: readonly FindingEvent[]) => {
      batches.push(batch.length)
      return { refused: [] }
    }
    await tellNotices(store, { ...ports, putEvents }, { now: NOW })
    expect(batches).toEqual([10, 10, 5])
    expect(mails.map(({ subject }) => subject)).toEqual(['[Keytrail] 25 notices, first: Notice n0'])
  })

  it('that a mail has no room for go with the next one', async () => {
    const lines = Array.from({ length: 60 }, () => `Is: ${'x'.repeat(1000)}`)
    const store = await holding(Array.from({ length: 10 }, (_, index) => notice(`n${index}`, { lines })))
    const { mails, events, ports } = channels()
    await tellNotices(store, ports, { now: NOW })
    await tellNotices(store, ports, { now: NOW })
    expect(mails.every(({ body }) => Buffer.byteLength(body) <= 262_144)).toBe(true)
    expect(mails).toHaveLength(2)
    for (let index = 0; index < 10; index++) expect(mails.filter(({ body }) => body.includes(`Notice: n${index}\n`))).toHaveLength(1)
    expect(events).toHaveLength(10)
  })

  it('are told once by two at once, what came meanwhile too', async () => {
    const store = await holding([notice('a')])
    const { mails, events, ports } = channels()
    const second: unknown[] = []
    const mail = async (each: Mail) => {
      if (second.length === 0) {
        await store.put(notice('b'))
        second.push(await tellNotices(store, ports, { now: NOW }))
      }
      await ports.mail(each)
    }
    expect(await tellNotices(store, { ...ports, mail }, { now: NOW })).toMatchObject({ mailed: 2, sent: 2 })
    expect(second).toEqual([{ mailed: 0, sent: 0, isFull: false, givenUp: [], faults: [] }])
    expect(mails.map(({ body }) => /Notice: (.*)/.exec(body)?.[1])).toEqual(['a', 'b'])
    expect(events).toHaveLength(2)
    await store.put(notice('c'))
    await Promise.all([1, 2, 3].map(() => tellNotices(store, ports, { now: NOW })))
    expect([mails.length, events.length]).toEqual([3, 3])
  })

  it('are told by the next one where somebody died at it', async () => {
    const store = await holding([notice('a')])
    const { ports } = channels()
    expect(await ports.control.claim('tell', NOW, 60)).not.toBeNull()
    expect(await tellNotices(store, ports, { now: later(59) })).toMatchObject({ mailed: 0 })
    expect(await tellNotices(store, ports, { now: later(60) })).toMatchObject({ mailed: 1 })
    const release = broken
    await store.put(notice('b'))
    expect(await tellNotices(store, { ...ports, control: { ...ports.control, release } }, { now: later(61) })).toMatchObject({ mailed: 1 })
    expect(await ports.control.claim('tell', later(62), 60)).toBeNull()
  })

  it('reach every channel, whichever fails for a while', async () => {
    const store = await holding([notice('a'), notice('b')])
    const { mails, events, ports } = channels()
    expect(await tellNotices(store, { ...ports, mail: broken }, { now: NOW })).toMatchObject({ mailed: 0, sent: 2 })
    await store.put(notice('c'))
    expect(await tellNotices(store, { ...ports, putEvents: broken }, { now: NOW })).toMatchObject({ mailed: 3, sent: 0 })
    expect((await tellNotices(store, ports, { now: NOW })).faults).toEqual([])
    expect([mails.length, events.length, (await store.open(9)).length]).toEqual([1, 3, 0])
  })

  it('are told again where it could not be noted that they were', async () => {
    const store = await holding([notice('a')])
    const { mails, ports } = channels()
    const { faults } = await tellNotices({ ...store, told: broken }, ports, { now: NOW })
    expect(faults.map(({ what, id }) => [what, id])).toEqual([['notice', 'a']])
    await tellNotices(store, ports, { now: NOW })
    expect(mails).toHaveLength(2)
  })

  it('that EventBridge refuses are tried for a day', async () => {
    const store = await holding([notice('a'), notice('b')])
    const { ports } = channels()
    expect(await tellNotices(store, { ...ports, putEvents: refusing }, { now: NOW })).toMatchObject({ sent: 1, givenUp: [] })
    expect(await tellNotices(store, { ...ports, putEvents: refusing }, { now: later(86_400) })).toMatchObject({ sent: 0, givenUp: ['b'] })
    expect(await store.open(9)).toEqual([])
  })

  it('of whatever strangers wrote stay on their lines', async () => {
    for (const [title, text, forbidden] of HOSTILE) {
      const store = await holding([
        notice(text, { title: text, resourceArn: text, accountId: text, region: text, lines: [`Was: ${text}`], detail: { text } }),
      ])
      const { mails, events, ports } = channels()
      expect((await tellNotices(store, ports, { now: NOW })).faults).toEqual([])
      expect(mails[0]?.body.split('\n')).toHaveLength(7)
      expect(mails[0]?.subject).toMatch(/^[ -~]{1,99}$/)
      for (const shown of [mails[0]?.subject, mails[0]?.body, events[0]?.detail]) expect(shown, title).not.toMatch(forbidden)
    }
  })

  it('that are too long for an event say so', () => {
    const { detail } = noticeEvent(
      notice('a', { detail: { format: 'keytrail.change/1', long: Array.from({ length: 10 }, () => 'x'.repeat(7000)) } }),
      NOW,
    )
    expect(JSON.parse(detail)).toMatchObject({ format: 'keytrail.change/1', id: 'a', cut: true })
    expect(detail.length).toBeLessThan(65_536)
  })

  it('of a refusal are the same for the same finding in the same month', async () => {
    const world = createWorld()
    world.account.add(key('a'), OFF).refusal = { ok: false, code: 'AccessDeniedException', message: 'no' }
    const told: number[] = []
    for (const days of [0, 2, 30]) {
      world.pass(days * 86_400)
      expect((await changeOne(request(key('a'), ROTATION), world.ports())).kind).toBe('refused')
      told.push(world.notices.ids().length)
    }
    expect(told).toEqual([1, 1, 2])
  })

  it('of a hold are the same for the same reasons under the same policy in the same month', () => {
    const held = { resource: key('a'), ruleId: ROTATION, ruleTitle: '', reasons: ['one'], policyDigest: 'a', at: NOW }
    const { id } = heldNotice(held)
    expect(heldNotice({ ...held, at: later(9), ruleTitle: 'x' }).id).toBe(id)
    const others = [{ at: later(30 * 86_400) }, { reasons: ['two'] }, { policyDigest: 'b' }, { ruleId: 'other' }, { resource: key('b') }]
    expect(others.map((change) => heldNotice({ ...held, ...change }).id)).not.toContain(id)
  })
})
