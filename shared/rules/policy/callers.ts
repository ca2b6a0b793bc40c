import type { Known } from './condition.ts'
import { foreignKey, insideKey } from './condition-keys.ts'
import type { Principals } from './document.ts'
import { overlaps } from './pattern.ts'
import { type Principal, principalOf } from './principal.ts'
import type { Caller } from './reach.ts'

/** A caller as a policy meets him: one of an account, directly. */
export type Member = {
  readonly accountId: string
  /** One user, role or session; null: whoever in the account its own policies let. */
  readonly arn: string | null
}

/**
 * Anybody, of any account, with any credentials that AWS takes, or with none.
 * To an `Allow`, `aws:PrincipalIsAWSService` confines nothing: a service that is not told for whom acts for any of its customers.
 */
export const STRANGER: Caller = {
  isMetBy: meetsEveryone,
  allowed: (key) => (key === 'aws:principalisawsservice' ? { kind: 'any' } : foreignKey(key)),
  // There for signed requests only. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
  denied: (key) => (key === 'aws:principalisawsservice' ? { kind: 'is_or_absent', value: 'false' } : foreignKey(key)),
}

/** What a service says of the resource it acts for. https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html */
const SAID_BY_SERVICES = new Set(['aws:sourceaccount', 'aws:sourcearn', 'aws:sourceorgid', 'aws:sourceorgpaths', 'aws:sourceowner'])
const SAID_THROUGH_SERVICES = new Set(['kms:viaservice', 'aws:calledvia', 'aws:calledviafirst', 'aws:calledvialast'])
const NO_SERVICE: Known = { kind: 'is', value: 'false' }
/** Plain characters, which no ARN of a principal has, where an operator knows no patterns. */
const WILDCARD = /[*?]/
const ARN_PARTS = 6

/** Somebody of an account who calls by himself, or has a service call if `viaServices`. */
export function memberOf(member: Member, viaServices: boolean): Caller {
  const context = (key: string): Known | undefined => {
    if (key === 'aws:principalaccount' || key === 'kms:calleraccount') return { kind: 'is', value: member.accountId }
    if (key === 'aws:principalarn') return member.arn === null ? someOneOf(member.accountId) : { kind: 'is', value: member.arn }
    if (key === 'aws:principalisawsservice') return NO_SERVICE
    if (SAID_BY_SERVICES.has(key) || (!viaServices && SAID_THROUGH_SERVICES.has(key))) return ABSENT
    return insideKey(key)
  }
  return { isMetBy: (principals) => meets(principals, member), allowed: context, denied: context }
}

const ABSENT: Known = { kind: 'absent' }

/** ARN of whoever it is in an account: `arn:<partition>:iam::<account>:<name>`, or `sts`. */
function someOneOf(accountId: string): Known {
  return {
    kind: 'one_of',
    canBe(value, hasWildcards) {
      // Some operators tell upper and lower case apart, and some do not: nobody is left out.
      const parts = value.toLowerCase().split(':')
      if (!hasWildcards && WILDCARD.test(value)) return false
      // A star may stand for several parts, so that the others cannot be told.
      if (parts.length < ARN_PARTS) return hasWildcards && value.includes('*')
      const [scheme = '', , service = '', region = '', account = ''] = parts
      const isFitting = overlaps(service, 'iam') || overlaps(service, 'sts')
      return isFitting && overlaps(scheme, 'arn') && overlaps(region, '') && overlaps(account, accountId)
    },
  }
}

/** Whether principals of a `Deny` certainly are everybody, but for those that `NotPrincipal` names: no stranger is. */
function meetsEveryone({ negated, aws }: Principals): boolean {
  return aws.includes('*') !== negated
}

function meets({ negated, aws }: Principals, member: Member): boolean {
  return negated ? !aws.some((text) => concerns(principalOf(text), member)) : aws.some((text) => isNamedBy(principalOf(text), member))
}

/** Whether the member may be whom a principal names. */
function concerns(principal: Principal, { accountId }: Member): boolean {
  return principal.kind === 'everyone' || (principal.kind === 'account' && principal.accountId === accountId)
}

/** Whether the member certainly is. */
function isNamedBy(principal: Principal, { accountId, arn }: Member): boolean {
  if (principal.kind !== 'account') return principal.kind === 'everyone'
  return principal.accountId === accountId && (principal.arn === null || principal.arn === arn)
}
