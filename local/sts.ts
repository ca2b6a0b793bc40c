import { textOf, type JsonObject, memberOf } from '../shared/json.ts'
import { LOCAL_SECRET } from './clients.ts'
import type { Access, AccessVerdict } from './iam/access.ts'
import { contextOfCall } from './iam/call-context.ts'
import { queryProtocol } from './iam/query-protocol.ts'
import type { Role, Roles } from './iam/roles.ts'
import type { AssumedSession, Sessions } from './iam/sessions.ts'
import { callerOf } from './iam/caller.ts'
import type { HttpService } from './http.ts'
import type { ServiceRoom } from './json-protocol.ts'
import { sessionPrincipal } from './principals.ts'
import { refusedCall, type Service, type ServiceAnswer, type ServiceCall, type Trail } from './service.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/
const SECONDS = { min: 900, usual: 3600 }
/** "Role chaining limits your … role session to a maximum of one hour." Same page. */
const CHAINED_SECONDS_MAX = 3600
/** What would narrow or name a session here, and does not. */
const UNKNOWN_MEMBERS = [
  'Policy',
  'PolicyArns',
  'Tags',
  'TransitiveTagKeys',
  'SerialNumber',
  'TokenCode',
  'SourceIdentity',
  'ProvidedContexts',
]

export type StsParts = { readonly roles: Roles; readonly sessions: Sessions; readonly access: Access }

/** STS as far as `GetCallerIdentity`, and `AssumeRole` where there are roles. */
export function sts(room: ServiceRoom, parts: StsParts | null = null): HttpService {
  return queryProtocol(createSts(parts), room, { namespace: NAMESPACE })
}

function createSts(parts: StsParts | null): Service {
  return {
    signingName: 'sts',
    // The operation stands in a form.
    targetPrefixes: [],
    eventSource: 'sts.amazonaws.com',
    call(call) {
      if (call.operation === 'GetCallerIdentity') return callerIdentity(call)
      if (call.operation === 'AssumeRole' && parts !== null) return assumeRole(parts, call)
      return refusedCall('InvalidAction', 'The local cloud does not have this operation.')
    },
  }
}

function callerIdentity({ principal }: ServiceCall): ServiceAnswer {
  const output = { Arn: principal.arn, UserId: principal.userId, Account: principal.accountId }
  return { output, trail: { readOnly: true, requestParameters: null, responseElements: null } }
}

async function assumeRole(parts: StsParts, call: ServiceCall): Promise<ServiceAnswer> {
  const { input, principal, timeMs } = call
  const roleArn = textOf(input, 'RoleArn') ?? ''
  const sessionName = textOf(input, 'RoleSessionName') ?? ''
  const externalId = textOf(input, 'ExternalId')
  const seconds = Number(memberOf(input, 'DurationSeconds') ?? SECONDS.usual)
  const faults = [
    ...UNKNOWN_MEMBERS.filter((name) => memberOf(input, name) !== undefined).map(
      (name) => `The local cloud knows no ${name} of a session.`,
    ),
    ...(SESSION_NAME.test(sessionName) ? [] : ['RoleSessionName must be 2 to 64 letters, digits and _+=,.@-']),
    ...(externalId === null || EXTERNAL_ID.test(externalId) ? [] : ['ExternalId must be 2 to 1224 letters, digits and _+=,.@:/-']),
    ...(Number.isInteger(seconds) && seconds >= SECONDS.min ? [] : [`DurationSeconds must be ${SECONDS.min} at least.`]),
  ]
  const [fault] = faults
  if (fault !== undefined) return refusedCall('ValidationError', fault)
  const trail = { readOnly: true, requestParameters: recordedRequest(input, seconds), responseElements: null }
  const role = parts.roles.find(roleArn.slice(roleArn.lastIndexOf('/') + 1))
  // A role that does not exist is refused in the same words, so that nobody learns which do.
  const start = `User: ${principal.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`
  if (role?.arn !== roleArn) return refusedCall('AccessDenied', start, trail, 403)
  const verdict = await judged(parts.access, role, call, { sessionName, externalId })
  if (verdict.kind !== 'allowed') {
    const reason = verdict.kind === 'unknown' ? ` because the local cloud cannot judge it: ${verdict.reason}` : ''
    return refusedCall('AccessDenied', `${start}${reason}`, trail, 403)
  }
  if (seconds > role.sessionSecondsMax)
    return refusedCall('ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.', trail)
  if (callerOf(principal).kind === 'session' && seconds > CHAINED_SECONDS_MAX) {
    const message = 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.'
    return refusedCall('ValidationError', message, trail)
  }
  const { roleName } = role
  const session = parts.sessions.begin({ roleName, roleArn, sessionName, startedMs: timeMs, expiresMs: timeMs + seconds * 1000 })
  if (session === null) return refusedCall('Throttling', 'The local cloud has as many sessions as it keeps.', trail)
  return begun(session, call, trail)
}

function judged(
  access: Access,
  role: Role,
  call: ServiceCall,
  { sessionName, externalId }: { readonly sessionName: string; readonly externalId: string | null },
): Promise<AccessVerdict> {
  const tags = Object.entries(role.tags).map(([key, value]): [string, string] => [`aws:ResourceTag/${key}`, value])
  const context = {
    ...contextOfCall(call),
    ...Object.fromEntries(tags),
    'sts:RoleSessionName': sessionName,
    ...(externalId === null ? {} : { 'sts:ExternalId': externalId }),
  }
  const { principal, accountId } = call
  const resource = { resourceArn: role.arn, resourceAccountId: accountId, resourcePolicy: role.trust }
  return access.judge({ principal, action: 'sts:AssumeRole', ...resource, context })
}

function begun(session: AssumedSession, { accountId }: ServiceCall, trail: Trail): ServiceAnswer {
  const { arn, userId } = sessionPrincipal(accountId, session)
  const expiration = new Date(session.expiresMs).toISOString()
  return {
    output: {
      Credentials: {
        AccessKeyId: session.accessKeyId,
        SecretAccessKey: LOCAL_SECRET,
        SessionToken: 'local',
        Expiration: expiration,
      },
      AssumedRoleUser: { AssumedRoleId: userId, Arn: arn },
    },
    trail: {
      ...trail,
      responseElements: {
        credentials: { accessKeyId: session.accessKeyId, expiration },
        assumedRoleUser: { assumedRoleId: userId, arn },
      },
      resources: [{ accountId, type: 'AWS::IAM::Role', ARN: session.roleArn }],
    },
  }
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#cloudtrail-integration_examples-sts-api */
function recordedRequest(input: JsonObject, seconds: number): JsonObject {
  const externalId = textOf(input, 'ExternalId')
  const named = { roleArn: textOf(input, 'RoleArn') ?? '', roleSessionName: textOf(input, 'RoleSessionName') ?? '' }
  return { ...named, durationSeconds: seconds, ...(externalId === null ? {} : { externalId }) }
}
