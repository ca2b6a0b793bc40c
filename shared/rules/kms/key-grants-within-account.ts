import { listed } from '../listed.ts'
import { principalOf } from '../policy/principal.ts'
import { defineRule } from '../rule.ts'
import { ORGANIZATION_NOT_KNOWN, trustIn } from '../trust.ts'
import { fail, pass, unjudged } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { GRANT_EVENTS } from './watched.ts'

/** A grant to another account is a way in that no policy shows. */
export const kmsKeyGrantsWithinAccount = defineRule({
  id: 'kms-key-grants-within-account',
  title: 'Grants of the KMS key stay with trusted accounts',
  severity: 'high',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/grants.html',
  watches: [{ source: 'kms.amazonaws.com', names: GRANT_EVENTS }],
  advice: 'Revoke the grant (RevokeGrant with its ID), or list the account under trustedAccounts in keytrail.yml.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS, 'grants to AWS services'],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['grants'],
  evaluate({ grants }, place) {
    const foreign = new Set<string>()
    let isUnderstood = true
    let isKnown = true
    for (const { grantee, isForAwsService } of grants) {
      const account = isForAwsService ? null : accountOf(grantee)
      if (account === 'unrecognised') isUnderstood = false
      else if (account !== null) {
        const trust = trustIn(account, place)
        if (trust === 'untrusted') foreign.add(account)
        if (trust === 'unclear') isKnown = false
      }
    }
    if (foreign.size > 0) return fail(`a grant lets in account ${listed([...foreign].toSorted())}`)
    if (!isUnderstood) return unjudged('kms:ListGrants', 'GranteeNotUnderstood')
    return isKnown ? pass : unjudged('kms:ListGrants', ORGANIZATION_NOT_KNOWN)
  },
})

/** The account whose grant it is; null: a service's, or nobody's, for whom it was for is deleted. */
function accountOf(grantee: string): string | null {
  const principal = principalOf(grantee)
  switch (principal.kind) {
    case 'account':
      return principal.accountId
    case 'service':
    case 'gone':
      return null
    // KMS grants nobody by pattern.
    case 'everyone':
    case 'unrecognised':
      return 'unrecognised'
  }
}
