import type { JsonObject } from '../shared/json.ts'
import { cappedText } from '../shared/text.ts'
import { failed, type HttpAnswer, type HttpRequest, type HttpService } from './http.ts'
import { jsonBody } from './json-body.ts'
import type { Service, ServiceAnswer, ServiceCall } from './service.ts'

/** A call to a service of ours that ended, for whoever writes its CloudTrail record. */
export type SeenCall = {
  readonly call: ServiceCall
  readonly service: Pick<Service, 'signingName' | 'eventSource'>
  readonly answer: ServiceAnswer
  /** 1,024 bytes at most. */
  readonly userAgent: string
  readonly sourceIp: string
  readonly host: string
}

/** What stands around our services. */
export type ServiceRoom = {
  nowMs(): number
  /** Told of every call that CloudTrail records, before it is answered. */
  onCall(seen: SeenCall): void
  /** Told of what a service or `onCall` threw. */
  onFault(error: unknown): void
}

const TARGET = /^(?<prefix>.+)\.(?<operation>\w+)$/
const USER_AGENT_BYTES_MAX = 1024
/** As AWS answers to JSON it cannot read. */
const UNREADABLE = { code: 'SerializationException', message: 'The body is not a JSON object.', status: 400 } as const
const UNKNOWN = { code: 'UnknownOperationException', message: 'X-Amz-Target names no operation of this service.', status: 400 } as const
const INTERNAL = {
  code: 'InternalFailure',
  message: 'The local cloud failed at this call. Its own messages say why.',
  status: 500,
} as const

/** A service of ours as AWS JSON 1.0 or 1.1 on HTTP. https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
export function jsonProtocol(service: Service, room: ServiceRoom): HttpService {
  return {
    async answer(request) {
      const operation = operationOf(service, request.headers['x-amz-target'])
      if (operation === null) return failed(service.signingName, UNKNOWN, request.requestId)
      const input = jsonBody(request.body)
      if (input === null) return failed(service.signingName, UNREADABLE, request.requestId)
      const answer = await callService({ service, room, request, operation, input })
      if ('failure' in answer) return failed(service.signingName, answer.failure, request.requestId)
      const headers = { 'content-type': request.headers['content-type'] ?? 'application/x-amz-json-1.1' }
      return { status: 200, headers, body: JSON.stringify(answer.output) } satisfies HttpAnswer
    },
  }
}

function operationOf(service: Service, target: string | readonly string[] | undefined): string | null {
  const [, prefix, operation] = typeof target === 'string' ? (TARGET.exec(target) ?? []) : []
  return prefix !== undefined && operation !== undefined && service.targetPrefixes.includes(prefix) ? operation : null
}

/** Calls a service and tells of it. Never throws: a fault of the service becomes `InternalFailure`. */
export async function callService(parts: {
  readonly service: Service
  readonly room: ServiceRoom
  readonly request: HttpRequest
  readonly operation: string
  readonly input: JsonObject
  /** The service that calls in the principal's name; left out: the principal itself. */
  readonly via?: string
}): Promise<ServiceAnswer> {
  const { service, room, request, operation, input, via = null } = parts
  const { principal, isSecure, requestId, scope } = request
  const { accountId } = principal
  const call = { operation, input, region: scope.region, accountId, principal, via, isSecure, requestId, timeMs: room.nowMs() }
  try {
    const answer = await service.call(call)
    if (answer.trail !== null) tell(room, { call, service, answer, ...origin(request) })
    return answer
  } catch (error) {
    room.onFault(error)
    return { failure: INTERNAL, trail: null }
  }
}

/** The call took effect: a fault in what watches it must not make it look failed. */
function tell(room: ServiceRoom, seen: SeenCall): void {
  try {
    room.onCall(seen)
  } catch (error) {
    room.onFault(error)
  }
}

function origin(request: HttpRequest): { readonly userAgent: string; readonly sourceIp: string; readonly host: string } {
  const userAgent = cappedText(request.headers['user-agent'] ?? '', USER_AGENT_BYTES_MAX)
  return { userAgent, sourceIp: request.sourceIp, host: request.headers.host ?? '' }
}
