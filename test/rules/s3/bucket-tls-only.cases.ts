import { bucketCases, expectingOf } from './ordinary-bucket.ts'
import { TLS_POLICIES } from './tls-policies.ts'

export const cases = bucketCases([
  { title: 'denies plain HTTP but for services', verdict: 'pass' },
  ...TLS_POLICIES,
  { title: 'has no policy', facts: { policy: null }, verdict: 'fail', says: 'the bucket has no policy, so that it answers plain HTTP' },
  { title: 'has a policy that is none', facts: { policy: 'unreadable' }, verdict: 'unknown', says: 'PolicyNotUnderstood' },
  { title: 'has an unread policy', unread: ['policy'], verdict: 'unknown', says: 'AccessDeniedException' },
  {
    title: 'may answer plain HTTP',
    facts: { policy: null },
    expectations: expectingOf('northwind-*', { requiresTls: false }),
    verdict: 'not_applicable',
    says: 'this bucket may answer plain HTTP',
  },
])
