import type { AccountId } from '../../shared/arn.ts'
import type { Principal } from '../service.ts'
import { callerOf } from './caller.ts'
import type { Identity } from './evaluator.ts'
import type { Roles } from './roles.ts'

/** The IAM user `local` may do everything, like whoever sets up an account. */
const ADMINISTRATOR: Identity = {
  policies: [
    {
      name: 'AdministratorAccess',
      document: JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }),
    },
  ],
  tags: {},
}

/** The policies of a caller of this account: the user's, or those of the role whose session it is. Null: of another account. */
export function identityOf(roles: Roles, accountId: AccountId, principal: Principal): Identity | null {
  if (principal.accountId !== accountId) return null
  const caller = callerOf(principal)
  switch (caller.kind) {
    case 'anonymous':
      return { policies: [], tags: {} }
    case 'user':
      return ADMINISTRATOR
    case 'session': {
      const role = roles.find(caller.roleName)
      // A session outlives its role, and may do nothing any more.
      return role?.arn === caller.roleArn ? { policies: roles.policiesOf(role.roleName), tags: role.tags } : { policies: [], tags: {} }
    }
  }
}
