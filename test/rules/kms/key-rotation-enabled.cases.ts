import { keyCases, ROTATION_SCOPE_ROWS } from './ordinary-key.ts'

const OFF = { isEnabled: false, periodDays: null, nextAt: null }

export const cases = keyCases([
  { title: 'rotates', verdict: 'pass' },
  { title: 'does not rotate', facts: { rotation: OFF }, verdict: 'fail', says: 'automatic rotation is off' },
  { title: 'is a primary that rotates', facts: { multiRegionRole: 'PRIMARY' }, verdict: 'pass' },
  { title: 'is a primary that does not rotate', facts: { multiRegionRole: 'PRIMARY', rotation: OFF }, verdict: 'fail' },
  { title: 'is an HMAC key', facts: { spec: 'HMAC_256', usage: 'GENERATE_VERIFY_MAC', rotation: OFF }, verdict: 'not_applicable' },
  { title: 'is in a CloudHSM key store', facts: { origin: 'AWS_CLOUDHSM', rotation: OFF }, verdict: 'not_applicable' },
  {
    title: 'is to be deleted, where KMS says that it does not rotate',
    facts: { state: 'PendingDeletion', rotation: OFF },
    verdict: 'not_applicable',
  },
  ...ROTATION_SCOPE_ROWS,
])
