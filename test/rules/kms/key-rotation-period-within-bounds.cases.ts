import { inDays } from '../rule-cases.ts'
import { keyCases, ROTATION_SCOPE_ROWS } from './ordinary-key.ts'

function every(periodDays: number | null): {
  readonly isEnabled: boolean
  readonly periodDays: number | null
  readonly nextAt: ReturnType<typeof inDays>
} {
  return { isEnabled: true, periodDays, nextAt: inDays(30) }
}

export const cases = keyCases([
  { title: 'rotates every year', verdict: 'pass' },
  { title: 'rotates at the upper bound', facts: { rotation: every(365) }, verdict: 'pass' },
  {
    title: 'rotates past the upper bound',
    facts: { rotation: every(366) },
    verdict: 'fail',
    says: 'the rotation period is 366 days, expected are 90 to 365',
  },
  { title: 'rotates at the lower bound', facts: { rotation: every(90) }, verdict: 'pass' },
  {
    title: 'rotates below it',
    facts: { rotation: every(180) },
    expectations: { rotationPeriodDays: { min: 181, max: 365 } },
    verdict: 'fail',
  },
  {
    title: 'rotates as seldom as KMS allows, which is expected',
    facts: { rotation: every(2560) },
    expectations: { rotationPeriodDays: { min: 90, max: 2560 } },
    verdict: 'pass',
  },
  {
    title: 'does not rotate',
    facts: { rotation: { isEnabled: false, periodDays: null, nextAt: null } },
    verdict: 'not_applicable',
    says: 'automatic rotation is off',
  },
  { title: 'has a rotation without a period', facts: { rotation: every(null) }, verdict: 'unknown', says: 'NoRotationPeriod' },
  ...ROTATION_SCOPE_ROWS,
])
