import { describe, expect, it } from 'vitest'
import { auditOne, type AuditPorts } from '../../shared/audit/audit-one.ts'
import { ATTEMPTS_MAX } from '../../shared/audit/again-message.ts'
import { type EnforceRequest, enforceBody, parseEnforceRequest } from '../../shared/findings/enforce-request.ts'
import type { EpochS } from '../../shared/time.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { auditPorts, key, NOW, readerOf, RULE_ID, type Standing } from './audit-ground.ts'

const KEY = key('a')
const EVENT_ID = '11111111-2222-4333-8444-555555555555'
const EXEMPTION = {
  ruleId: RULE_ID,
  resource: KEY.arn,
  reason: 'an archive',
  approver: 'security@example.com',
  until: (NOW + 60) as EpochS,
}

async function audited(standing: Standing, changes: Partial<AuditPorts> = {}, attempt = 0) {
  const requests: EnforceRequest[] = []
  const store = createMemoryFindingStore()
  const ports = auditPorts(store, readerOf(new Map([[KEY.arn, standing]])), {
    enforced: new Set([RULE_ID]),
    requestEnforcement: async (request) => void requests.push(request),
    ...changes,
  })
  const run = () => auditOne({ resource: KEY, eventId: EVENT_ID, madeAt: null, attempt }, ports)
  return { requests, store, run }
}

describe('what the policy wants put right', () => {
  it('is asked for with every audit that finds it failing, and points at the event', async () => {
    const { requests, run } = await audited('does not rotate')
    await run()
    await run()
    expect(requests).toEqual([1, 2].map(() => ({ ruleId: RULE_ID, resource: KEY, eventId: EVENT_ID })))
  })

  it.each<[string, Standing, Partial<AuditPorts>, number]>([
    ['its rule is only reported', 'does not rotate', { enforced: new Set() }, 0],
    ['another rule is enforced', 'does not rotate', { enforced: new Set(['kms-key-in-use']) }, 0],
    ['it is exempt', 'does not rotate', { exemptions: [EXEMPTION] }, 0],
    ['it passes', 'rotates', {}, 0],
    ['it is gone', 'gone', {}, 0],
    ['it may not be read', 'denied', {}, 0],
    ['it cannot be read', 'unread', {}, ATTEMPTS_MAX],
    ['it is being made', 'unready', {}, ATTEMPTS_MAX],
  ])('is not asked for where %s', async (_, standing, changes, attempt) => {
    const { requests, run } = await audited(standing, changes, attempt)
    await run()
    expect(requests).toEqual([])
  })

  it('is asked for again once its exemption has ended', async () => {
    const { requests, run } = await audited('does not rotate', { exemptions: [{ ...EXEMPTION, until: NOW }] })
    await run()
    expect(requests).toHaveLength(1)
  })

  it('fails the audit if nobody can be asked, after its finding was kept', async () => {
    const { store, run } = await audited('does not rotate', { requestEnforcement: () => Promise.reject(new Error('no queue')) })
    await expect(run()).rejects.toThrow('no queue')
    expect((await store.ofResource(KEY)).map(({ finding }) => finding.status)).toEqual(['failing'])
  })
})

describe('a request', () => {
  const request: EnforceRequest = { ruleId: RULE_ID, resource: KEY, eventId: null }

  it('is read as it was sent', () => {
    expect(parseEnforceRequest(enforceBody(request))).toEqual({ ok: true, value: request })
    expect(parseEnforceRequest(enforceBody({ ...request, eventId: EVENT_ID }))).toEqual({
      ok: true,
      value: { ...request, eventId: EVENT_ID },
    })
  })

  it.each([
    ['no JSON', '{'],
    ['another format', JSON.stringify({ ...request, format: 'keytrail.audit-again/1' })],
    ['no rule', JSON.stringify({ ...request, format: 'keytrail.enforce/1', ruleId: 1 })],
    ['no resource', JSON.stringify({ format: 'keytrail.enforce/1', ruleId: RULE_ID })],
    ['a kind that there is not', JSON.stringify({ ...request, format: 'keytrail.enforce/1', resource: { ...KEY, kind: 'toString' } })],
    ['an ARN of endless length', enforceBody({ ...request, resource: { ...KEY, arn: 'a'.repeat(2049) } })],
    ['no account', enforceBody({ ...request, resource: { ...KEY, accountId: '' } })],
  ])('is refused with %s', (_, body) => {
    expect(parseEnforceRequest(body).ok).toBe(false)
  })
})
