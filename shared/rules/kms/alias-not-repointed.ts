import { cappedText } from '../../text.ts'
import { listed } from '../listed.ts'
import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
const ALIAS_BYTES_MAX = 256

/** Who encrypts by alias encrypts under another key from one call to the next, and nothing of his own changed. */
export const kmsAliasNotRepointed = defineRule({
  id: 'kms-alias-not-repointed',
  title: 'Aliases stand for the KMS key they stood for at first',
  severity: 'medium',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/alias-update.html',
  watches: [{ source: 'kms.amazonaws.com', names: ['CreateAlias', 'DeleteAlias', 'UpdateAlias'] }],
  advice: 'Find the UpdateAlias call in CloudTrail. If nobody meant it, point the alias back; if it was a rotation by hand, exempt it.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS, 'aliases that stand for no key any more'],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['aliasHistory'],
  evaluate({ aliasHistory }, { resource }) {
    if (aliasHistory === null) return notApplicable('Keytrail is not deployed here: nothing was remembered')
    const moved = aliasHistory.filter(({ firstKeyArn, keyArn }) => keyArn !== null && keyArn !== firstKeyArn)
    if (moved.length === 0) return pass
    const told = moved.map(({ alias, firstKeyArn, keyArn }) => {
      const name = cappedText(alias, ALIAS_BYTES_MAX)
      return keyArn === resource.arn ? `${name} stood for ${firstKeyArn}` : `${name} stands for ${keyArn} now`
    })
    return fail(`repointed: ${listed(told.toSorted())}`)
  },
})
