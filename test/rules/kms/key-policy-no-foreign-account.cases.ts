import { ACCOUNT, keyCases, MANAGER_ROWS, ORGANIZATION, OTHER_ACCOUNT, policyOf, ROOT } from './ordinary-key.ts'

const ADMINISTERED = { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*' }
const FOREIGN = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:role/reader` }, Action: 'kms:Decrypt' }
const OF_ORGANIZATION = { StringEquals: { 'aws:PrincipalOrgID': ORGANIZATION } }
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
    title: 'lets in an account by name, of an organization that is trusted',
    facts: { policy: policyOf(ADMINISTERED, { ...FOREIGN, Condition: OF_ORGANIZATION }) },
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'pass',
  },
  {
    title: 'lets in an account by name, of an organization that is not trusted',
    facts: { policy: policyOf(ADMINISTERED, { ...FOREIGN, Condition: OF_ORGANIZATION }) },
    expectations: { trustedAccounts: ['o-9z8y7x6w5v'] },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
  },
  {
    title: 'lets in an account by name, and trusts an organization of which nothing is said',
    facts: { policy: policyOf(ADMINISTERED, FOREIGN) },
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
  },
  {
    title: 'lets in an account by name, and denies whoever is not of a trusted organization',
    facts: {
      policy: policyOf(ADMINISTERED, FOREIGN, {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:*',
        Condition: { StringNotEquals: { 'aws:PrincipalOrgID': ORGANIZATION } },
      }),
    },
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'pass',
  },
  {
    title: 'lets in an account by name, through an endpoint of its own account',
    facts: { policy: policyOf(ADMINISTERED, { ...FOREIGN, Condition: { StringEquals: { 'aws:VpceAccount': ACCOUNT } } }) },
    verdict: 'fail',
  },
  {
    title: 'lets in an account by a condition, of an organization that is trusted',
    facts: {
      policy: policyOf({
        ...OPEN,
        Condition: { StringEquals: { 'aws:PrincipalAccount': OTHER_ACCOUNT, 'aws:PrincipalOrgID': ORGANIZATION } },
      }),
    },
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'pass',
  },
  {
    title: 'lets in an account by a condition, of an organization that is not trusted',
    facts: {
      policy: policyOf({
        ...OPEN,
        Condition: { StringEquals: { 'aws:PrincipalAccount': OTHER_ACCOUNT, 'aws:PrincipalOrgID': ORGANIZATION } },
      }),
    },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
  },
  {
    title: 'lets in accounts of which one is trusted',
    facts: { policy: policyOf({ ...OPEN, Condition: { StringEquals: { 'aws:PrincipalAccount': [OTHER_ACCOUNT, '999988887777'] } } }) },
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'fail',
    says: 'the key policy lets in account 999988887777',
  },
  {
    title: 'lets an account in by name, and denies all but that account',
    facts: { policy: policyOf(ADMINISTERED, FOREIGN, { Effect: 'Deny', NotPrincipal: { AWS: [ROOT, OTHER_ACCOUNT] }, Action: 'kms:*' }) },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
  },
  {
    title: 'lets everybody in, and denies all but another account',
    facts: { policy: policyOf(OPEN, { Effect: 'Deny', NotPrincipal: { AWS: [ROOT, OTHER_ACCOUNT] }, Action: 'kms:*' }) },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
  },
  {
    title: 'lets everybody in, and denies all but its account',
    facts: { policy: policyOf(OPEN, { Effect: 'Deny', NotPrincipal: { AWS: ROOT, Service: 'logs.amazonaws.com' }, Action: 'kms:*' }) },
    verdict: 'pass',
  },
  {
    title: 'lets everybody in, and denies all but somebody who is not known',
    facts: { policy: policyOf(OPEN, { Effect: 'Deny', NotPrincipal: { AWS: 'somebody' }, Action: 'kms:*' }) },
    verdict: 'unknown',
    says: 'AccountsNotNamed',
  },
  {
    title: 'lets everybody in, and denies all but another account and its organization',
    facts: {
      policy: policyOf(OPEN, {
        Effect: 'Deny',
        NotPrincipal: { AWS: OTHER_ACCOUNT },
        Action: 'kms:*',
        Condition: { StringNotEquals: { 'aws:PrincipalOrgID': ORGANIZATION } },
      }),
    },
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'fail',
    says: `the key policy lets in account ${OTHER_ACCOUNT}`,
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
