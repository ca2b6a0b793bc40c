import type { AccountId } from '../../shared/arn.ts'
import { isJsonObject, memberOf, textOf } from '../../shared/json.ts'
import type { Principal } from '../service.ts'

/** Who calls, as policies and grants name them. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly arn: string; readonly userName: string }
  | {
      readonly kind: 'session'
      /** Of the session. */
      readonly arn: string
      readonly roleArn: string
      readonly roleName: string
      /** When it began, as ISO 8601; null if nobody said. */
      readonly issuedAt: string | null
    }

const ANONYMOUS_ARN = 'anonymous'

/** Who did not sign, calling something of that account. */
export function anonymous(accountId: AccountId): Principal {
  const userIdentity = { type: 'AWSAccount', principalId: '', accountId: ANONYMOUS_ARN }
  return { accessKeyId: '', accountId, arn: ANONYMOUS_ARN, userId: ANONYMOUS_ARN, userIdentity }
}

export function callerOf({ arn, userIdentity }: Principal): Caller {
  if (arn === ANONYMOUS_ARN) return { kind: 'anonymous' }
  const session = memberOf(userIdentity, 'sessionContext')
  const issuer = isJsonObject(session) ? memberOf(session, 'sessionIssuer') : undefined
  const roleArn = isJsonObject(issuer) ? textOf(issuer, 'arn') : null
  if (roleArn === null) return { kind: 'user', arn, userName: textOf(userIdentity, 'userName') ?? '' }
  const attributes = isJsonObject(session) ? memberOf(session, 'attributes') : undefined
  const issuedAt = isJsonObject(attributes) ? textOf(attributes, 'creationDate') : null
  return { kind: 'session', arn, roleArn, roleName: roleArn.slice(roleArn.lastIndexOf('/') + 1), issuedAt }
}

/** Every ARN that stands for the caller: a session is its role too. None for nobody. */
export function arnsOf(caller: Caller): readonly string[] {
  switch (caller.kind) {
    case 'anonymous':
      return []
    case 'user':
      return [caller.arn]
    case 'session':
      return [caller.roleArn, caller.arn]
  }
}
