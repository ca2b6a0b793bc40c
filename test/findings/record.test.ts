import { describe, expect, it } from 'vitest'
import { type Exemption, exemptionFor } from '../../shared/findings/exemption.ts'
import type { FindingStatus } from '../../shared/findings/finding.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import { type Recording, recordAudit, settleResource } from '../../shared/findings/record.ts'
import { unmatchedExemptions } from '../../shared/findings/unmatched-exemptions.ts'
import type { Audit } from '../../shared/rules/audit.ts'
import { fail, pass, type Verdict } from '../../shared/rules/verdict.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { audit, DENIED, exemption, FAIL, key, later, NOW, OUT_OF_SCOPE, recording, UNCLEAR, UNREAD } from './findings-ground.ts'

const KEY = key('one')

/** Judges once, a minute later each time. */
function recorder(store: FindingStore, around: Partial<Recording> = {}) {
  let minutes = 0
  return async (found: Audit, more: Partial<Recording> = {}) => {
    const now = later(60 * minutes++)
    return recordAudit(store, found, { ...recording({ ...around, ...more }), known: await store.ofResource(KEY), now })
  }
}

async function statusesOf(store: FindingStore): Promise<readonly string[]> {
  const kept = await store.ofResource(KEY)
  return kept.map(({ finding }) => `${finding.ruleId} ${finding.status}`).toSorted()
}

const only = (verdict: Verdict): Audit => audit(KEY, { 'kms-key-a': verdict })

describe('what was judged', () => {
  const STEPS: readonly (readonly [
    title: string,
    verdicts: readonly (Verdict | 'gone')[],
    changes: readonly (readonly FindingStatus[])[],
  ])[] = [
    ['a pass without a history', [pass, pass], [[], []]],
    ['a rule that never applied', [OUT_OF_SCOPE], [[]]],
    ['a failure, again and again', [FAIL, FAIL, FAIL], [['failing'], [], []]],
    ['a failure that is put right and comes back', [FAIL, pass, pass, FAIL], [['failing'], ['passing'], [], ['failing']]],
    ['another reason to fail', [FAIL, fail('it is worse now')], [['failing'], []]],
    ['what may not be read', [DENIED, DENIED, pass], [['unknown'], [], ['passing']]],
    ['a failure that cannot be read any more', [FAIL, UNREAD, UNREAD, FAIL], [['failing'], ['unknown'], [], ['failing']]],
    ['what passed and cannot be read any more', [FAIL, pass, UNREAD, pass], [['failing'], ['passing'], ['unknown'], ['passing']]],
    ['what passed and is not understood any more', [FAIL, pass, UNCLEAR, UNCLEAR], [['failing'], ['passing'], ['unknown'], []]],
    ['what was gone and is not understood', [FAIL, 'gone', UNCLEAR], [['failing'], ['gone'], ['unknown']]],
    ['what could not be read from the start', [UNREAD, UNREAD, pass], [['unknown'], [], ['passing']]],
    ['a second action that is denied', [UNREAD, DENIED, DENIED], [['unknown'], ['unknown'], []]],
    [
      'what is denied, then failed, then read and not understood',
      [DENIED, UNREAD, DENIED, UNCLEAR, UNREAD, UNCLEAR, DENIED],
      [['unknown'], [], [], ['unknown'], [], [], ['unknown']],
    ],
    ['a rule that does not apply any more', [FAIL, OUT_OF_SCOPE, OUT_OF_SCOPE, FAIL], [['failing'], ['gone'], [], ['failing']]],
    ['a resource that is gone', [FAIL, 'gone', 'gone'], [['failing'], ['gone'], []]],
  ]
  it.each(STEPS)('makes changes of %s', async (_, verdicts, changes) => {
    const store = createMemoryFindingStore()
    const record = recorder(store)
    for (const [index, verdict] of verdicts.entries()) {
      const recorded = await record(verdict === 'gone' ? { kind: 'gone', resource: KEY } : only(verdict))
      expect(
        recorded.changes.map(({ transition }) => transition.to),
        `step ${index}`,
      ).toEqual(changes[index])
      expect(recorded).toMatchObject({ conflicts: [], failed: [] })
    }
    const [kept] = await store.ofResource(KEY)
    expect(kept?.unannounced.map(({ to }) => to) ?? []).toEqual(changes.flat())
    expect(kept?.finding.version ?? 0).toBe(changes.flat().length)
  })

  it('resolves all findings of a resource that is gone, and keeps those of one that is being changed', async () => {
    const store = createMemoryFindingStore()
    const record = recorder(store)
    await record(audit(KEY, { 'kms-key-a': FAIL, 'kms-key-b': DENIED, 'kms-key-c': pass }))
    expect((await record({ kind: 'unready', resource: KEY })).changes).toEqual([])
    expect(await statusesOf(store)).toEqual(['kms-key-a failing', 'kms-key-b unknown'])
    await record({ kind: 'gone', resource: KEY })
    expect(await statusesOf(store)).toEqual(['kms-key-a gone', 'kms-key-b gone'])
  })

  it('resolves findings of rules that are not there any more, and leaves those that were not judged', async () => {
    const store = createMemoryFindingStore()
    const record = recorder(store)
    await record(audit(KEY, { 'kms-key-a': FAIL, 'kms-key-b': FAIL }))
    await record(audit(KEY, {}), { ruleIds: new Set(['kms-key-b']) })
    expect(await statusesOf(store)).toEqual(['kms-key-a gone', 'kms-key-b failing'])
  })

  it('keeps what it rests on', async () => {
    const store = createMemoryFindingStore()
    await recorder(store)(only(FAIL))
    const [kept] = await store.ofResource(KEY)
    expect(kept?.finding).toMatchObject({
      createdAt: NOW,
      firstFailedAt: NOW,
      evidence: { facts: '{"manager":"CUSTOMER","rotation":{"isEnabled":false}}', eventId: 'event-1', policyDigest: 'ab'.repeat(32) },
    })
  })

  it('keeps the last changes of a finding that nobody could be told of, and counts the others', async () => {
    const store = createMemoryFindingStore()
    const record = recorder(store)
    for (let times = 0; times < 15; times++) for (const verdict of [FAIL, pass]) await record(only(verdict))
    const [kept] = await store.ofResource(KEY)
    expect(kept?.finding.version).toBe(30)
    expect(kept?.unannounced).toHaveLength(20)
    expect(kept?.unannounced.at(-1)).toMatchObject({ from: 'failing', to: 'passing' })
  })

  it('is told where somebody else wrote since, and written for all other rules', async () => {
    const store = createMemoryFindingStore()
    await recorder(store)(audit(KEY, { 'kms-key-a': FAIL, 'kms-key-b': FAIL }))
    const known = await store.ofResource(KEY)
    await recorder(store)(only(pass))
    const late = await recordAudit(store, audit(KEY, { 'kms-key-a': FAIL, 'kms-key-b': pass, 'kms-key-c': FAIL }), {
      ...recording(),
      known,
      now: later(600),
    })
    expect(late).toMatchObject({ conflicts: ['kms-key-a'], failed: [] })
    expect(await statusesOf(store)).toEqual(['kms-key-a passing', 'kms-key-b passing', 'kms-key-c failing'])
  })

  it('is written for all rules but those whose writing fails', async () => {
    const store = createMemoryFindingStore()
    const broken: FindingStore = {
      ...store,
      write: async (kept, over) => {
        if (kept.finding.ruleId === 'kms-key-b') throw new Error('no table')
        return store.write(kept, over)
      },
    }
    const found = audit(KEY, { 'kms-key-a': FAIL, 'kms-key-b': FAIL, 'kms-key-c': FAIL })
    expect(await recorder(broken)(found)).toMatchObject({ failed: [{ ruleId: 'kms-key-b', error: { message: 'no table' } }] })
    expect(await statusesOf(store)).toEqual(['kms-key-a failing', 'kms-key-c failing'])
    const settled = await settleResource(broken, KEY, async () => found, { ...recording(), now: () => NOW })
    expect(settled).toMatchObject({ kind: 'failed', failed: [{ ruleId: 'kms-key-b' }] })
  })
})

describe('a resource that is settled', () => {
  it('is read again where a finding is new, and once otherwise', async () => {
    const store = createMemoryFindingStore()
    let readings = 0
    const judge = async (): Promise<Audit> => {
      readings++
      return only(FAIL)
    }
    expect(await settleResource(store, KEY, judge, { ...recording(), now: () => NOW })).toMatchObject({ kind: 'settled', changes: [{}] })
    expect(readings).toBe(2)
    expect(await settleResource(store, KEY, judge, { ...recording(), now: () => NOW })).toMatchObject({ kind: 'settled', changes: [] })
    expect(readings).toBe(3)
  })

  it('says what a pass said that found nothing to write, before the failure it passed was written', async () => {
    const store = createMemoryFindingStore()
    let state: Verdict = FAIL
    const judge = async (): Promise<Audit> => {
      const found = only(state)
      if (state === FAIL) {
        // Put right, and looked at by another, while this one still judges.
        state = pass
        await settleResource(store, KEY, async () => only(pass), { ...recording(), now: () => NOW })
      }
      return found
    }
    await settleResource(store, KEY, judge, { ...recording(), now: () => NOW })
    expect(await statusesOf(store)).toEqual(['kms-key-a passing'])
  })

  it('says what was read last where a reading that began before ends after it', async () => {
    const store = createMemoryFindingStore()
    await settleResource(store, KEY, async () => only(FAIL), { ...recording(), now: () => NOW })
    let readings = 0
    const judge = async (): Promise<Audit> => {
      if (readings++ > 0) return only(pass)
      await settleResource(store, KEY, async () => only(pass), { ...recording(), now: () => later(60) })
      return only(FAIL)
    }
    const settled = await settleResource(store, KEY, judge, { ...recording(), now: () => later(60) })
    expect([settled.kind, settled.changes, readings]).toEqual(['settled', [], 2])
    expect(await statusesOf(store)).toEqual(['kms-key-a passing'])
  })

  it('is given up where others write all the time, and left alone while it is being made', async () => {
    const store = createMemoryFindingStore()
    const busy: FindingStore = { ...store, write: async () => 'conflict' }
    expect(await settleResource(busy, KEY, async () => only(FAIL), { ...recording(), now: () => NOW })).toMatchObject({ kind: 'unsettled' })
    const unready: Audit = { kind: 'unready', resource: KEY }
    expect(await settleResource(store, KEY, async () => unready, { ...recording(), now: () => NOW })).toMatchObject({ kind: 'unready' })
  })
})

describe('an exemption', () => {
  it('makes a failure exempt, and its end makes it fail again', async () => {
    const store = createMemoryFindingStore()
    const record = recorder(store, { exemptions: [exemption({ until: later(150) })] })
    const statuses: (string | undefined)[] = []
    for (let minute = 0; minute < 4; minute++) statuses.push((await record(only(FAIL))).changes[0]?.transition.to)
    expect(statuses).toEqual(['exempt', undefined, undefined, 'failing'])
    const [kept] = await store.ofResource(KEY)
    expect(kept?.unannounced[0]?.reason).toBe('automatic rotation is off; exempt until 2026-10-20, approved by Ada: a migration')
  })

  it('holds up to the second before its end', () => {
    const held = [-1, 0, 1].map((after) => exemptionFor([exemption()], { ruleId: 'kms-key-a', arn: KEY.arn, now: later(86_400 + after) }))
    expect(held.map((one) => one !== null)).toEqual([true, false, false])
  })

  it.each([
    ['unknown', UNREAD],
    ['unknown', DENIED],
    ['unknown', UNCLEAR],
  ] as const)('leaves what is %s as it is: nobody can answer for what nobody knows', async (status, verdict) => {
    const store = createMemoryFindingStore()
    await recorder(store, { exemptions: [exemption()] })(only(verdict))
    expect(await statusesOf(store)).toEqual([`kms-key-a ${status}`])
  })

  const CASES: readonly (readonly [title: string, Exemption, because: 'expired' | 'nothing_fails' | null])[] = [
    ['covers what fails', exemption(), null],
    ['covers one that fails', exemption({ resource: KEY.arn }), null],
    ['is of another rule', exemption({ ruleId: 'kms-key-b' }), 'nothing_fails'],
    ['is of another resource', exemption({ resource: 'arn:aws:s3:::*' }), 'nothing_fails'],
    ['ends now', exemption({ until: NOW }), 'expired'],
    ['ends in a second', exemption({ until: later(1) }), null],
  ]
  it.each(CASES)('that %s is reported as such', (_, one, because) => {
    const failures = [{ ruleId: 'kms-key-a', arn: KEY.arn }]
    expect(unmatchedExemptions([one], failures, NOW)).toEqual(because === null ? [] : [{ exemption: one, because }])
  })

  it('is reported in its place among all', () => {
    const [first, , third] = [exemption({ until: NOW }), exemption(), exemption({ ruleId: 'kms-key-b' })]
    expect(unmatchedExemptions([first, exemption(), third], [{ ruleId: 'kms-key-a', arn: 'x' }], NOW)).toEqual([
      { exemption: first, because: 'expired' },
      { exemption: third, because: 'nothing_fails' },
    ])
  })
})
