import type { HttpAnswer } from '../http.ts'
import { SSE } from './asked-encryption.ts'
import { byteRange, type ByteRange } from './byte-range.ts'
import { type CustomerKey, customerKey } from './customer-key.ts'
import { openBytes } from './object-cipher.ts'
import { checksumElements, checksumHeaders, encryptionHeaders, readHeaders } from './object-headers.ts'
import { nameOf } from './object-keys.ts'
import type { ObjectRecord } from './object-records.ts'
import { accepted, around, type Checked, damaged, elements, emptyAnswer, refuse, type Refused, xmlAnswer } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { headerText, type Place } from './place.ts'
import { readCondition } from './preconditions.ts'
import type { Stored } from './storage.ts'

/** An object in the store and its record, still encrypted. */
export type Kept = { readonly stored: Stored; readonly record: ObjectRecord }

/** Without the bytes if only its headers are asked for. */
export async function keptObject(parts: S3Parts, call: S3Call, place: Place, what: 'bytes' | 'headers'): Promise<Checked<Kept>> {
  return parts.storage.alone(place, async () => {
    const stored = await (what === 'bytes' ? parts.storage.get(call.request, place) : parts.storage.head(call.request, place))
    if (!stored.ok) return stored
    const found = parts.records.find(place, stored.value.storedTag)
    return found.kind === 'found' ? accepted({ stored: stored.value, record: found.record }) : damaged()
  })
}

/** The bytes of an object, by its own keys. */
export async function openedBytes(
  parts: S3Parts,
  call: S3Call,
  place: Place,
  { stored, record }: Kept,
  customer: CustomerKey | null,
): Promise<Checked<Buffer>> {
  const keys = await parts.keyring.open(call.request, place, record, customer)
  if (!keys.ok) return keys
  const bytes = openBytes(keys.value, nameOf(place), stored.bytes, record.segments)
  return bytes === null ? damaged() : accepted(bytes)
}

export async function getObject(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const customer = readersKey(call)
  if (!customer.ok) return customer
  const kept = await keptObject(parts, call, place, 'bytes')
  if (!kept.ok) return kept
  const { stored, record } = kept.value
  const condition = readCondition(request.headers, record, stored)
  if (typeof condition === 'object') return condition
  if (condition === 'unchanged') return accepted(emptyAnswer(304, { etag: record.tag }))
  const range = askedRange(call, record)
  if (!range.ok) return range
  const opened = await openedBytes(parts, call, place, kept.value, customer.value)
  if (!opened.ok) return opened
  const { start, end } = range.value ?? { start: 0, end: opened.value.length }
  const isAll = range.value === null
  const headers = {
    ...readHeaders(stored.headers, record, place.query),
    ...encryptionHeaders(record.encryption, customer.value),
    ...(isAll ? wantedChecksum(call, record) : { 'content-range': `bytes ${start}-${end - 1}/${opened.value.length}` }),
  }
  return accepted({ status: isAll ? 200 : 206, headers, body: opened.value.subarray(start, end) })
}

export async function headObject(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const customer = readersKey(call)
  if (!customer.ok) return customer
  const kept = await keptObject(parts, call, place, 'headers')
  if (!kept.ok) return kept
  const { stored, record } = kept.value
  const checksum = wantedChecksum(call, record)
  const refusal = await refusedHeaders(parts, call, record, customer.value, Object.keys(checksum).length > 0)
  if (refusal !== null) return refusal
  const condition = readCondition(request.headers, record, stored)
  if (typeof condition === 'object') return condition
  if (condition === 'unchanged') return accepted(emptyAnswer(304, { etag: record.tag }))
  const headers = {
    ...readHeaders(stored.headers, record, place.query),
    ...encryptionHeaders(record.encryption, customer.value),
    ...checksum,
    'content-length': String(sizeOf(record)),
  }
  return accepted(emptyAnswer(200, headers))
}

/** GetObjectAttributes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export async function objectAttributes(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const customer = readersKey(call)
  if (!customer.ok) return customer
  const kept = await keptObject(parts, call, place, 'headers')
  if (!kept.ok) return kept
  const { stored, record } = kept.value
  const asked = (headerText(request.headers, 'x-amz-object-attributes') ?? '').split(',').map((name) => name.trim())
  const refusal = await refusedHeaders(parts, call, record, customer.value, asked.includes('Checksum') && record.checksum !== null)
  if (refusal !== null) return refusal
  const content = [
    asked.includes('ETag') ? elements({ ETag: record.tag.replaceAll('"', '') }) : '',
    asked.includes('Checksum') && record.checksum !== null ? around('Checksum', elements(checksumElements(record))) : '',
    asked.includes('ObjectParts') && record.parts !== null ? around('ObjectParts', elements({ PartsCount: record.parts.length })) : '',
    asked.includes('StorageClass') ? elements({ StorageClass: 'STANDARD' }) : '',
    asked.includes('ObjectSize') ? elements({ ObjectSize: sizeOf(record) }) : '',
  ]
  return accepted(xmlAnswer('GetObjectAttributesResponse', content.join(''), { 'last-modified': String(stored.headers['last-modified']) }))
}

/**
 * Why an object's headers are not for this caller. With SSE-C they need the key; checksums lie encrypted, so that with SSE-KMS they need
 * `kms:Decrypt`: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
 */
async function refusedHeaders(
  parts: S3Parts,
  { request, place }: S3Call,
  record: ObjectRecord,
  customer: CustomerKey | null,
  wantsChecksum: boolean,
): Promise<Refused | null> {
  const isForKey = record.encryption.kind === 'customer' || customer !== null
  if (!isForKey && !(wantsChecksum && record.encryption.kind !== 'AES256')) return null
  const keys = await parts.keyring.open(request, place, record, customer)
  return keys.ok ? null : keys
}

/** Reads do not say how an object is encrypted. https://github.com/s3tools/s3cmd/issues/276 */
function readersKey({ request }: S3Call): Checked<CustomerKey | null> {
  if (headerText(request.headers, SSE) !== null) {
    return refuse('InvalidArgument', `${SSE} header is not supported for this operation.`)
  }
  return customerKey(request.headers, request.isSecure)
}

function wantedChecksum({ request }: S3Call, record: ObjectRecord): ReturnType<typeof checksumHeaders> {
  return headerText(request.headers, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' ? checksumHeaders(record) : {}
}

function sizeOf({ segments }: ObjectRecord): number {
  return segments.reduce((size, { length }) => size + length, 0)
}

function askedRange({ request, place }: S3Call, record: ObjectRecord): Checked<ByteRange | null> {
  const partNumber = place.query.get('partNumber')
  if (partNumber === undefined) return byteRange(headerText(request.headers, 'range'), sizeOf(record))
  const index = (record.parts ?? [1]).indexOf(Number(partNumber))
  const segment = record.segments[index]
  if (segment === undefined) return refuse('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416)
  const start = record.segments.slice(0, index).reduce((sum, { length }) => sum + length, 0)
  return accepted({ start, end: start + segment.length })
}
