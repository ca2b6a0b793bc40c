import type { HttpAnswer, HttpRequest, HttpService } from '../http.ts'
import { accepted, type Checked, refuse, type Refused } from './outcome.ts'
import type { Headers } from './outcome.ts'
import { pathOf, type Place } from './place.ts'
import { childText, parseXml } from './xml-tree.ts'

/** The store of bytes and of what describes them: fauxqs. It sees ciphertext only. */
export type Storage = {
  hasBucket(request: HttpRequest, bucket: string): Promise<boolean>
  /** Its answer, or its refusal in a failure's form. */
  send(request: HttpRequest, sent: Sent): Promise<Checked<HttpAnswer>>
  /** The bytes and headers of an object. */
  get(request: HttpRequest, place: Place): Promise<Checked<Stored>>
  head(request: HttpRequest, place: Place): Promise<Checked<Stored>>
  /** One at a time for an object: its bytes and its record must not part. */
  alone<Result>(place: Place, work: () => Promise<Result>): Promise<Result>
}

export type Sent = {
  readonly method: string
  readonly place: Pick<Place, 'bucket' | 'key'>
  readonly query?: string
  readonly headers?: Headers
  readonly body?: Buffer | string
}

export type Stored = {
  readonly headers: HttpAnswer['headers']
  readonly bytes: Buffer
  readonly storedTag: string
  readonly modifiedMs: number
}

export function createStorage(store: HttpService): Storage {
  const queue = new Map<string, Promise<unknown>>()

  async function send(request: HttpRequest, { method, place, query, headers = {}, body = '' }: Sent): Promise<Checked<HttpAnswer>> {
    const target = `${pathOf(place)}${query === undefined ? '' : `?${query}`}`
    const answer = await store.answer({ ...request, method, target, headers: { ...hostOf(request), ...headers }, body: bytesOf(body) })
    return answer.status < 300 ? accepted(answer) : refusalOf(answer, place)
  }

  async function stored(request: HttpRequest, method: string, place: Place): Promise<Checked<Stored>> {
    const answer = await send(request, { method, place })
    if (!answer.ok) return answer
    const { headers, body } = answer.value
    const modifiedMs = Date.parse(String(headers['last-modified']))
    return accepted({ headers, bytes: bytesOf(body), storedTag: String(headers['etag']), modifiedMs })
  }

  return {
    send,
    get: (request, place) => stored(request, 'GET', place),
    head: (request, place) => stored(request, 'HEAD', place),
    async hasBucket(request, bucket) {
      return (await send(request, { method: 'HEAD', place: { bucket, key: '' } })).ok
    },
    alone(place, work) {
      const name = pathOf(place)
      const before = queue.get(name) ?? Promise.resolve()
      const result = before.then(work, work)
      // Others wait for its end, whatever it is.
      const ended = result.then(
        () => undefined,
        () => undefined,
      )
      queue.set(name, ended)
      void ended.then(() => (queue.get(name) === ended ? queue.delete(name) : false))
      return result
    },
  }
}

function bytesOf(body: Buffer | string): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : body
}

function hostOf({ headers }: HttpRequest): Headers {
  return headers.host === undefined ? {} : { host: headers.host }
}

function refusalOf({ status, body }: HttpAnswer, { key }: Pick<Place, 'key'>): Refused {
  const error = parseXml(body.toString())
  if (error === null) {
    // HEAD has no body to say it.
    if (status !== 404) return refuse('InternalError', 'The store of the local cloud failed.', status)
    return key === ''
      ? refuse('NoSuchBucket', 'The specified bucket does not exist', 404)
      : refuse('NoSuchKey', 'The specified key does not exist.', 404)
  }
  return refuse(childText(error, 'Code') ?? 'InternalError', childText(error, 'Message') ?? '', status)
}
