import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from './service.ts'
import type { CredentialScope } from './signature.ts'
import { escapedXml } from './xml.ts'

/** A call that passed the gate of the endpoint: who and what for is known, the body is read. */
export type HttpRequest = {
  readonly method: string
  /** Path and query as sent, such as `/bucket/key?tagging`. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly scope: CredentialScope
  readonly principal: Principal
  readonly requestId: string
  /** It came over TLS. */
  readonly isSecure: boolean
  /** Of the caller; `127.0.0.1`. */
  readonly sourceIp: string
}

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer | string
}

/** What answers all calls signed for a service, in whatever protocol the service speaks. */
export type HttpService = { answer(request: HttpRequest): Promise<HttpAnswer> }

export type HttpFailure = { readonly status: number; readonly code: string; readonly message: string }

/** The services whose SDK clients read errors as XML; all others read JSON. https://smithy.io/2.0/aws/protocols/index.html */
const REST_XML = ['s3']
export const QUERY_SERVICES = ['sns', 'sts', 'iam', 'cloudformation']

/** An error in the words of the service the caller signed for, so that the SDK throws it by its name. */
export function failed(service: string, failure: HttpFailure, requestId: string): HttpAnswer {
  const { status, code, message } = failure
  if (REST_XML.includes(service)) {
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${xmlOf(failure)}<RequestId>${requestId}</RequestId></Error>`
    return { status, headers: { 'content-type': 'application/xml' }, body }
  }
  if (QUERY_SERVICES.includes(service)) {
    const fault = `<Type>${status < 500 ? 'Sender' : 'Receiver'}</Type>`
    const body = `<ErrorResponse><Error>${fault}${xmlOf(failure)}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`
    return { status, headers: { 'content-type': 'text/xml' }, body }
  }
  // restJson clients read the header, awsJson clients the member.
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code }
  return { status, headers, body: JSON.stringify({ __type: code, message }) }
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

function xmlOf(failure: HttpFailure): string {
  return `<Code>${escapedXml(failure.code)}</Code><Message>${escapedXml(failure.message)}</Message>`
}
