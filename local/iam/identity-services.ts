import type { DatabaseSync } from 'node:sqlite'
import type { AccountId } from '../../shared/arn.ts'
import type { HttpService } from '../http.ts'
import type { ServiceRoom } from '../json-protocol.ts'
import { createPrincipals, type Principals } from '../principals.ts'
import { sts } from '../sts.ts'
import type { Access } from './access.ts'
import { createAccess } from './evaluator.ts'
import { identityOf } from './identities.ts'
import { queryProtocol } from './query-protocol.ts'
import { rolesIn } from './roles.ts'
import { createIam, IAM_NAMESPACE, IAM_REGION } from './service.ts'
import { sessionsIn } from './sessions.ts'
import { ensureRole, type StackRole } from './stack-roles.ts'

export type IdentityServices = {
  readonly access: Access
  readonly principals: Principals
  /** IAM and STS, by signing name. */
  http(room: ServiceRoom): Readonly<Record<'iam' | 'sts', HttpService>>
  /** The ARN of a role of a stack, which is made or brought to what the stack says. */
  ensureRole(role: StackRole): string
}

/** Who there is and who may do what: roles and their sessions live in the database's tables `iam_…`, so they survive a restart. */
export function createIdentityServices({
  db,
  accountId,
  nowMs,
}: {
  readonly db: DatabaseSync
  readonly accountId: AccountId
  nowMs(): number
}): IdentityServices {
  const roles = rolesIn(db)
  const sessions = sessionsIn(db)
  const access = createAccess({ identityOf: (principal) => identityOf(roles, accountId, principal), nowMs })
  return {
    access,
    principals: createPrincipals(accountId, { find: sessions.find, nowMs }),
    http: (room) => ({
      iam: queryProtocol(createIam({ roles, access }), room, { namespace: IAM_NAMESPACE, region: IAM_REGION }),
      sts: sts(room, { roles, sessions, access }),
    }),
    ensureRole: (role) => ensureRole(roles, role, { accountId, timeMs: nowMs() }),
  }
}
