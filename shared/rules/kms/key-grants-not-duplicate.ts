import type { Grant } from '../facts.ts'
import { counted } from '../days.ts'
import { listed } from '../listed.ts'
import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { GRANT_EVENTS } from './watched.ts'

/** Grants that give the same to the same: somebody makes grants and retires none, until the key has no room for more. */
export const kmsKeyGrantsNotDuplicate = defineRule({
  id: 'kms-key-grants-not-duplicate',
  title: 'KMS key has no two grants that say the same',
  severity: 'low',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/grant-manage.html',
  watches: [{ source: 'kms.amazonaws.com', names: GRANT_EVENTS }],
  advice: 'Retire or revoke all but one of them, and have whoever makes grants retire each once it has served.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS, 'grants to AWS services: they make and retire their own'],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['grants'],
  evaluate({ grants }) {
    const own = grants.filter(({ isForAwsService }) => !isForAwsService)
    if (own.length < 2 || new Set(own.map(({ grantee }) => grantee)).size === own.length) return pass
    // A key may have 50,000 grants, few of them to one grantee: only those are compared in full.
    const toSeveral = [...Map.groupBy(own, ({ grantee }) => grantee).values()].filter((group) => group.length > 1)
    const repeated = toSeveral.flatMap((group) => [...Map.groupBy(group, whatItSays).values()]).filter((group) => group.length > 1)
    if (repeated.length === 0) return pass
    const ids = repeated.flatMap((group) => group.map(({ id }) => id)).toSorted()
    return fail(`${counted(ids.length, 'grant')} say the same as another: ${listed(ids)}`)
  },
})

/** A name is how its maker tells grants apart: grants of different names were meant to be two. */
function whatItSays({ name, grantee, retiring, operations, constraints }: Grant): string {
  return JSON.stringify([name, grantee, retiring, operations.toSorted(), constraints])
}
