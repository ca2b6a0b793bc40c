import type { KmsKeyFacts } from '../../../shared/rules/facts.ts'
import { daysAgo, inDays } from '../rule-cases.ts'
import { keyCases, ROTATION_SCOPE_ROWS } from './ordinary-key.ts'

type History = Pick<KmsKeyFacts, 'rotation' | 'rotations' | 'createdAt'>

/** A key with a period of 365 days; ages in days. */
function history(ages: { created: number; rotated?: readonly number[]; nextIn: number | null }): History {
  return {
    createdAt: daysAgo(ages.created),
    rotations: (ages.rotated ?? []).map((age) => ({ at: daysAgo(age), kind: 'AUTOMATIC' })),
    rotation: { isEnabled: true, periodDays: 365, nextAt: ages.nextIn === null ? null : inDays(ages.nextIn) },
  }
}

export const cases = keyCases([
  { title: 'was rotated within the period', verdict: 'pass' },
  { title: 'was rotated a period and the grace ago', facts: history({ created: 900, rotated: [370], nextIn: -5 }), verdict: 'pass' },
  {
    title: 'was rotated longer ago',
    facts: history({ created: 900, rotated: [371], nextIn: -6 }),
    verdict: 'fail',
    says: 'the last rotation was 371 days ago, the rotation period is 365 days; KMS means to rotate it on 2026-11-16',
  },
  {
    title: 'was never rotated, and is older than that',
    facts: history({ created: 412, nextIn: -47 }),
    verdict: 'fail',
    says: 'the key was made 412 days ago and never rotated, the rotation period is 365 days; KMS means to rotate it on 2026-10-06',
  },
  { title: 'was never rotated, and is younger', facts: history({ created: 200, nextIn: 165 }), verdict: 'pass' },
  // Turned on for the first time, or off and on again: KMS begins a new period either way, and nothing was rotated.
  {
    title: 'is old, and rotation was turned on a month ago',
    facts: history({ created: 2000, nextIn: 335 }),
    verdict: 'fail',
    says: 'the key was made 2000 days ago and never rotated, the rotation period is 365 days; KMS means to rotate it on 2027-10-23',
  },
  {
    title: 'was rotated long ago, and is to be rotated tomorrow',
    facts: history({ created: 2000, rotated: [900], nextIn: 1 }),
    verdict: 'fail',
    says: 'the last rotation was 900 days ago, the rotation period is 365 days; KMS means to rotate it on 2026-11-23',
  },
  { title: 'has its rotations in any order', facts: history({ created: 2000, rotated: [800, 20, 435], nextIn: 345 }), verdict: 'pass' },
  {
    title: 'was rotated on demand after an automatic rotation that did not come',
    facts: { ...history({ created: 2000, nextIn: -20 }), rotations: [{ at: daysAgo(3), kind: 'ON_DEMAND' }] },
    verdict: 'pass',
  },
  { title: 'is young, and its next rotation is not told', facts: history({ created: 20, nextIn: null }), verdict: 'pass' },
  {
    title: 'is old, and its next rotation is not told',
    facts: history({ created: 2000, nextIn: null }),
    verdict: 'fail',
    says: 'the key was made 2000 days ago and never rotated, the rotation period is 365 days',
  },
  {
    title: 'has a rotation without a period',
    facts: { rotation: { isEnabled: true, periodDays: null, nextAt: null } },
    verdict: 'unknown',
    says: 'NoRotationPeriod',
  },
  {
    title: 'does not rotate',
    facts: { rotation: { isEnabled: false, periodDays: null, nextAt: null }, rotations: [] },
    verdict: 'not_applicable',
    says: 'automatic rotation is off',
  },
  { title: 'has unread rotations', unread: ['rotations'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...ROTATION_SCOPE_ROWS,
])
