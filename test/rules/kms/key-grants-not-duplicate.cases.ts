import type { Grant } from '../../../shared/rules/facts.ts'
import { ACCOUNT, keyCases, MANAGER_ROWS } from './ordinary-key.ts'

const GRANT: Grant = {
  id: 'g1',
  name: '',
  grantee: `arn:aws:iam::${ACCOUNT}:role/trainer`,
  retiring: '',
  operations: ['Encrypt', 'Decrypt'],
  constraints: '',
  isForAwsService: false,
}

function twice(differing: Partial<Grant>): { readonly grants: readonly Grant[] } {
  return { grants: [GRANT, { ...GRANT, id: 'g2', ...differing }] }
}

export const cases = keyCases([
  { title: 'has none', verdict: 'pass' },
  { title: 'has one', facts: { grants: [GRANT] }, verdict: 'pass' },
  { title: 'has two alike', facts: twice({}), verdict: 'fail', says: '2 grants say the same as another: g1, g2' },
  { title: 'has two alike, operations in another order', facts: twice({ operations: ['Decrypt', 'Encrypt'] }), verdict: 'fail' },
  {
    title: 'has many alike',
    facts: { grants: ['e', 'd', 'c', 'b', 'a'].map((id) => ({ ...GRANT, id })) },
    verdict: 'fail',
    says: '5 grants say the same as another: a, b, c and 2 more',
  },
  { title: 'has two for others', facts: twice({ grantee: `arn:aws:iam::${ACCOUNT}:role/other` }), verdict: 'pass' },
  { title: 'has two for other operations', facts: twice({ operations: ['Decrypt'] }), verdict: 'pass' },
  { title: 'has two under other constraints', facts: twice({ constraints: '{"EncryptionContextEquals":{"a":"b"}}' }), verdict: 'pass' },
  { title: 'has two that others may retire', facts: twice({ retiring: `arn:aws:iam::${ACCOUNT}:role/other` }), verdict: 'pass' },
  { title: 'has two of different names', facts: twice({ name: 'second' }), verdict: 'pass' },
  {
    title: 'has two alike for a service',
    facts: { grants: [1, 2].map((id) => ({ ...GRANT, id: `${id}`, isForAwsService: true })) },
    verdict: 'pass',
  },
  { title: 'has unread grants', unread: ['grants'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
