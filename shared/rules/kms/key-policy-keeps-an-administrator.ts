import { canSomebody } from '../policy/administration.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { POLICY_EVENTS } from './watched.ts'

/**
 * Who can do this can give himself and others everything else: a policy that denies the deletion of its key to everybody guards the key,
 * and is no loss of it. Where nobody can, AWS Support alone helps.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-root-enable-iam
 */
const ADMINISTRATION = 'kms:PutKeyPolicy'

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
    switch (canSomebody(policy, resource, ADMINISTRATION)) {
      case 'yes':
        return pass
      case 'no':
        return fail(`the key policy lets nobody in the account do ${ADMINISTRATION}`)
      // Whether the conditions can be met is not to be seen: taking them for met would hide a key that is out of hand.
      case 'unclear':
        return unjudged('kms:GetKeyPolicy', 'ConditionsNotUnderstood')
    }
  },
})
