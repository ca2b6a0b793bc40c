import { memberOf, textOf } from '../../shared/json.ts'
import { type Access, type AccessRequest, type AccessVerdict, refusalText } from '../iam/access.ts'
import { arnsOf, callerOf } from '../iam/caller.ts'
import type { ServiceCall } from '../service.ts'
import { type Demand, demandsOf, keyNamed, newKeyArn } from './demands.ts'
import { covers, GRANT_OPERATIONS, mayPassOn } from './grant-rules.ts'
import { terms, tokenGrantIds } from './grant-request.ts'
import type { Grant } from './grants.ts'
import type { Stores } from './operation.ts'
import { grantToRetire } from './operations-grants.ts'
import { type Refused, refuse } from './outcome.ts'
import { defaultKeyPolicy, keyPolicy } from './policy.ts'
import { hasInvalidPrincipal } from './policy-principals.ts'
import { conditionsOf, contextOfAction } from './request-context.ts'

export type AuthorizationParts = {
  readonly stores: Stores
  readonly access: Access
  /**
   * How long a grant is of use only with its token. On AWS that is "usually less than five minutes".
   * https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-eventual-consistency
   */
  readonly grantDelayMs: number
}

/** Why a caller may not do what it asks for; null if it may. What cannot be judged is refused too. */
export async function refusedAccess(parts: AuthorizationParts, call: ServiceCall): Promise<Refused | null> {
  const tokens = tokenGrantIds(call.input)
  if (!tokens.ok) return tokens
  for (const demand of demandsOf(parts.stores, call)) {
    const refused = await refusedDemand(parts, call, demand, tokens.value)
    if (refused !== null) return refused
  }
  if (call.operation === 'RetireGrant') return refusedRetirement(parts, call)
  return refusedLockout(parts, call)
}

async function refusedDemand(
  { stores, access, grantDelayMs }: AuthorizationParts,
  call: ServiceCall,
  demand: Demand,
  tokens: readonly string[],
): Promise<Refused | null> {
  const request = requestOf(call, demand)
  const verdict = await access.judge(request)
  if (verdict.kind === 'allowed') return null
  const { action, key } = demand
  const operation = GRANT_OPERATIONS.find((name) => name === action)
  if (key === null || operation === undefined || mayBeExplicit(verdict)) return denied(request, verdict)
  const grantees = arnsOf(callerOf(call.principal))
  const isOfUse = (grant: Grant): boolean => grant.createdMs + grantDelayMs <= call.timeMs || tokens.includes(grant.grantId)
  const context = contextOfAction(action, call.input)
  const grants = stores.grants.ofGrantees(key.keyArn, grantees).filter((grant) => isOfUse(grant) && covers(grant, operation, context))
  const isGranted = operation === 'CreateGrant' ? grants.some((grant) => passesOn(grant, call)) : grants.length > 0
  return isGranted ? null : denied(request, verdict)
}

function passesOn(held: Grant, { input }: ServiceCall): boolean {
  const wanted = terms(input)
  return wanted.ok && mayPassOn(held, wanted.value)
}

/** A grant gives what no policy gives, but nothing that a policy denies. */
function mayBeExplicit(verdict: Exclude<AccessVerdict, { kind: 'allowed' }>): boolean {
  return verdict.kind === 'denied' ? verdict.isExplicit : verdict.isDenialPossible !== false
}

/**
 * The grant says who retires it: its retiring principal, its grantee if RetireGrant is among its operations, and the account that made it,
 * which passes that on by IAM policies. https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
 */
async function refusedRetirement({ stores, access }: AuthorizationParts, call: ServiceCall): Promise<Refused | null> {
  const grant = grantToRetire(stores, call)
  if (!grant.ok) return null
  const { keyArn, retiring, grantee, operations, issuingAccount } = grant.value
  const key = stores.keys.find(keyArn)
  const conditions = conditionsOf(stores, call, { action: 'RetireGrant', key, keyName: null })
  // Key policies have no say in this: only policies of the caller's own, within the account.
  const demand = { action: 'RetireGrant', resourceArn: keyArn, key, policy: defaultKeyPolicy(call), conditions }
  const request = requestOf(call, demand)
  const verdict = await access.judge(request)
  const arns = arnsOf(callerOf(call.principal))
  const isNamed = (retiring !== null && arns.includes(retiring)) || (arns.includes(grantee) && operations.includes('RetireGrant'))
  const isOfAccount = [issuingAccount, retiring?.split(':')[4]].includes(call.principal.accountId)
  if (verdict.kind === 'allowed') return isNamed || isOfAccount ? null : denied(request, { kind: 'denied', isExplicit: false })
  return isNamed && !mayBeExplicit(verdict) ? null : denied(request, verdict)
}

/** "The key policy must allow the calling principal to make a subsequent PutKeyPolicy request." https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html */
async function refusedLockout({ stores, access }: AuthorizationParts, call: ServiceCall): Promise<Refused | null> {
  const { input, operation } = call
  if (!['CreateKey', 'PutKeyPolicy', 'ReplicateKey'].includes(operation)) return null
  const policy = keyPolicy(input)
  if (!policy.ok || policy.value === null) return null
  if (hasInvalidPrincipal(policy.value)) {
    return refuse('MalformedPolicyDocumentException', 'Policy contains a statement with one or more invalid principals.')
  }
  if (memberOf(input, 'BypassPolicyLockoutSafetyCheck') === true) return null
  const key = operation === 'PutKeyPolicy' ? keyNamed(stores, call, textOf(input, 'KeyId')) : null
  const conditions = conditionsOf(stores, call, { action: 'PutKeyPolicy', key, keyName: null })
  const resourceArn = key?.keyArn ?? newKeyArn(call)
  const verdict = await access.judge(requestOf(call, { action: 'PutKeyPolicy', resourceArn, key, policy: policy.value, conditions }))
  if (verdict.kind === 'allowed') return null
  const reason = verdict.kind === 'unknown' ? ` The local cloud cannot judge it: ${verdict.reason}` : ''
  return refuse(
    'MalformedPolicyDocumentException',
    `The new key policy will not allow you to update the key policy in the future.${reason}`,
  )
}

function requestOf({ principal, accountId }: ServiceCall, { action, resourceArn, policy, conditions }: Demand): AccessRequest {
  const request = { principal, action: `kms:${action}`, resourceArn, resourceAccountId: accountId, resourcePolicy: policy }
  return { ...request, context: conditions }
}

function denied(request: AccessRequest, verdict: Exclude<AccessVerdict, { kind: 'allowed' }>): Refused {
  return refuse('AccessDeniedException', refusalText(request, verdict))
}
