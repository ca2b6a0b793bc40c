import { listed } from '../listed.ts'
import { outsidersOf } from '../policy/access.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { POLICY_EVENTS } from './watched.ts'

/** Other accounts use a key only if the team trusts them. */
export const kmsKeyPolicyNoForeignAccount = defineRule({
  id: 'kms-key-policy-no-foreign-account',
  title: 'KMS key policy lets in trusted accounts only',
  severity: 'high',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html',
  watches: [{ source: 'kms.amazonaws.com', names: POLICY_EVENTS }],
  advice:
    'Take the account out of the key policy, or list it under trustedAccounts in keytrail.yml. An organization listed there counts where the policy asks for it (aws:PrincipalOrgID).',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS, 'AWS services named as principals'],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['policy'],
  evaluate({ policy }, { resource, expectations }) {
    if (policy === null) return unjudged('kms:GetKeyPolicy', 'PolicyNotUnderstood')
    const { named, isOpenToEveryone, unnamed } = outsidersOf(policy, new Set([resource.accountId, ...expectations.trustedAccounts]))
    if (isOpenToEveryone) return fail('the key policy lets every AWS account in')
    // That an account is of a trusted organization a policy can say (aws:PrincipalOrgID), so that nobody has to guess where it does not.
    if (named.length > 0) return fail(`the key policy lets in ${listed(named.map(shown))}`)
    // Whose they are that come by a network or a canonical user is not to be seen from here: neither fine nor wrong.
    return unnamed.length === 0 ? pass : unjudged('kms:GetKeyPolicy', 'AccountsNotNamed')
  },
})

/** IDs stand as they are; text of another form, that the author of a policy put there, is not repeated. */
function shown(id: string): string {
  if (/^\d{12}$/.test(id)) return `account ${id}`
  return /^o-[a-z0-9]{10,32}$/.test(id) ? `organization ${id}` : 'what is no account'
}
