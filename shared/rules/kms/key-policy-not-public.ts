import { listed } from '../listed.ts'
import { openStatements } from '../policy/access.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { POLICY_EVENTS } from './watched.ts'

/** Nobody outside the account, its organization or its networks gets at a key just because its policy names everybody. */
export const kmsKeyPolicyNotPublic = defineRule({
  id: 'kms-key-policy-not-public',
  title: 'KMS key policy does not let everybody in',
  severity: 'critical',
  resource: 'kms_key',
  controls: ['FSBP:KMS.5'],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html',
  watches: [{ source: 'kms.amazonaws.com', names: POLICY_EVENTS }],
  advice:
    'Name the principals in the key policy, or confine the statement with aws:PrincipalOrgID, aws:PrincipalAccount or kms:CallerAccount.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['policy'],
  evaluate({ policy }) {
    if (policy === null) return unjudged('kms:GetKeyPolicy', 'PolicyNotUnderstood')
    const statements = openStatements(policy)
    if (statements.length === 0) return pass
    const numbers = listed(statements.map(({ number }) => `${number}`))
    // A statement for everybody under conditions that cannot be judged fails too: a key open to the world costs more than a look at it.
    return statements.some(({ kind }) => kind === 'open')
      ? fail(`the key policy lets every AWS account in (statement ${numbers})`)
      : fail(`the key policy names everybody under conditions that are not known to keep strangers out (statement ${numbers})`)
  },
})
