import type { IncomingHttpHeaders } from 'node:http'
import type { HttpAnswer } from '../http.ts'
import { SSE, SSE_BUCKET_KEY, SSE_KEY_ID } from './asked-encryption.ts'
import { type CustomerKey, customerKeyHeaders } from './customer-key.ts'
import type { KeptEncryption, ObjectRecord } from './object-records.ts'
import type { Headers } from './outcome.ts'
import { headerText } from './place.ts'

const DESCRIBING = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'content-encoding']
const META = 'x-amz-meta-'
const FRAMED = 'aws-chunked'
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax */
const OVERRIDES = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'content-encoding', 'expires']

/** Of a request or a stored object, what describes the object: it goes with it wherever it is stored. */
export function describingHeaders(headers: IncomingHttpHeaders | HttpAnswer['headers']): Headers {
  const names = Object.keys(headers).filter((name) => DESCRIBING.includes(name) || name.startsWith(META))
  const described = names.map((name) => [name, headerText(headers as IncomingHttpHeaders, name) ?? ''] as const)
  return Object.fromEntries(
    described.map(([name, value]) => [name, name === 'content-encoding' ? unframed(value) : value]).filter(([, value]) => value !== ''),
  )
}

function unframed(encoding: string): string {
  return encoding
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== FRAMED)
    .join(',')
}

/** What an answer says of how an object is encrypted. */
export function encryptionHeaders(encryption: KeptEncryption, customer: CustomerKey | null): Headers {
  switch (encryption.kind) {
    case 'AES256':
      return { [SSE]: encryption.kind }
    case 'aws:kms':
    case 'aws:kms:dsse':
      return {
        [SSE]: encryption.kind,
        [SSE_KEY_ID]: encryption.keyArn,
        ...(encryption.usesBucketKey && { [SSE_BUCKET_KEY]: 'true' }),
      }
    case 'customer':
      return customer === null ? {} : customerKeyHeaders(customer)
  }
}

export function checksumHeaders({ checksum }: Pick<ObjectRecord, 'checksum'>): Headers {
  return checksum === null ? {} : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': checksum.type }
}

/** The elements of an answer in XML that say the same. */
export function checksumElements({ checksum }: Pick<ObjectRecord, 'checksum'>): Readonly<Record<string, string>> {
  return checksum === null ? {} : { [`Checksum${checksum.algorithm.toUpperCase()}`]: checksum.value, ChecksumType: checksum.type }
}

/** Headers of an answer about an object that was read. */
export function readHeaders(stored: HttpAnswer['headers'], record: ObjectRecord, query: ReadonlyMap<string, string>): Headers {
  const overrides = OVERRIDES.map((name) => [name, query.get(`response-${name}`)] as const).filter(([, value]) => value !== undefined)
  return {
    'last-modified': String(stored['last-modified']),
    ...describingHeaders(stored),
    ...(Object.fromEntries(overrides) as Headers),
    etag: record.tag,
    'accept-ranges': 'bytes',
    ...(record.parts !== null && query.has('partNumber') && { 'x-amz-mp-parts-count': String(record.parts.length) }),
  }
}
