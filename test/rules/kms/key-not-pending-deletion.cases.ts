import { inDays } from '../rule-cases.ts'
import { ACCOUNT, KEY, keyCases, MANAGER_ROWS, OTHER_ACCOUNT } from './ordinary-key.ts'

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
  {
    title: 'is to be deleted as planned by the ARN of its alias',
    facts: PENDING,
    expectations: { plannedDeletions: [`arn:aws:kms:eu-central-1:${ACCOUNT}:alias/orders`] },
    verdict: 'pass',
  },
  {
    title: 'is to be deleted, and keys with its alias elsewhere are planned',
    facts: PENDING,
    expectations: {
      plannedDeletions: [`arn:aws:kms:eu-west-1:${ACCOUNT}:alias/orders`, `arn:aws:kms:eu-central-1:${OTHER_ACCOUNT}:alias/orders`],
    },
    verdict: 'fail',
  },
  { title: 'is to be deleted, has unread aliases, and nothing is planned', facts: PENDING, unread: ['aliases'], verdict: 'fail' },
  {
    title: 'is to be deleted, has unread aliases, and none of them could be planned',
    facts: PENDING,
    unread: ['aliases'],
    expectations: { plannedDeletions: [`${KEY.arn}0`, `arn:aws:kms:eu-west-1:${ACCOUNT}:alias/orders`] },
    verdict: 'fail',
  },
  {
    title: 'is to be deleted as planned by ARN, and has unread aliases',
    facts: PENDING,
    unread: ['aliases'],
    expectations: { plannedDeletions: ['alias/retired', KEY.arn] },
    verdict: 'pass',
  },
  {
    title: 'is to be deleted, has unread aliases, and one may be planned',
    facts: PENDING,
    unread: ['aliases'],
    expectations: { plannedDeletions: ['alias/retired'] },
    verdict: 'unknown',
    says: 'AccessDeniedException',
  },
  {
    title: 'is to be deleted, has unread aliases, and one may be planned by its ARN',
    facts: PENDING,
    unread: ['aliases'],
    expectations: { plannedDeletions: [`arn:aws:kms:eu-central-1:${ACCOUNT}:alias/retired`] },
    verdict: 'unknown',
  },
  {
    title: 'is enabled and has unread aliases',
    unread: ['aliases'],
    expectations: { plannedDeletions: ['alias/retired'] },
    verdict: 'pass',
  },
  ...MANAGER_ROWS,
])
