import { ACCOUNT, keyCases, MANAGER_ROWS, policyOf, ROOT } from './ordinary-key.ts'

const ADMINISTERED = { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*' }
const OPEN = { Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt' }

// What is public stands in test/rules/policy-access.test.ts.
export const cases = keyCases([
  { title: 'lets its account in', verdict: 'pass' },
  {
    title: 'lets everybody in',
    facts: { policy: policyOf(ADMINISTERED, OPEN) },
    verdict: 'fail',
    says: 'the key policy lets every AWS account in (statement 2)',
  },
  {
    title: 'lets everybody in by many statements',
    facts: { policy: policyOf(OPEN, OPEN, OPEN, OPEN, OPEN) },
    verdict: 'fail',
    says: 'the key policy lets every AWS account in (statement 1, 2, 3 and 2 more)',
  },
  {
    title: 'names everybody, confined to its account',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT } } }) },
    verdict: 'pass',
  },
  {
    title: 'names everybody under a condition that is not known here',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'aws:Something': 'x' } } }) },
    verdict: 'fail',
    says: 'the key policy names everybody under conditions that are not known to keep strangers out (statement 1)',
  },
  { title: 'is no policy', facts: { policy: null }, verdict: 'unknown', says: 'PolicyNotUnderstood' },
  { title: 'has an unread policy', unread: ['policy'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
