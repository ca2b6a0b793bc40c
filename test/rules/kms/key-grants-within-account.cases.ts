import type { Grant } from '../../../shared/rules/facts.ts'
import { ACCOUNT, keyCases, MANAGER_ROWS, ORGANIZATION, OTHER_ACCOUNT } from './ordinary-key.ts'

function to(grantee: string, differing: Partial<Grant> = {}): { readonly grants: readonly Grant[] } {
  const grant = { id: 'a'.repeat(64), name: '', grantee, retiring: '', operations: ['Decrypt'], constraints: '', isForAwsService: false }
  return { grants: [{ ...grant, ...differing }] }
}

export const cases = keyCases([
  { title: 'has none', verdict: 'pass' },
  { title: 'has one to a role of its account', facts: to(`arn:aws:iam::${ACCOUNT}:role/trainer`), verdict: 'pass' },
  { title: 'has one to a session of its account', facts: to(`arn:aws:sts::${ACCOUNT}:assumed-role/trainer/i-0123`), verdict: 'pass' },
  {
    title: 'has one to another account',
    facts: to(`arn:aws:iam::${OTHER_ACCOUNT}:role/trainer`),
    verdict: 'fail',
    says: `a grant lets in account ${OTHER_ACCOUNT}`,
  },
  { title: 'has one to another account as a whole', facts: to(`arn:aws:iam::${OTHER_ACCOUNT}:root`), verdict: 'fail' },
  {
    title: 'has one to a trusted account',
    facts: to(`arn:aws:iam::${OTHER_ACCOUNT}:root`),
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'pass',
  },
  {
    title: 'has one to an account that may belong to an organization that is trusted',
    facts: to(`arn:aws:iam::${OTHER_ACCOUNT}:root`),
    expectations: { trustedAccounts: [ORGANIZATION] },
    verdict: 'unknown',
    says: 'OrganizationOfAccountNotKnown',
  },
  { title: 'has one to a service', facts: to('dynamodb.eu-central-1.amazonaws.com'), verdict: 'pass' },
  {
    title: 'has one to a service, in an account of AWS',
    facts: to(`arn:aws:iam::${OTHER_ACCOUNT}:role/x`, { isForAwsService: true }),
    verdict: 'pass',
  },
  { title: 'has one to a role that was deleted', facts: to('AROAQKEYADMINXEXAMPLE'), verdict: 'pass' },
  { title: 'has one to what is no principal', facts: to('trainer'), verdict: 'unknown', says: 'GranteeNotUnderstood' },
  {
    title: 'has one that a foreign account may retire',
    facts: to(`arn:aws:iam::${ACCOUNT}:role/x`, { retiring: `arn:aws:iam::${OTHER_ACCOUNT}:root` }),
    verdict: 'pass',
  },
  { title: 'has unread grants', unread: ['grants'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
