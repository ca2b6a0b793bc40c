import type { CountedUse } from '../../../shared/rules/facts.ts'
import type { EpochS } from '../../../shared/time.ts'
import { daysAgo } from '../rule-cases.ts'
import { keyCases, MANAGER_ROWS } from './ordinary-key.ts'

function failing(failed: Readonly<Record<string, number>>, countedSince: EpochS | null = daysAgo(1)): { readonly countedUse: CountedUse } {
  return { countedUse: { countedSince, succeeded: 1000, failed } }
}

export const cases = keyCases([
  { title: 'has no failed calls', verdict: 'pass' },
  { title: 'has a few', facts: failing({ AccessDenied: 49 }), verdict: 'pass' },
  {
    title: 'has as many as make a burst',
    facts: failing({ AccessDenied: 50 }),
    verdict: 'fail',
    says: '50 calls failed in 24 hours: 50 × AccessDenied',
  },
  {
    title: 'has many, of several kinds',
    facts: failing({ a: 1, IncorrectKeyException: 9, DisabledException: 40, b: 1, AccessDenied: 40 }),
    verdict: 'fail',
    says: '91 calls failed in 24 hours: 40 × AccessDenied, 40 × DisabledException, 9 × IncorrectKeyException and 2 more',
  },
  { title: 'has some, and few are too many', facts: failing({ AccessDenied: 3 }), expectations: { failureBurst: 3 }, verdict: 'fail' },
  {
    title: 'has many with a code longer than any',
    facts: failing({ ['x'.repeat(999)]: 60 }),
    verdict: 'fail',
    says: `60 calls failed in 24 hours: 60 × ${'x'.repeat(64)}`,
  },
  {
    title: 'has none since counting began an hour ago',
    facts: failing({}, daysAgo(0.04)),
    verdict: 'not_applicable',
    says: 'uses of keys are counted for less than a day',
  },
  { title: 'has many since counting began an hour ago', facts: failing({ AccessDenied: 50 }, daysAgo(0.04)), verdict: 'fail' },
  {
    title: 'has calls that nobody counts',
    facts: failing({}, null),
    verdict: 'not_applicable',
    says: 'uses of keys are counted for less than a day',
  },
  { title: 'has uncounted calls', unread: ['countedUse'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
