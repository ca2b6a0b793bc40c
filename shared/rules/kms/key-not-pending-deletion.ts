import { dayText } from '../days.ts'
import { defineRule, type Resource } from '../rule.ts'
import { fail, pass, untold } from '../verdict.ts'
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
    'Cancel the deletion (CancelKeyDeletion) and enable the key again, for cancelling leaves it disabled. A planned deletion belongs under plannedDeletions in keytrail.yml, by the ARN of the key where its alias goes first.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['state', 'deletionAt'],
  // Nobody needs to know them unless a deletion is planned by alias.
  optionalFacts: ['aliases'],
  evaluate({ state, deletionAt, aliases }, { resource, expectations: { plannedDeletions } }) {
    // A primary waits for its replicas first. https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html
    if (state !== 'PendingDeletion' && state !== 'PendingReplicaDeletion') return pass
    if (plannedDeletions.includes(resource.arn)) return pass
    const planned = plannedDeletions.flatMap((name) => aliasIn(name, resource))
    if (planned.length > 0 && !aliases.known) return untold(aliases)
    if (aliases.known && aliases.value.some((alias) => planned.includes(alias))) return pass
    if (state === 'PendingReplicaDeletion') return fail('deletion follows once the last replica is gone, and is not planned')
    return fail(
      deletionAt === null ? 'deletion is scheduled, and not planned' : `deletion is scheduled for ${dayText(deletionAt)}, and not planned`,
    )
  },
})

const ALIAS = 'alias/'

/** The alias that a name or an ARN means where the key is; nothing if it means something else, or something elsewhere. */
function aliasIn(name: string, { arn }: Resource): readonly string[] {
  if (name.startsWith(ALIAS)) return [name]
  const place = arn.slice(0, arn.lastIndexOf(':') + 1)
  return name.startsWith(`${place}${ALIAS}`) ? [name.slice(place.length)] : []
}
