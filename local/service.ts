import type { AccountId } from '../shared/arn.ts'
import type { JsonObject } from '../shared/json.ts'

/** Who signed a call: nothing is checked here, the access key ID alone tells who it is. */
export type Principal = {
  readonly accessKeyId: string
  readonly accountId: AccountId
  /** What GetCallerIdentity answers. */
  readonly arn: string
  readonly userId: string
  /** `userIdentity` of the CloudTrail records of this caller's calls. */
  readonly userIdentity: JsonObject
}

/** A call that arrived for a service of the local cloud. */
export type ServiceCall = {
  readonly operation: string
  readonly input: JsonObject
  readonly region: string
  /** The local cloud's own account. */
  readonly accountId: AccountId
  readonly principal: Principal
  /** The service that makes this call in the principal's name, such as `s3.amazonaws.com`; null: the principal makes it. */
  readonly via: string | null
  /** It came over TLS. */
  readonly isSecure: boolean
  readonly requestId: string
  /** By the local cloud's clock. */
  readonly timeMs: number
}

/** What CloudTrail's record of a call says besides who called, when and from where. */
export type Trail = {
  readonly readOnly: boolean
  readonly requestParameters: JsonObject | null
  readonly responseElements: JsonObject | null
  readonly resources?: readonly JsonObject[]
  readonly additionalEventData?: JsonObject
  /** What the same call did in another Region, which has a record of its own there. */
  readonly elsewhere?: Elsewhere
  /** `eventID`, where the service has to know it; left out: a new one. */
  readonly eventId?: string
}

export type Elsewhere = Pick<Trail, 'requestParameters' | 'responseElements' | 'resources'> & {
  readonly operation: string
  readonly region: string
}

export type ServiceFailure = {
  /** As the SDK names it, such as `NotFoundException`. */
  readonly code: string
  readonly message: string
  /** The HTTP status. */
  readonly status: number
}

/** How a call ended. Without `trail` CloudTrail records nothing of it. */
export type ServiceAnswer =
  | { readonly output: JsonObject; readonly trail: Trail | null }
  | { readonly failure: ServiceFailure; readonly trail: Trail | null }

/** A service of ours behind the endpoint, speaking AWS's JSON protocol 1.1. */
export type Service = {
  /** The service's name in the scope of a signature, such as `kms`. */
  readonly signingName: string
  /** What may stand before the operation's name in `X-Amz-Target`, as its SDKs send it. */
  readonly targetPrefixes: readonly string[]
  /** `eventSource` of its CloudTrail records. */
  readonly eventSource: string
  call(call: ServiceCall): ServiceAnswer | Promise<ServiceAnswer>
}

export function refusedCall(code: string, message: string, trail: Trail | null = null, status = 400): ServiceAnswer {
  return { failure: { code, message, status }, trail }
}

/** What AWS answers to an operation that a service does not have. */
export function unknownOperation(): ServiceAnswer {
  return refusedCall('UnknownOperationException', 'The local cloud does not have this operation.')
}
