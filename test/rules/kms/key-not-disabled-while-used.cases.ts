import { daysAgo } from '../rule-cases.ts'
import { keyCases, NONE_COUNTED } from './ordinary-key.ts'

const IDLE = {
  state: 'Disabled',
  countedUse: NONE_COUNTED,
  lastUse: { at: daysAgo(40), trackedSince: daysAgo(210) },
} as const

export const cases = keyCases([
  { title: 'is disabled, and nobody needs it', facts: IDLE, verdict: 'pass' },
  { title: 'is disabled, and was never used', facts: { ...IDLE, lastUse: { at: null, trackedSince: daysAgo(210) } }, verdict: 'pass' },
  {
    title: 'is disabled, and uses were refused',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, failed: { DisabledException: 3, AccessDenied: 9 } } },
    verdict: 'fail',
    says: 'the key state is Disabled, and KMS refused 3 uses of it in 24 hours',
  },
  {
    title: 'is to be deleted, and one use was refused',
    facts: { ...IDLE, state: 'PendingDeletion', countedUse: { ...NONE_COUNTED, failed: { KMSInvalidStateException: 1 } } },
    verdict: 'fail',
    says: 'the key state is PendingDeletion, and KMS refused 1 use of it in 24 hours',
  },
  {
    title: 'is disabled, and uses failed for other reasons',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, failed: { AccessDenied: 9 } } },
    verdict: 'pass',
  },
  {
    title: 'is disabled, and was used today',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, succeeded: 5 } },
    verdict: 'fail',
    says: 'the key state is Disabled, and it was used 5 times in 24 hours',
  },
  {
    title: 'is disabled, and was used this week',
    facts: { ...IDLE, lastUse: { at: daysAgo(7), trackedSince: daysAgo(210) } },
    verdict: 'fail',
    says: 'the key state is Disabled, and it was last used 7 days ago',
  },
  {
    title: 'is disabled, and was used longer ago',
    facts: { ...IDLE, lastUse: { at: daysAgo(7.1), trackedSince: daysAgo(210) } },
    verdict: 'pass',
  },
  {
    title: 'waits for its replicas, and is needed',
    facts: { ...IDLE, state: 'PendingReplicaDeletion', countedUse: { ...NONE_COUNTED, failed: { KMSInvalidStateException: 2 } } },
    verdict: 'fail',
  },
  {
    title: 'is disabled, was never used, and uses are told since yesterday',
    facts: { ...IDLE, lastUse: { at: null, trackedSince: daysAgo(1) } },
    verdict: 'unknown',
    says: 'NotTrackedLongEnough',
  },
  {
    title: 'is disabled, was never used, and uses are told since it was made',
    facts: { ...IDLE, createdAt: daysAgo(1), lastUse: { at: null, trackedSince: daysAgo(1) } },
    verdict: 'pass',
  },
  {
    title: 'is disabled, and uses are not counted',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, countedSince: null } },
    verdict: 'unknown',
    says: 'NotCountedLongEnough',
  },
  {
    title: 'is disabled, and uses are counted since an hour',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, countedSince: daysAgo(0.04) } },
    verdict: 'unknown',
    says: 'NotCountedLongEnough',
  },
  {
    title: 'is disabled, and uses were refused since counting began',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, countedSince: daysAgo(0.04), failed: { DisabledException: 1 } } },
    verdict: 'fail',
  },
  {
    title: 'is disabled, was used today, and its uses are uncounted',
    facts: { ...IDLE, lastUse: { at: daysAgo(0), trackedSince: daysAgo(210) } },
    unread: ['countedUse'],
    verdict: 'fail',
  },
  {
    title: 'is disabled, and uses were refused, whenever it was used last',
    facts: { ...IDLE, countedUse: { ...NONE_COUNTED, failed: { DisabledException: 1 } } },
    unread: ['lastUse'],
    verdict: 'fail',
  },
  { title: 'is enabled', verdict: 'not_applicable', says: 'the key state is Enabled' },
  { title: 'waits for its material', facts: { state: 'PendingImport' }, verdict: 'not_applicable' },
  { title: 'is managed by AWS', facts: { manager: 'AWS', state: 'Disabled' }, verdict: 'not_applicable', says: 'AWS manages this key' },
  { title: 'has an unread last use', facts: IDLE, unread: ['lastUse'], verdict: 'unknown' },
  { title: 'has uncounted uses', facts: IDLE, unread: ['countedUse'], verdict: 'unknown' },
])
