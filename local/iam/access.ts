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

export type AccessVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'denied'; readonly isExplicit: boolean }
  /** A policy says something that the evaluator cannot judge. Never to be taken for `allowed`. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** Judges by the policies on the resource and those of the caller. */
export type Access = { judge(request: AccessRequest): Promise<AccessVerdict> }

/** For a service by itself, whose callers may all do everything. */
export const OPEN_ACCESS: Access = { judge: () => Promise.resolve({ kind: 'allowed' }) }
