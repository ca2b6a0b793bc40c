import { daysAgo } from '../rule-cases.ts'
import { keyCases, NONE_COUNTED } from './ordinary-key.ts'

function used(ages: { lastUse: number | null; tracked: number; created?: number }) {
  const at = ages.lastUse === null ? null : daysAgo(ages.lastUse)
  return { countedUse: NONE_COUNTED, lastUse: { at, trackedSince: daysAgo(ages.tracked) }, createdAt: daysAgo(ages.created ?? 800) }
}

export const cases = keyCases([
  { title: 'was used today', verdict: 'pass' },
  {
    title: 'was counted in use, which KMS does not tell yet',
    facts: { lastUse: { at: null, trackedSince: daysAgo(210) } },
    verdict: 'pass',
  },
  { title: 'was used 89 days ago', facts: used({ lastUse: 89, tracked: 210 }), verdict: 'pass' },
  { title: 'was used 90 days ago', facts: used({ lastUse: 90, tracked: 210 }), verdict: 'fail', says: 'the key was last used 90 days ago' },
  {
    title: 'was used 40 days ago, and 30 are the limit',
    facts: used({ lastUse: 40, tracked: 210 }),
    expectations: { unusedDays: 30 },
    verdict: 'fail',
  },
  {
    title: 'was never used since uses are told',
    facts: used({ lastUse: null, tracked: 210 }),
    verdict: 'fail',
    says: 'the key was never used since 2026-04-26, for 210 days',
  },
  {
    title: 'was never used since it was made',
    facts: used({ lastUse: null, tracked: 210, created: 100 }),
    verdict: 'fail',
    says: 'the key was never used since 2026-08-14, for 100 days',
  },
  {
    title: 'is new and unused',
    facts: used({ lastUse: null, tracked: 210, created: 10 }),
    verdict: 'not_applicable',
    says: 'the key is younger than 90 days',
  },
  {
    title: 'is old, and uses are told for too short',
    facts: used({ lastUse: null, tracked: 50 }),
    verdict: 'unknown',
    says: 'NotTrackedLongEnough',
  },
  {
    title: 'is tried in vain only',
    facts: { ...used({ lastUse: 100, tracked: 210 }), countedUse: { ...NONE_COUNTED, failed: { AccessDenied: 7 } } },
    verdict: 'fail',
  },
  { title: 'is disabled', facts: { state: 'Disabled' }, verdict: 'not_applicable', says: 'the key state is Disabled' },
  { title: 'is managed by AWS', facts: { manager: 'AWS' }, verdict: 'not_applicable', says: 'AWS manages this key' },
  { title: 'has an unread last use', facts: { countedUse: NONE_COUNTED }, unread: ['lastUse'], verdict: 'unknown' },
  { title: 'has an unread last use, and was counted in use', unread: ['lastUse'], verdict: 'pass' },
  {
    title: 'was used yesterday, and its uses are uncounted',
    facts: used({ lastUse: 1, tracked: 210 }),
    unread: ['countedUse'],
    verdict: 'pass',
  },
  {
    title: 'was not used for long, and its uses of today are uncounted',
    facts: used({ lastUse: 100, tracked: 210 }),
    unread: ['countedUse'],
    verdict: 'unknown',
  },
  { title: 'has nothing to tell of its uses', unread: ['lastUse', 'countedUse'], verdict: 'unknown' },
])
