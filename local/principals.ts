import { createHash } from 'node:crypto'
import type { AccountId } from '../shared/arn.ts'
import type { CredentialFault } from './iam/credentials.ts'
import { type AssumedSession, TEMPORARY_PREFIX } from './iam/sessions.ts'
import type { Principal } from './service.ts'

/** A session of a role, as Lambda starts one for a function. */
export type RoleSession = {
  readonly accessKeyId: string
  readonly roleName: string
  /** Left out: the role has no path. */
  readonly roleArn?: string
  readonly sessionName: string
  /** When the session began, by the local clock; CloudTrail tells it as `creationDate`. */
  readonly startedMs?: number
}

export type Principals = {
  /** Who signs with this access key ID: a session, or else the IAM user `local`. */
  of(accessKeyId: string): Principal
  /** From now on this access key ID is that session. Throws when there are 1,000 of them. */
  register(session: RoleSession): Principal
  /** Why nothing is done for this access key ID; null: something is. A key of a session that nobody knows is not the user's. */
  faultOf(accessKeyId: string): CredentialFault | null
}

/** Sessions that AssumeRole began, and the time by which they end. */
export type Assumed = { find(accessKeyId: string): AssumedSession | null; nowMs(): number }

const SESSIONS_MAX = 1000
const USER_NAME = 'local'

/** Everyone who can call the local cloud. */
export function createPrincipals(accountId: AccountId, assumed?: Assumed): Principals {
  const sessions = new Map<string, Principal>()
  return {
    of(accessKeyId) {
      const begun = assumed?.find(accessKeyId) ?? null
      return sessions.get(accessKeyId) ?? (begun === null ? userPrincipal(accountId, accessKeyId) : sessionPrincipal(accountId, begun))
    },
    faultOf(accessKeyId) {
      if (sessions.has(accessKeyId) || !accessKeyId.startsWith(TEMPORARY_PREFIX)) return null
      const begun = assumed?.find(accessKeyId) ?? null
      if (begun === null) return 'unknown'
      return begun.expiresMs <= (assumed?.nowMs() ?? 0) ? 'expired' : null
    },
    register(session) {
      if (sessions.size >= SESSIONS_MAX && !sessions.has(session.accessKeyId)) {
        throw new Error(`the local cloud knows ${SESSIONS_MAX} role sessions at most`)
      }
      const principal = sessionPrincipal(accountId, session)
      sessions.set(session.accessKeyId, principal)
      return principal
    },
  }
}

function userPrincipal(accountId: AccountId, accessKeyId: string): Principal {
  const arn = `arn:aws:iam::${accountId}:user/${USER_NAME}`
  const userId = uniqueId('AIDA', arn)
  return {
    accessKeyId,
    accountId,
    arn,
    userId,
    userIdentity: { type: 'IAMUser', principalId: userId, arn, accountId, accessKeyId, userName: USER_NAME },
  }
}

export function sessionPrincipal(accountId: AccountId, session: RoleSession): Principal {
  const { accessKeyId, roleName, sessionName, startedMs } = session
  const roleArn = session.roleArn ?? `arn:aws:iam::${accountId}:role/${roleName}`
  const roleId = uniqueId('AROA', roleArn)
  const userId = `${roleId}:${sessionName}`
  const arn = `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`
  const sessionContext = {
    sessionIssuer: { type: 'Role', principalId: roleId, arn: roleArn, accountId, userName: roleName },
    attributes: {
      ...(startedMs === undefined ? {} : { creationDate: `${new Date(startedMs).toISOString().slice(0, 19)}Z` }),
      mfaAuthenticated: 'false',
    },
  }
  return {
    accessKeyId,
    accountId,
    arn,
    userId,
    userIdentity: { type: 'AssumedRole', principalId: userId, arn, accountId, accessKeyId, sessionContext },
  }
}

/** The same each time, so that records of two runs name the same caller. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
export function uniqueId(prefix: string, arn: string): string {
  return `${prefix}${createHash('sha256').update(arn).digest('hex').toUpperCase().slice(0, 17)}`
}
