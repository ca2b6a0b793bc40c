import path from 'node:path'
import { buildApp } from 'fauxqs'
import { isJsonObject, memberOf } from '../shared/json.ts'
import { cappedText } from '../shared/text.ts'
import { type DirectQueues, directQueues } from './direct-queues.ts'
import { openStores, queueUrlAt } from './fauxqs-stores.ts'
import { failed, type HttpAnswer, type HttpRequest, type HttpService } from './http.ts'
import { unheeded } from './object-requests.ts'
import { queryError } from './sqs-errors.ts'
import { type LocalState, QUEUES_FOLDER } from './state.ts'

/** SQS, SNS and the objects of S3: fauxqs, without a listener of its own. Its times (delays, visibility) pass in real time. */
export type Queues = HttpService &
  DirectQueues & {
    /** Ends all waits for messages: they are answered with what is there. */
    endWaits(): void
    /** Before the state is closed. */
    close(): Promise<void>
  }

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
const SHOWN_BYTES_MAX = 64

export async function openQueues(options: QueuesOptions): Promise<Queues> {
  const { state, onFault } = options
  const stores = openStores(state.folder === null ? null : path.join(state.folder, QUEUES_FOLDER))
  const { sqsStore, snsStore, s3Store } = stores
  const app = buildApp({ logger: false, stores: { sqsStore, snsStore, s3Store } })
  app.removeContentTypeParser('*')
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
  app.addHook('preSerialization', (request, _reply, payload, done) => {
    done(null, withReachableUrls(payload, request.headers.host?.split(':')[1] ?? ''))
  })
  await app.ready()

  async function answer(request: HttpRequest): Promise<HttpAnswer> {
    const { method, target, scope, requestId } = request
    const name = scope.service === 's3' ? unheeded(method, target) : null
    if (name !== null) {
      const message = `The local cloud's S3 does not have ${cappedText(name, SHOWN_BYTES_MAX)}.`
      return failed('s3', { status: 501, code: 'NotImplemented', message }, requestId)
    }
    const { statusCode, headers, rawPayload } = await app.inject({
      method: method as 'GET',
      url: target,
      headers: request.headers,
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
