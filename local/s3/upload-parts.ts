import type { HttpAnswer } from '../http.ts'
import { byteRange } from './byte-range.ts'
import { copySource } from './copy-object.ts'
import { type CustomerKey, customerKey } from './customer-key.ts'
import { entityTag, sealBytes } from './object-cipher.ts'
import { encryptionHeaders } from './object-headers.ts'
import { isKeyOf, nameOf } from './object-keys.ts'
import type { PartRecord, UploadRecord } from './object-records.ts'
import { accepted, type Checked, damaged, elements, emptyAnswer, noSuchUpload, refuse, xmlAnswer } from './outcome.ts'
import { OBJECT_BYTES_MAX, type S3Call, type S3Parts } from './parts.ts'
import { type Payload, payloadOf } from './payload.ts'
import { headerText } from './place.ts'
import { tooLarge } from './write-object.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PART_NUMBER_MAX = 10_000

export async function uploadPart(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request } = call
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  const part = await addPart(parts, call, payload.value)
  if (!part.ok) return part
  const { record, headers } = part.value
  const checksum = record.checksum === null ? {} : { [`x-amz-checksum-${record.checksum.algorithm}`]: record.checksum.value }
  return accepted(emptyAnswer(200, { etag: record.tag, ...headers, ...checksum }))
}

export async function uploadPartCopy(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const source = await copySource(parts, call)
  if (!source.ok) return source
  const { bytes, kept } = source.value
  const range = byteRange(headerText(call.request.headers, 'x-amz-copy-source-range'), bytes.length)
  if (!range.ok) return refuse('InvalidArgument', `Range specified is not valid for source object of size: ${bytes.length}`)
  const { start, end } = range.value ?? { start: 0, end: bytes.length }
  const part = await addPart(parts, call, { bytes: bytes.subarray(start, end), checksum: null })
  if (!part.ok) return part
  const content = elements({ LastModified: new Date(kept.stored.modifiedMs).toISOString(), ETag: part.value.record.tag })
  return accepted(xmlAnswer('CopyPartResult', content, part.value.headers))
}

type Added = { readonly record: PartRecord; readonly headers: ReturnType<typeof encryptionHeaders> }

/** Encrypts a part under the upload's own key and stores it. */
async function addPart(parts: S3Parts, { request, place }: S3Call, { bytes, checksum }: Payload): Promise<Checked<Added>> {
  const uploadId = place.query.get('uploadId') ?? ''
  const partNumber = Number(place.query.get('partNumber'))
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > PART_NUMBER_MAX) {
    return refuse('InvalidArgument', `Part number must be an integer between 1 and ${PART_NUMBER_MAX}, inclusive`)
  }
  const { storage, records, keyring } = parts
  return storage.alone(place, async () => {
    const upload = records.findUpload(place, uploadId)
    if (upload.kind !== 'found') return upload.kind === 'missing' ? noSuchUpload() : damaged()
    const customer = partsKey(upload.record, customerKey(request.headers, request.isSecure))
    if (!customer.ok) return customer
    const before = records.parts(uploadId)
    if (before.kind !== 'found') return damaged()
    const others = [...before.record].filter(([number]) => number !== partNumber)
    if (others.reduce((sum, [, { segment }]) => sum + segment.length, bytes.length) > OBJECT_BYTES_MAX) return tooLarge()
    const keys = await keyring.open(request, place, upload.record, customer.value)
    if (!keys.ok) return keys
    const { stored, segment } = sealBytes(keys.value, nameOf(place), bytes)
    const query = `partNumber=${partNumber}&uploadId=${encodeURIComponent(uploadId)}`
    const answer = await storage.send(request, { method: 'PUT', place, query, body: stored })
    if (!answer.ok) return answer
    const storedTag = entityTag(stored)
    const tag = upload.record.encryption.kind === 'AES256' ? entityTag(bytes) : storedTag
    const record: PartRecord = { tag, storedTag, segment, checksum }
    records.addPart(uploadId, partNumber, record)
    return accepted({ record, headers: encryptionHeaders(upload.record.encryption, customer.value) })
  })
}

/** Errors: https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3.snapshot.json (test_multipart_upload_sse_c_validation) */
function partsKey({ encryption }: UploadRecord, customer: Checked<CustomerKey | null>): Checked<CustomerKey | null> {
  if (!customer.ok) return customer
  if ((encryption.kind === 'customer') !== (customer.value !== null)) {
    return refuse(
      'InvalidRequest',
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  }
  if (encryption.kind === 'customer' && customer.value !== null && !isKeyOf(encryption, customer.value)) {
    return refuse('InvalidRequest', 'The provided encryption parameters did not match the ones used originally.')
  }
  return customer
}
