import { trailCases } from './ordinary-trail.ts'

export const cases = trailCases([
  { title: 'has a key', verdict: 'pass' },
  { title: 'has a key by its alias', facts: { kmsKey: 'alias/trail' }, verdict: 'pass' },
  {
    title: 'has no key',
    facts: { kmsKey: null },
    verdict: 'fail',
    says: 'no KMS key is set: log files are under what the bucket encrypts with',
  },
  { title: 'has an unread key', unread: ['kmsKey'], verdict: 'unknown', says: 'AccessDeniedException' },
])
