import { type AccountId, parseAccountId } from '../arn.ts'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../json.ts'
import { cappedText } from '../text.ts'

/** Who made a call. `name` is the role, not the session: sessions come and go, and a role is what somebody can change. */
export type Caller = {
  /** A role, user or root ARN; for others the service, the account or the principal ID; null if the record does not say. */
  readonly name: string | null
  /** The caller's own account. */
  readonly accountId: AccountId | null
  /** The AWS service that made the call on the caller's behalf. */
  readonly service: string | null
}

/** A role's path and name come to 577 characters at most. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const NAME_BYTES_MAX = 1024
const SERVICE_BYTES_MAX = 256
const ASSUMED_ROLE = /^arn:([^:]+):sts::([^:]*):assumed-role\/([^/]+)\//

const UNKNOWN: Caller = { name: null, accountId: null, service: null }

/** `userIdentity` of a record. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html */
export function parseCaller(userIdentity: unknown): Caller {
  if (!isJsonObject(userIdentity)) return UNKNOWN
  const service = textOf(userIdentity, 'invokedBy')
  const name = issuerArn(userIdentity) ?? ownName(userIdentity) ?? service
  return {
    name: name === null ? null : cappedText(name, NAME_BYTES_MAX),
    accountId: parseAccountId(memberOf(userIdentity, 'accountId')),
    service: service === null ? null : cappedText(service, SERVICE_BYTES_MAX),
  }
}

function issuerArn(userIdentity: JsonObject): string | null {
  const session = memberOf(userIdentity, 'sessionContext')
  const issuer = isJsonObject(session) ? memberOf(session, 'sessionIssuer') : undefined
  const arn = isJsonObject(issuer) ? textOf(issuer, 'arn') : null
  return arn ?? roleOfSession(textOf(userIdentity, 'arn'))
}

function roleOfSession(arn: string | null): string | null {
  const match = arn === null ? null : ASSUMED_ROLE.exec(arn)
  return match === null ? null : `arn:${match[1] ?? ''}:iam::${match[2] ?? ''}:role/${match[3] ?? ''}`
}

function ownName(userIdentity: JsonObject): string | null {
  const arn = textOf(userIdentity, 'arn')
  if (arn !== null) return arn
  // The key owner's copy of a call from another account tells the account, not who in it.
  const type = textOf(userIdentity, 'type')
  if (type === 'AWSAccount') return textOf(userIdentity, 'accountId')
  if (type === 'AWSService') return textOf(userIdentity, 'invokedBy')
  return textOf(userIdentity, 'principalId') ?? textOf(userIdentity, 'userName') ?? textOf(userIdentity, 'accountId')
}
