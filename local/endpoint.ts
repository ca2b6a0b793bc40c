import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Certificate } from './certificate.ts'
import type { LocalClock } from './clock.ts'
import { clockControl, CONTROL_PATH, controlAnswer, type ControlHandlers } from './control.ts'
import { credentialFailure } from './iam/credentials.ts'
import { failed, type HttpAnswer, type HttpFailure, type HttpRequest, type HttpService, jsonAnswer } from './http.ts'
import { jsonProtocol, type SeenCall } from './json-protocol.ts'
import type { Principals } from './principals.ts'
import type { Queues } from './queues.ts'
import { bodyOf, type GateOptions, refusedAtGate } from './request.ts'
import type { Service } from './service.ts'
import { scopeOf } from './signature.ts'
import { sts } from './sts.ts'
import { serveTlsToo } from './tls-too.ts'

export type Endpoint = {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** `https://127.0.0.1:<port>`: the same port; nobody listens there to TLS without a certificate. */
  readonly secureUrl: string
  readonly port: number
  /** Takes no more calls, waits for those that run (`closeWaitMs` at most), then cuts every connection. */
  close(): Promise<void>
}

export type EndpointOptions = {
  /** 0 takes a free one. */
  readonly port: number
  readonly services: readonly Service[]
  readonly dynamodb: HttpService
  readonly queues: Queues
  /** Services that speak something else than AWS JSON, by signing name. They come before all others: `s3` here stands before fauxqs. */
  readonly http?: Readonly<Record<string, HttpService>>
  readonly principals: Principals
  readonly clock: LocalClock
  /** Left out: plain HTTP only. */
  readonly certificate?: Certificate
  /** Control requests besides those of the clock. */
  readonly control?: ControlHandlers
  onCall(seen: SeenCall): void
  /** Told of what should not happen: what a service, a watcher or a control request threw. */
  onFault(error: unknown): void
  /** 5 seconds if left out. */
  readonly closeWaitMs?: number
}

const LOOPBACK = '127.0.0.1'
/** DynamoDB's own limit, the largest among the services. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
const BODY_BYTES_MAX = 16 * 1024 * 1024
/** An SDK client opens 50 by default; each may hold a body. */
const CONNECTIONS_MAX = 1024
/** Longer than clients keep a connection idle: one that is closed while a call is on its way is a failed call. */
const KEEP_ALIVE_MS = 120_000
const CLOSE_WAIT_MS = 5000

/** Serves the local cloud's services on 127.0.0.1 and nowhere else. Rejected if the port is taken. */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { onFault, queues } = options
  const services = serviceTable(options)
  const control = { ...clockControl(options.clock), ...options.control }
  const running = new Set<ServerResponse>()
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    running.add(response)
    response.once('close', () => running.delete(response))
    // A connection that breaks is the caller's business.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    handle(request)
      .catch((error: unknown) => {
        onFault(error)
        return jsonAnswer(500, { message: 'The local cloud failed at this request. Its own messages say why.' })
      })
      .then((answer) => respond(request, response, answer))
      .catch(onFault)
  })
  server.maxConnections = CONNECTIONS_MAX
  const tls = options.certificate === undefined ? null : serveTlsToo(server, options.certificate)
  await listen(server, options.port)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const gate: GateOptions = { hosts: [`${LOOPBACK}:${port}`, `localhost:${port}`], bodyBytesMax: BODY_BYTES_MAX }
  let closing = false

  async function handle(incoming: IncomingMessage): Promise<HttpAnswer> {
    const refusal = refusedAtGate(incoming, gate)
    if (refusal !== null) return refusal
    const { method = 'GET', url: target = '/', headers } = incoming
    const requestId = randomUUID()
    const scope = scopeOf(headers, target)
    const service = typeof scope === 'string' ? '' : scope.service
    const body = await bodyOf(incoming, gate.bodyBytesMax)
    if (body === null) return failed(service, TOO_LARGE, requestId)
    if (target.startsWith(CONTROL_PATH)) return controlAnswer(control, { method, target, body })
    if (typeof scope === 'string') return failed('', scope === 'missing' ? NO_TOKEN : NO_SCOPE, requestId)
    const answering = services.get(service)
    if (answering === undefined) return failed(service, unknownService(service), requestId)
    const fault = options.principals.faultOf(scope.accessKeyId)
    if (fault !== null) return failed(service, credentialFailure(service, fault), requestId)
    const principal = options.principals.of(scope.accessKeyId)
    const isSecure = incoming.socket instanceof TLSSocket
    const request: HttpRequest = { method, target, headers, body, scope, principal, isSecure, requestId, sourceIp: LOOPBACK }
    const answer = await answering.answer(request)
    return { ...answer, headers: { 'x-amzn-requestid': requestId, ...answer.headers } }
  }

  function respond(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
    if (response.destroyed) return
    response.statusCode = answer.status
    for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
    if (request.method !== 'HEAD') response.setHeader('content-length', Buffer.byteLength(answer.body))
    // What was not read would be taken for the next request.
    if (closing || !request.complete) response.setHeader('connection', 'close')
    response.end(request.method === 'HEAD' ? undefined : answer.body)
  }

  return {
    url: `http://${LOOPBACK}:${port}`,
    secureUrl: `https://${LOOPBACK}:${port}`,
    port,
    async close() {
      if (closing) return
      closing = true
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      queues.endWaits()
      server.closeIdleConnections()
      tls?.closeSilent()
      const patience = setTimeout(() => {
        for (const response of running) response.destroy()
        server.closeAllConnections()
      }, options.closeWaitMs ?? CLOSE_WAIT_MS)
      await closed
      clearTimeout(patience)
    },
  }
}

/** For who must not begin what a taken port would end. Rejected if the port is taken, as `startEndpoint` is. */
export async function ensurePortFree(port: number): Promise<void> {
  const server = createServer()
  await listen(server, port)
  await new Promise((resolve) => void server.close(resolve))
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port, exclusive: true }, resolve)
  })
}

function serviceTable(options: EndpointOptions): ReadonlyMap<string, HttpService> {
  const { services, dynamodb, queues, clock, onCall, onFault } = options
  const room = { nowMs: () => clock.nowMs(), onCall, onFault }
  return new Map<string, HttpService>([
    ['dynamodb', dynamodb],
    ['sqs', queues],
    ['sns', queues],
    ['s3', queues],
    ['sts', sts(room)],
    ...services.map((service) => [service.signingName, jsonProtocol(service, room)] as const),
    ...Object.entries(options.http ?? {}),
  ])
}

const TOO_LARGE: HttpFailure = {
  status: 413,
  code: 'RequestEntityTooLargeException',
  message: `The local cloud takes bodies of ${BODY_BYTES_MAX / 1024 / 1024} MiB at most.`,
}
const NO_TOKEN: HttpFailure = {
  status: 403,
  code: 'MissingAuthenticationTokenException',
  message: 'The request is not signed: the local cloud finds the service in the signature. Any access key will do.',
}
const NO_SCOPE: HttpFailure = {
  status: 400,
  code: 'IncompleteSignatureException',
  message: 'The signature has no credential scope of Signature Version 4: <access key>/<date>/<Region>/<service>/aws4_request.',
}

function unknownService(service: string): HttpFailure {
  return { status: 400, code: 'UnrecognizedClientException', message: `The local cloud does not have the service ${service}.` }
}
