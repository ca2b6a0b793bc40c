import type { IncomingHttpHeaders } from 'node:http'
import path from 'node:path'
import { buildApp } from 'fauxqs'
import { isJsonObject, memberOf } from '../shared/json.ts'
import { cappedText } from '../shared/text.ts'
import { type DirectQueues, directQueues } from './direct-queues.ts'
import { openStores, queueUrlAt } from './fauxqs-stores.ts'
import { failed, type HttpAnswer, type HttpRequest, type HttpService } from './http.ts'
import { refusedRequest } from './queue-requests.ts'
import { queryError } from './sqs-errors.ts'
import { type LocalState, QUEUES_FOLDER } from './state.ts'

/** SQS, SNS and the objects of S3: fauxqs, without a listener of its own. Its times (delays, visibility) pass in real time. */
export type Queues = HttpService &
  DirectQueues & {
    /** What is subscribed to a topic; nothing, if there is no such topic. */
    subscriptions(topicArn: string): readonly TopicSubscription[]
    /** Ends all waits for messages: they are answered with what is there. */
    endWaits(): void
    /** Before the state is closed. */
    close(): Promise<void>
  }

export type TopicSubscription = { readonly arn: string; readonly protocol: string; readonly endpoint: string }

export type QueuesOptions = {
  readonly state: LocalState
  /** Told of what fauxqs throws. */
  onFault(error: unknown): void
}

/** Of the endpoint's own limit, not fauxqs' 11 MiB: an object of 16 MiB arrives in one piece. */
const BODY_BYTES_MAX = 17 * 1024 * 1024
const INTERNAL = { status: 500, code: 'InternalFailure', message: 'The local cloud failed at this call.' } as const
/** About the connection, not the answer: the endpoint writes its own. */
const HOP_HEADERS = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']
/** An object's body must come through as bytes whatever its type is: one of SQS or SNS would be parsed, one that is none refused. */
const OBJECT_TYPE = 'application/octet-stream'
const SENT_TYPE = 'x-keytrail-content-type'

export async function openQueues(options: QueuesOptions): Promise<Queues> {
  const { state, onFault } = options
  const stores = openStores(state.folder === null ? null : path.join(state.folder, QUEUES_FOLDER))
  const { sqsStore, snsStore, s3Store } = stores
  const app = buildApp({ logger: false, stores: { sqsStore, snsStore, s3Store } })
  app.removeContentTypeParser('*')
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
  app.addHook('preHandler', (request, _reply, done) => {
    const sent = request.headers[SENT_TYPE]
    if (sent === '') delete request.headers['content-type']
    else if (typeof sent === 'string') request.headers['content-type'] = sent
    done()
  })
  app.addHook('preSerialization', (request, _reply, payload, done) => {
    done(null, withReachableUrls(payload, request.headers.host?.split(':')[1] ?? ''))
  })
  await app.ready()

  async function answer(request: HttpRequest): Promise<HttpAnswer> {
    const { method, target, scope, requestId } = request
    const refusal = refusedRequest(request)
    if (refusal !== null) return failed(scope.service, refusal, requestId)
    const { statusCode, headers, rawPayload } = await app.inject({
      method: method as 'GET',
      url: target,
      headers: sentHeaders(request),
      payload: request.body,
    })
    if (statusCode >= 500) {
      onFault(new Error(`fauxqs failed at ${scope.service}: ${cappedText(rawPayload.toString('utf8'), 1024)}`))
      return failed(scope.service, INTERNAL, requestId)
    }
    return { status: statusCode, headers: answerHeaders(method, headers), body: rawPayload }
  }

  return {
    ...directQueues(stores),
    async answer(request) {
      try {
        return await answer(request)
      } catch (error) {
        onFault(error)
        return failed(request.scope.service, INTERNAL, request.requestId)
      }
    },
    subscriptions: (topicArn) => [...snsStore.subscriptions.values()].filter((subscription) => subscription.topicArn === topicArn),
    endWaits: () => sqsStore.shutdown(),
    async close() {
      await app.close()
      stores.close()
    },
  }
}

function withReachableUrls(payload: unknown, port: string): unknown {
  if (!isJsonObject(payload)) return payload
  const { QueueUrl, QueueUrls } = { QueueUrl: memberOf(payload, 'QueueUrl'), QueueUrls: memberOf(payload, 'QueueUrls') }
  if (typeof QueueUrl === 'string') return { ...payload, QueueUrl: queueUrlAt(QueueUrl, port) }
  if (Array.isArray(QueueUrls)) return { ...payload, QueueUrls: QueueUrls.map((url) => queueUrlAt(String(url), port)) }
  return payload
}

function sentHeaders({ headers, scope }: HttpRequest): IncomingHttpHeaders {
  if (scope.service !== 's3') return headers
  return { ...headers, 'content-type': OBJECT_TYPE, [SENT_TYPE]: headers['content-type'] ?? '' }
}

type Headers = Readonly<Record<string, number | string | readonly string[] | undefined>>

function answerHeaders(method: string, headers: Headers): Readonly<Record<string, string | readonly string[]>> {
  const kept: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    // The length of what a HEAD is about is not that of its own body, which is empty.
    const dropped = HOP_HEADERS.includes(name) && !(method === 'HEAD' && name === 'content-length')
    if (!dropped && value !== undefined) kept[name] = typeof value === 'object' ? value : String(value)
  }
  const error = kept['x-amzn-query-error']
  return typeof error === 'string' ? { ...kept, 'x-amzn-query-error': queryError(error) } : kept
}
