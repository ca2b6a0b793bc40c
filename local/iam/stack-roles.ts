import type { AccountId } from '../../shared/arn.ts'
import { newRole } from './role-operations.ts'
import type { NamedPolicy } from './evaluator.ts'
import type { Roles } from './roles.ts'

export type StackRole = {
  readonly roleName: string
  readonly trust: string
  readonly description: string
  readonly policies: readonly NamedPolicy[]
}

const SESSION_SECONDS_MAX = 3600

/** Makes a role as a stack describes it, or makes one that is there like that; answers its ARN. */
export function ensureRole(
  roles: Roles,
  { roleName, trust, description, policies }: StackRole,
  place: { readonly accountId: AccountId; readonly timeMs: number },
): string {
  const known = roles.find(roleName)
  const parts = { accountId: place.accountId, roleName, path: '/', trust, description, sessionSecondsMax: SESSION_SECONDS_MAX, tags: {} }
  const role = known ?? newRole({ ...parts, createdMs: place.timeMs })
  if (known === null) roles.create(role)
  else roles.setTrust(roleName, trust)
  const names = policies.map(({ name }) => name)
  for (const { name } of roles.policiesOf(roleName)) if (!names.includes(name)) roles.removePolicy(roleName, name)
  for (const policy of policies) roles.putPolicy(roleName, policy)
  return role.arn
}
