import { dayText } from '../days.ts'
import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'

/** A deleted key takes with it whatever was encrypted under it: only what somebody planned may wait for deletion. */
export const kmsKeyNotPendingDeletion = defineRule({
  id: 'kms-key-not-pending-deletion',
  title: 'KMS key does not wait for a deletion that nobody planned',
  severity: 'critical',
  resource: 'kms_key',
  controls: ['FSBP:KMS.3', 'NIST-800-53-r5:SC-12', 'NIST-800-53-r5:SC-12(2)'],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html',
  watches: [
    {
      source: 'kms.amazonaws.com',
      names: ['CancelKeyDeletion', 'CreateKey', 'DeleteAlias', 'DeleteKey', 'ScheduleKeyDeletion', 'UpdateAlias'],
    },
  ],
  advice:
    'Cancel the deletion (CancelKeyDeletion) and enable the key again, for cancelling leaves it disabled. A planned deletion belongs under plannedDeletions in keytrail.yml, by ARN where the alias goes first.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['state', 'deletionAt', 'aliases'],
  evaluate({ state, deletionAt, aliases }, { resource, expectations }) {
    // A primary waits for its replicas first. https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html
    if (state !== 'PendingDeletion' && state !== 'PendingReplicaDeletion') return pass
    if ([resource.arn, ...aliases].some((name) => expectations.plannedDeletions.includes(name))) return pass
    if (state === 'PendingReplicaDeletion') return fail('deletion follows once the last replica is gone, and is not planned')
    return fail(
      deletionAt === null ? 'deletion is scheduled, and not planned' : `deletion is scheduled for ${dayText(deletionAt)}, and not planned`,
    )
  },
})
