import type { AccountId } from '../../shared/arn.ts'
import { type JsonObject, textOf } from '../../shared/json.ts'
import { sessionPrincipal } from '../principals.ts'
import type { AccessRequest, AccessVerdict } from './access.ts'
import { createAccess } from './evaluator.ts'

export type RoleQuestion = Pick<AccessRequest, 'action' | 'resourceArn'> & Partial<Pick<AccessRequest, 'resourcePolicy' | 'context'>>

export type TemplateAccess = {
  /** What a session of the role may do, as somebody who stole its credentials would. A role that the template has not has no policies. */
  judge(roleName: string, question: RoleQuestion): Promise<AccessVerdict>
}

/** Judges by `Policies` of a template's roles, their references resolved: objects with `PolicyName` and `PolicyDocument`. */
export function createTemplateAccess(
  policiesOfRoles: ReadonlyMap<string, readonly JsonObject[]>,
  { accountId, nowMs }: { readonly accountId: AccountId; readonly nowMs: number },
): TemplateAccess {
  return {
    judge(roleName, { action, resourceArn, resourcePolicy = null, context = {} }) {
      const policies = (policiesOfRoles.get(roleName) ?? []).map((policy) => ({
        name: textOf(policy, 'PolicyName') ?? '',
        document: JSON.stringify(policy['PolicyDocument'] ?? null),
      }))
      const principal = sessionPrincipal(accountId, { accessKeyId: '', roleName, sessionName: 'stolen', startedMs: nowMs })
      const access = createAccess({ identityOf: () => ({ policies, tags: {} }), nowMs: () => nowMs })
      return access.judge({ principal, action, resourceArn, resourceAccountId: accountId, resourcePolicy, context })
    },
  }
}
