import type { HttpAnswer, HttpFailure } from '../http.ts'
import { escapedXml } from '../xml.ts'

/** A value, or what S3 answers instead. */
export type Checked<Value> = { readonly ok: true; readonly value: Value } | Refused
export type Refused = { readonly ok: false; readonly failure: HttpFailure }

export function accepted<Value>(value: Value): Checked<Value> {
  return { ok: true, value }
}

/** Codes and their statuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function refuse(code: string, message: string, status = 400): Refused {
  return { ok: false, failure: { code, message, status } }
}

export function malformedXml(): Refused {
  return refuse('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema')
}

export function noSuchBucket(): Refused {
  return refuse('NoSuchBucket', 'The specified bucket does not exist', 404)
}

export function noSuchUpload(): Refused {
  return refuse(
    'NoSuchUpload',
    'The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    404,
  )
}

/** What the local cloud cannot answer for: bytes and what is written down of them do not belong together. */
export function damaged(): Refused {
  return refuse('InternalError', 'The local cloud cannot read this object: what lies in its store was changed.', 500)
}

/** An S3 operation that the local cloud does not have, by name. */
export function notHad(what: string): Refused {
  return refuse('NotImplemented', `The local cloud's S3 does not have ${what}.`, 501)
}

export type Headers = Readonly<Record<string, string>>

export function emptyAnswer(status: number, headers: Headers = {}): HttpAnswer {
  return { status, headers, body: '' }
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** An XML document of S3; `content` is XML already. */
export function xmlAnswer(root: string, content: string, headers: Headers = {}): HttpAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${content}</${root}>`
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body }
}

/** Elements with text in them, in the order of the members; one of null is left out. */
export function elements(members: Readonly<Record<string, string | number | boolean | null>>): string {
  return Object.entries(members)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `<${name}>${escapedXml(String(value))}</${name}>`)
    .join('')
}

/** An element around XML. */
export function around(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}
