import { canSomebody } from '../policy/administration.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { POLICY_EVENTS } from './watched.ts'

/** With neither of these nobody can mend the key's policy or be rid of the key, AWS Support aside. */
const ADMINISTRATION = ['kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion']

export const kmsKeyPolicyKeepsAnAdministrator = defineRule({
  id: 'kms-key-policy-keeps-an-administrator',
  title: 'Somebody in the account can still administer the KMS key',
  severity: 'high',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html',
  watches: [{ source: 'kms.amazonaws.com', names: POLICY_EVENTS }],
  advice:
    'While somebody still can, put a policy that gives the account (arn:aws:iam::<account>:root) kms:*. If nobody can put the policy any more, only AWS Support gets the key back.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['policy'],
  evaluate({ policy }, { resource }) {
    if (policy === null) return unjudged('kms:GetKeyPolicy', 'PolicyNotUnderstood')
    const abilities = ADMINISTRATION.map((action) => ({ action, ability: canSomebody(policy, resource.accountId, action) }))
    const lost = abilities.filter(({ ability }) => ability === 'no').map(({ action }) => action)
    if (lost.length > 0) return fail(`the key policy lets nobody in the account do ${lost.join(' or ')}`)
    // Whether the conditions can be met is not to be seen: taking them for met would hide a key that is out of hand.
    return abilities.some(({ ability }) => ability === 'unclear') ? unjudged('kms:GetKeyPolicy', 'ConditionsNotUnderstood') : pass
  },
})
