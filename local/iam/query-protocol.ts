import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { failed, type HttpService } from '../http.ts'
import { callService, type ServiceRoom } from '../json-protocol.ts'
import type { Service } from '../service.ts'
import { escapedXml } from '../xml.ts'

export type QueryOptions = {
  readonly namespace: string
  /** Where a service without Regions records its calls; left out: where the call was signed for. */
  readonly region?: string
}

/** A request has a few dozen; a role has 50 tags at most. */
const FIELDS_MAX = 1000
const DEPTH_MAX = 8
const TOO_LARGE = { code: 'ValidationError', message: 'The form has too many fields.', status: 400 } as const

/** A service of ours as a form in, XML out. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
export function queryProtocol(service: Service, room: ServiceRoom, { namespace, region }: QueryOptions): HttpService {
  return {
    async answer(received) {
      const form = new URLSearchParams(received.body.toString('utf8'))
      const operation = form.get('Action') ?? ''
      const input = inputOf(form)
      if (input === null) return failed(service.signingName, TOO_LARGE, received.requestId)
      const request = region === undefined ? received : { ...received, scope: { ...received.scope, region } }
      const answer = await callService({ service, room, request, operation, input })
      if ('failure' in answer) return failed(service.signingName, answer.failure, request.requestId)
      const metadata = `<ResponseMetadata><RequestId>${request.requestId}</RequestId></ResponseMetadata>`
      const result = element(`${operation}Result`, answer.output)
      const body = `<${operation}Response xmlns="${namespace}">${result}${metadata}</${operation}Response>`
      return { status: 200, headers: { 'content-type': 'text/xml' }, body }
    },
  }
}

type Tree = Map<string, Tree | string>

/** `Tags.member.1.Key=a` as `{ Tags: [{ Key: 'a' }] }`; null if there is more than any request has. Every value is text. */
function inputOf(form: URLSearchParams): JsonObject | null {
  const root: Tree = new Map()
  if (form.size > FIELDS_MAX) return null
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue
    const path = name.split('.')
    const last = path.pop() ?? ''
    if (path.length >= DEPTH_MAX) return null
    let tree = root
    for (const step of path) {
      const next = tree.get(step)
      const branch: Tree = next instanceof Map ? next : new Map()
      tree.set(step, branch)
      tree = branch
    }
    tree.set(last, value)
  }
  return Object.fromEntries(Array.from(root, ([name, value]) => [name, valueOf(value)]))
}

function valueOf(value: Tree | string): unknown {
  if (typeof value === 'string') return value
  const members = value.get('member')
  if (value.size === 1 && members instanceof Map) {
    const ordered = [...members].toSorted(([left], [right]) => Number(left) - Number(right))
    return ordered.map(([, member]) => valueOf(member))
  }
  return Object.fromEntries(Array.from(value, ([name, member]) => [name, valueOf(member)]))
}

function element(name: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  return `<${name}>${contentOf(value)}</${name}>`
}

function contentOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((member) => element('member', member)).join('')
  if (isJsonObject(value)) {
    return Object.entries(value)
      .map(([name, member]) => element(name, member))
      .join('')
  }
  return escapedXml(String(value))
}
