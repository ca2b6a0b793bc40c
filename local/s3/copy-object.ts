import type { HttpAnswer } from '../http.ts'
import { SSE } from './asked-encryption.ts'
import { checksumOf, isChecksumAlgorithm } from './checksums.ts'
import { copySourceCustomerKey } from './customer-key.ts'
import { checksumElements, describingHeaders } from './object-headers.ts'
import { accepted, type Checked, elements, type Headers, notHad, refuse, xmlAnswer } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { headerText, type Place } from './place.ts'
import { readCondition } from './preconditions.ts'
import { type Kept, keptObject, openedBytes } from './read-object.ts'
import { encryptionFor, writeObject, writtenHeaders } from './write-object.ts'

const SOURCE = 'x-amz-copy-source'

/** What a copy reads, decrypted in the caller's name. */
export type CopySource = { readonly place: Place; readonly kept: Kept; readonly bytes: Buffer }

export async function copyObject(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const asked = encryptionFor(parts, call)
  if (!asked.ok) return asked
  const source = await copySource(parts, call)
  if (!source.ok) return source
  const { kept, bytes } = source.value
  const replaces = headerText(request.headers, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE'
  const isItself = source.value.place.bucket === place.bucket && source.value.place.key === place.key
  if (isItself && !replaces && headerText(request.headers, SSE) === null && asked.value.kind !== 'customer') return illegal()
  const headers: Headers = describingHeaders(replaces ? request.headers : kept.stored.headers)
  const named = headerText(request.headers, 'x-amz-checksum-algorithm')?.toLowerCase() ?? ''
  const algorithm = isChecksumAlgorithm(named) ? named : (kept.record.checksum?.algorithm ?? null)
  const checksum = algorithm === null ? null : ({ algorithm, value: checksumOf(algorithm, bytes), type: 'FULL_OBJECT' } as const)
  const record = await writeObject(parts, call, { bytes, headers, asked: asked.value, checksum })
  if (!record.ok) return record
  const head = await parts.storage.head(request, place)
  const modified = new Date(head.ok ? head.value.modifiedMs : kept.stored.modifiedMs).toISOString()
  const content = elements({ LastModified: modified, ETag: record.value.tag, ...checksumElements(record.value) })
  return accepted(xmlAnswer('CopyObjectResult', content, writtenHeaders(record.value.encryption, asked.value)))
}

/** Reads what `x-amz-copy-source` names, for who may. */
export async function copySource(parts: S3Parts, call: S3Call): Promise<Checked<CopySource>> {
  const { request } = call
  const place = sourcePlace(headerText(request.headers, SOURCE) ?? '')
  if (!place.ok) return place
  const refusal = await parts.permit(request, place.value, 's3:GetObject')
  if (refusal !== null) return refusal
  const customer = copySourceCustomerKey(request.headers, request.isSecure)
  if (!customer.ok) return customer
  const kept = await keptObject(parts, call, place.value, 'bytes')
  if (!kept.ok) return kept
  const condition = readCondition(request.headers, kept.value.record, kept.value.stored, `${SOURCE}-`)
  if (condition !== 'read') {
    return typeof condition === 'object'
      ? condition
      : refuse('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412)
  }
  const bytes = await openedBytes(parts, call, place.value, kept.value, customer.value)
  return bytes.ok ? accepted({ place: place.value, kept: kept.value, bytes: bytes.value }) : bytes
}

/** `/bucket/key` or `bucket/key`, URL-encoded; decoding was tried before. */
function sourcePlace(header: string): Checked<Place> {
  const [path = '', query] = header.split('?')
  if (query !== undefined) return notHad('versions of objects')
  const [bucket = '', ...key] = decodeURIComponent(path).replace(/^\//, '').split('/')
  if (bucket === '' || key.join('/') === '') return refuse('InvalidArgument', 'Invalid copy source object key')
  return accepted({ bucket, key: key.join('/'), query: new Map() })
}

/** https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3.snapshot.json (test_s3_copy_object_in_place) */
function illegal(): Checked<never> {
  return refuse(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, " +
      'website redirect location or encryption attributes.',
  )
}
