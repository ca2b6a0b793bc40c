import { daysAgo } from '../rule-cases.ts'
import { keyCases } from './ordinary-key.ts'

const IDLE = {
  state: 'Disabled',
  countedUse: { succeeded: 0, failed: {} },
  lastUse: { at: daysAgo(40), trackedSince: daysAgo(210) },
} as const

export const cases = keyCases([
  { title: 'is disabled, and nobody needs it', facts: IDLE, verdict: 'pass' },
  { title: 'is disabled, and was never used', facts: { ...IDLE, lastUse: { at: null, trackedSince: daysAgo(210) } }, verdict: 'pass' },
  {
    title: 'is disabled, and uses were refused',
    facts: { ...IDLE, countedUse: { succeeded: 0, failed: { DisabledException: 3, AccessDenied: 9 } } },
    verdict: 'fail',
    says: 'the key state is Disabled, and KMS refused 3 uses of it in 24 hours',
  },
  {
    title: 'is to be deleted, and one use was refused',
    facts: { ...IDLE, state: 'PendingDeletion', countedUse: { succeeded: 0, failed: { KMSInvalidStateException: 1 } } },
    verdict: 'fail',
    says: 'the key state is PendingDeletion, and KMS refused 1 use of it in 24 hours',
  },
  {
    title: 'is disabled, and uses failed for other reasons',
    facts: { ...IDLE, countedUse: { succeeded: 0, failed: { AccessDenied: 9 } } },
    verdict: 'pass',
  },
  {
    title: 'is disabled, and was used today',
    facts: { ...IDLE, countedUse: { succeeded: 5, failed: {} } },
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
    facts: { ...IDLE, state: 'PendingReplicaDeletion', countedUse: { succeeded: 0, failed: { KMSInvalidStateException: 2 } } },
    verdict: 'fail',
  },
  { title: 'is enabled', verdict: 'not_applicable', says: 'the key state is Enabled' },
  { title: 'waits for its material', facts: { state: 'PendingImport' }, verdict: 'not_applicable' },
  { title: 'is managed by AWS', facts: { manager: 'AWS', state: 'Disabled' }, verdict: 'not_applicable', says: 'AWS manages this key' },
  { title: 'has an unread last use', facts: IDLE, unread: ['lastUse'], verdict: 'unknown' },
  { title: 'has uncounted uses', facts: IDLE, unread: ['countedUse'], verdict: 'unknown' },
])
