import { ADMIN_ROLE, keyCases, MANAGER_ROWS, policyOf } from './ordinary-key.ts'

const BY_ADMIN = { Effect: 'Allow', Principal: { AWS: ADMIN_ROLE } }

// Who counts as somebody stands in test/rules/policy-administration.test.ts.
export const cases = keyCases([
  { title: 'leaves it to its account', verdict: 'pass' },
  { title: 'leaves it to a role', facts: { policy: policyOf({ ...BY_ADMIN, Action: ['kms:Put*', 'kms:Schedule*'] }) }, verdict: 'pass' },
  {
    title: 'leaves no deletion to anybody',
    facts: { policy: policyOf({ ...BY_ADMIN, Action: 'kms:PutKeyPolicy' }) },
    verdict: 'fail',
    says: 'the key policy lets nobody in the account do kms:ScheduleKeyDeletion',
  },
  {
    title: 'leaves it to a role that was deleted',
    facts: { policy: policyOf({ ...BY_ADMIN, Principal: { AWS: 'AROAQKEYADMINXEXAMPLE' }, Action: 'kms:*' }) },
    verdict: 'fail',
    says: 'the key policy lets nobody in the account do kms:PutKeyPolicy or kms:ScheduleKeyDeletion',
  },
  {
    title: 'leaves it to a role under a condition that is not known here',
    facts: { policy: policyOf({ ...BY_ADMIN, Action: 'kms:*', Condition: { StringEquals: { 'aws:Something': 'x' } } }) },
    verdict: 'unknown',
    says: 'ConditionsNotUnderstood',
  },
  { title: 'is no policy', facts: { policy: null }, verdict: 'unknown', says: 'PolicyNotUnderstood' },
  { title: 'has an unread policy', unread: ['policy'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
