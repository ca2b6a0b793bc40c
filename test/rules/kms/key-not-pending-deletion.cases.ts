import { inDays } from '../rule-cases.ts'
import { KEY, keyCases, MANAGER_ROWS } from './ordinary-key.ts'

const PENDING = { state: 'PendingDeletion', deletionAt: inDays(12) } as const

export const cases = keyCases([
  { title: 'is enabled', verdict: 'pass' },
  { title: 'is disabled', facts: { state: 'Disabled' }, verdict: 'pass' },
  { title: 'is to be deleted', facts: PENDING, verdict: 'fail', says: 'deletion is scheduled for 2026-12-04, and not planned' },
  {
    title: 'is to be deleted on a day that is not told',
    facts: { ...PENDING, deletionAt: null },
    verdict: 'fail',
    says: 'deletion is scheduled, and not planned',
  },
  {
    title: 'is to be deleted after its replicas',
    facts: { state: 'PendingReplicaDeletion' },
    verdict: 'fail',
    says: 'deletion follows once the last replica is gone, and is not planned',
  },
  { title: 'is to be deleted as planned by ARN', facts: PENDING, expectations: { plannedDeletions: [KEY.arn] }, verdict: 'pass' },
  { title: 'is to be deleted as planned by alias', facts: PENDING, expectations: { plannedDeletions: ['alias/orders'] }, verdict: 'pass' },
  {
    title: 'is to be deleted, and another is planned',
    facts: PENDING,
    expectations: { plannedDeletions: [`${KEY.arn}0`, 'alias/order'] },
    verdict: 'fail',
  },
  {
    title: 'is to be deleted as planned by an alias it lost',
    facts: { ...PENDING, aliases: [] },
    expectations: { plannedDeletions: ['alias/orders'] },
    verdict: 'fail',
  },
  { title: 'has unread aliases', facts: PENDING, unread: ['aliases'], verdict: 'unknown' },
  ...MANAGER_ROWS,
])
