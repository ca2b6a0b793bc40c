import { describe, expect, it } from 'vitest'
import { changeOne, type ChangeOutcome } from '../../shared/changes/change-one.ts'
import type { ChangePorts } from '../../shared/changes/change-ports.ts'
import type { Planner } from '../../shared/changes/planner.ts'
import { observed, unread } from '../../shared/observed.ts'
import { NOW } from '../findings/findings-ground.ts'
import type { Standing } from './model-account.ts'
import { createWorld, enforcing, key, OFF, ON, PERSON, request, ROTATION, rotationEvery, TLS, type World } from './model-world.ts'

const A = key('a')

function weakKey(): World {
  const world = createWorld()
  world.account.add(A, OFF)
  return world
}

/** One outcome each, and whether people hear of it. */
const CASES: readonly {
  readonly title: string
  readonly kind: ChangeOutcome['kind']
  readonly standing?: Partial<Standing>
  readonly ports?: Partial<ChangePorts>
  readonly ruleId?: string
  readonly prepare?: (world: World) => Promise<unknown>
  readonly notice?: string
  readonly reason?: string
}[] = [
  { title: 'writes what fails', kind: 'done', notice: '#done' },
  { title: 'leaves what is right', kind: 'right-already', standing: { state: rotationEvery(200), shown: ON } },
  { title: 'leaves what is gone', kind: 'gone', standing: { isGone: true } },
  { title: 'comes back to what is being changed', kind: 'later', standing: { isUnready: true } },
  {
    title: 'holds what it may not read',
    kind: 'held',
    standing: { unreadFacts: new Map([['rotation', 'denied']]) },
    notice: '#held-',
    reason: 'read:rotation is denied: Unreadable',
  },
  {
    title: 'holds what it has read and cannot judge',
    kind: 'held',
    standing: { unreadFacts: new Map([['rotation', 'unclear']]) },
    notice: '#held-',
    reason: 'read:rotation does not tell: Unreadable',
  },
  { title: 'comes back to what could not be read', kind: 'later', standing: { unreadFacts: new Map([['rotation', 'failed']]) } },
  { title: 'comes back to an aspect that could not be read', kind: 'later', standing: { unreadAspect: 'failed' } },
  { title: 'holds an aspect it may not read', kind: 'held', standing: { unreadAspect: 'denied' }, notice: '#held-' },
  {
    title: 'says what AWS refuses',
    kind: 'refused',
    standing: { refusal: { ok: false, code: 'AccessDeniedException', message: 'no' } },
    notice: '#refused-',
  },
  {
    title: 'writes nothing while it is stopped',
    kind: 'stopped',
    prepare: ({ control }) => control.setStop({ by: PERSON, reason: 'a freeze', at: NOW }),
  },
  { title: 'knows no such rule', kind: 'not-enforced', ruleId: 'kms-key-of-yesterday' },
  { title: 'knows no such rule of keys', kind: 'not-enforced', ruleId: TLS },
  { title: 'only reports by default', kind: 'not-enforced', ports: { policy: enforcing({ modes: new Map() }) } },
  {
    title: 'only reports where the policy says so',
    kind: 'not-enforced',
    ports: { policy: enforcing({ modes: new Map([[ROTATION, 'report']]) }) },
  },
  { title: 'leaves what only people can answer', kind: 'not-enforced', ports: { planners: new Map() } },
  {
    title: 'leaves what somebody answers for',
    kind: 'right-already',
    ports: {
      policy: enforcing({ exemptions: [{ ruleId: ROTATION, resource: '*', reason: '', approver: 'Ada', until: (NOW + 9) as typeof NOW }] }),
    },
  },
  {
    title: 'leaves to infrastructure-as-code what keytrail.yml names',
    kind: 'held',
    ports: { policy: enforcing({ owners: [{ resource: 'arn:aws:kms:*/a', tool: 'Terraform', place: 'git/keys.tf' }] }) },
    notice: '#held-',
    reason: 'owned by Terraform, change it at git/keys.tf',
  },
  {
    title: 'leaves to CloudFormation what its stacks have',
    kind: 'held',
    ports: { guard: guardWith({ stackOf: async () => observed('payments') }) },
    notice: '#held-',
    reason: 'owned by the CloudFormation stack payments, change it in its template',
  },
  {
    title: 'holds where it may not ask CloudFormation',
    kind: 'held',
    ports: { guard: guardWith({ stackOf: async () => unread('cloudformation:DescribeStackResources', 'denied', 'AccessDenied') }) },
    notice: '#held-',
  },
  {
    title: 'comes back where CloudFormation did not answer',
    kind: 'later',
    ports: { guard: guardWith({ stackOf: async () => unread('cloudformation:DescribeStackResources', 'failed', 'Throttling') }) },
  },
  {
    title: 'leaves what its tags give to CloudFormation',
    kind: 'held',
    ports: { planners: plannersWith({ facts: ['tags'] }) },
    standing: { facts: { tags: observed({ 'aws:cloudformation:stack-name': 'payments' }) } },
    notice: '#held-',
    reason: 'owned by the CloudFormation stack payments, change it in its template',
  },
  {
    title: 'comes back to what a planner could not read',
    kind: 'later',
    ports: { planners: plannersWith({ facts: ['tags'] }) },
    standing: { unreadFacts: new Map([['tags', 'failed']]) },
  },
  {
    title: 'leaves what a planner finds right',
    kind: 'right-already',
    ports: { planners: plannersWith({ plan: () => ({ kind: 'nothing' }) }) },
  },
  {
    title: 'leaves what means the same',
    kind: 'right-already',
    ports: { planners: plannersWith({ plan: ({ state }) => ({ kind: 'change', after: state, summary: '' }) }) },
  },
  {
    title: 'holds what a planner refuses',
    kind: 'held',
    ports: { planners: plannersWith({ plan: () => ({ kind: 'refused', reason: 'past 20 KB' }) }) },
    notice: '#held-',
    reason: 'past 20 KB',
  },
  {
    title: 'holds what would break readers or writers',
    kind: 'held',
    ports: { planners: plannersWith({ guard: async () => ({ kind: 'held', reasons: ['the key is disabled'] }) }) },
    notice: '#held-',
    reason: 'the key is disabled',
  },
  {
    title: 'comes back where a guard could not see',
    kind: 'later',
    ports: {
      planners: plannersWith({ guard: async () => ({ kind: 'unread', unread: [unread('kms:GetKeyPolicy', 'failed', 'Timeout')] }) }),
    },
  },
  { title: 'keeps to the limit', kind: 'limit', ports: { perHourMax: 0 }, notice: 'limit-changes-2026-10-20T06:00Z' },
]

function guardWith(changes: Partial<ChangePorts['guard']>): ChangePorts['guard'] {
  return { ...createWorld().ports().guard, ...changes }
}

function plannersWith(changes: Partial<Planner>): ChangePorts['planners'] {
  const planner = createWorld().ports().planners.get(ROTATION)
  if (planner === undefined) throw new Error('no planner')
  return new Map([[ROTATION, { ...planner, ...changes }]])
}

describe('a change', () => {
  it.each(CASES)('$title: $kind', async ({ kind, standing, ports, ruleId = ROTATION, prepare, notice, reason }) => {
    const world = weakKey()
    Object.assign(world.account.at(A.arn), standing)
    await prepare?.(world)
    const outcome = await changeOne(request(A, ruleId), world.ports(ports))
    expect(outcome.kind).toBe(kind)
    expect(outcome).toMatchObject(reason === undefined ? {} : { reasons: [reason] })
    expect(world.account.writes).toHaveLength(kind === 'done' ? 1 : 0)
    expect(world.notices.ids()).toHaveLength(notice === undefined ? 0 : 1)
    expect(world.notices.ids()[0] ?? '').toContain(notice ?? '')
    // The same again is told once.
    await changeOne(request(A, ruleId), world.ports(ports))
    expect(world.notices.ids()).toHaveLength(notice === undefined ? 0 : 1)
  })
})
