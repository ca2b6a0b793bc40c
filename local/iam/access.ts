import type { AccountId } from '../../shared/arn.ts'
import type { Principal } from '../service.ts'

/** What somebody wants to do. */
export type AccessRequest = {
  readonly principal: Principal
  /** As policies name it, such as `kms:Decrypt`. */
  readonly action: string
  /** `*` for an action on no resource of its own. */
  readonly resourceArn: string
  readonly resourceAccountId: AccountId
  /** The policy on the resource, as JSON; null if it has none. */
  readonly resourcePolicy: string | null
  /** Condition keys and their values, such as `kms:ViaService`. What stands in no request (`aws:PrincipalArn`) is added. */
  readonly context: Readonly<Record<string, string | readonly string[]>>
}

/** Whose policy decided: the one on the resource, or one of the caller's own. */
export type PolicyKind = 'identity-based' | 'resource-based'

export type AccessVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'denied'; readonly isExplicit: boolean; readonly by?: PolicyKind }
  /** A policy says something that the evaluator cannot judge. Never to be taken for `allowed`. */
  | { readonly kind: 'unknown'; readonly reason: string; readonly isDenialPossible?: boolean }

/** Judges by the policies on the resource and those of the caller. */
export type Access = { judge(request: AccessRequest): Promise<AccessVerdict> }

/** For a service by itself, whose callers may all do everything. */
export const OPEN_ACCESS: Access = { judge: () => Promise.resolve({ kind: 'allowed' }) }

/**
 * What a refused caller is told.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function refusalText(request: AccessRequest, verdict: Exclude<AccessVerdict, { kind: 'allowed' }>): string {
  const { principal, action, resourceArn } = request
  const start = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resourceArn}`
  if (verdict.kind === 'unknown') return `${start} because the local cloud cannot judge it: ${verdict.reason}`
  const by = verdict.by ?? 'identity-based'
  const an = by === 'identity-based' ? 'an identity-based' : 'a resource-based'
  return verdict.isExplicit
    ? `${start} with an explicit deny in ${an} policy`
    : `${start} because no ${by} policy allows the ${action} action`
}
