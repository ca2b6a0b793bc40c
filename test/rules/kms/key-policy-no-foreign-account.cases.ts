import { keyCases, MANAGER_ROWS, ORGANIZATION, OTHER_ACCOUNT, policyOf, ROOT } from './ordinary-key.ts'

const ADMINISTERED = { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*' }
const FOREIGN = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:role/reader` }, Action: 'kms:Decrypt' }
const OPEN = { Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt' }

export const cases = keyCases([
  { title: 'lets its account in', verdict: 'pass' },
  {
    title: 'lets a role of another account in',
    facts: { policy: policyOf(ADMINISTERED, FOREIGN) },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
  },
  {
    title: 'lets a trusted account in',
    facts: { policy: policyOf(ADMINISTERED, FOREIGN) },
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'pass',
  },
  {
    title: 'lets an organization in',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'aws:PrincipalOrgID': ORGANIZATION } } }) },
    verdict: 'fail',
    says: `the key policy lets in organization ${ORGANIZATION}`,
  },
  {
    title: 'lets a trusted organization in',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'aws:PrincipalOrgID': ORGANIZATION } } }) },
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'pass',
  },
  {
    title: 'names what looks like markup for an account',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'kms:CallerAccount': '<script>' } } }) },
    verdict: 'fail',
    says: 'the key policy lets in what is no account',
  },
  { title: 'lets everybody in', facts: { policy: policyOf(OPEN) }, verdict: 'fail', says: 'the key policy lets every AWS account in' },
  {
    title: 'lets in whoever comes by a network',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'aws:SourceVpce': 'vpce-0123456789abcdef0' } } }) },
    verdict: 'unknown',
    says: 'AccountsNotNamed',
  },
  {
    title: 'lets a service in',
    facts: { policy: policyOf(ADMINISTERED, { ...OPEN, Principal: { Service: 'logs.amazonaws.com' } }) },
    verdict: 'pass',
  },
  { title: 'is no policy', facts: { policy: null }, verdict: 'unknown', says: 'PolicyNotUnderstood' },
  { title: 'has an unread policy', unread: ['policy'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
