import { ADMIN_ROLE, KEY, keyCases, MANAGER_ROWS, OTHER_ACCOUNT, policyOf, ROOT } from './ordinary-key.ts'

const BY_ACCOUNT = { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*' }
const BY_ADMIN = { Effect: 'Allow', Principal: { AWS: ADMIN_ROLE } }

// Who counts as somebody stands in test/rules/policy-administration.test.ts.
export const cases = keyCases([
  { title: 'leaves it to its account', verdict: 'pass' },
  { title: 'leaves it to a role', facts: { policy: policyOf({ ...BY_ADMIN, Action: 'kms:Put*' }) }, verdict: 'pass' },
  {
    title: 'denies the deletion to everybody, until somebody puts another policy',
    facts: { policy: policyOf(BY_ACCOUNT, { Effect: 'Deny', Principal: '*', Action: 'kms:ScheduleKeyDeletion' }) },
    verdict: 'pass',
  },
  {
    title: 'leaves the deletion alone to a role',
    facts: { policy: policyOf({ ...BY_ADMIN, Action: 'kms:ScheduleKeyDeletion' }) },
    verdict: 'fail',
    says: 'the key policy lets nobody in the account do kms:PutKeyPolicy',
  },
  {
    title: 'denies it to all but a role of another account',
    facts: {
      policy: policyOf(BY_ACCOUNT, {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:PutKeyPolicy',
        Condition: { ArnNotEquals: { 'aws:PrincipalArn': `arn:aws:iam::${OTHER_ACCOUNT}:role/Admin` } },
      }),
    },
    verdict: 'fail',
    says: 'the key policy lets nobody in the account do kms:PutKeyPolicy',
  },
  {
    title: 'leaves another key to its account',
    facts: { policy: policyOf({ ...BY_ACCOUNT, Resource: `${KEY.arn}0` }) },
    verdict: 'fail',
    says: 'the key policy lets nobody in the account do kms:PutKeyPolicy',
  },
  {
    title: 'leaves it to a role that was deleted',
    facts: { policy: policyOf({ ...BY_ADMIN, Principal: { AWS: 'AROAQKEYADMINXEXAMPLE' }, Action: 'kms:*' }) },
    verdict: 'fail',
    says: 'the key policy lets nobody in the account do kms:PutKeyPolicy',
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
