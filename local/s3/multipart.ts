import type { HttpAnswer } from '../http.ts'
import { type ChecksumAlgorithm, checksumOf, isChecksumAlgorithm } from './checksums.ts'
import { customerKey } from './customer-key.ts'
import { entityTagOfParts } from './object-cipher.ts'
import { checksumElements, describingHeaders, encryptionHeaders } from './object-headers.ts'
import type { ObjectRecord, PartRecord, UploadRecord } from './object-records.ts'
import {
  accepted,
  around,
  type Checked,
  damaged,
  elements,
  emptyAnswer,
  malformedXml,
  noSuchUpload,
  notHad,
  refuse,
  xmlAnswer,
} from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { headerText, pathOf } from './place.ts'
import { childrenNamed, childText, parseXml } from './xml-tree.ts'
import { encryptionFor, refusedByWhatIsThere, replaceObject, writtenHeaders } from './write-object.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PART_BYTES_MIN = 5 * 1024 * 1024

export async function createUpload(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const algorithm = uploadsChecksum(call)
  if (!algorithm.ok) return algorithm
  const asked = encryptionFor(parts, call)
  if (!asked.ok) return asked
  const made = await parts.keyring.make(request, place, asked.value)
  if (!made.ok) return made
  const answer = await parts.storage.send(request, { method: 'POST', place, query: 'uploads', headers: describingHeaders(request.headers) })
  if (!answer.ok) return answer
  const document = parseXml(answer.value.body.toString())
  const uploadId = document === null ? null : childText(document, 'UploadId')
  if (uploadId === null) return damaged()
  parts.records.addUpload(place, uploadId, { ...made.value.kept, checksumAlgorithm: algorithm.value })
  const content = elements({ Bucket: place.bucket, Key: place.key, UploadId: uploadId })
  const headers = {
    ...writtenHeaders(made.value.kept.encryption, asked.value),
    ...(algorithm.value !== null && { 'x-amz-checksum-algorithm': algorithm.value.toUpperCase(), 'x-amz-checksum-type': 'COMPOSITE' }),
  }
  return accepted(xmlAnswer('InitiateMultipartUploadResult', content, headers))
}

/** The checksum of an upload is made from those of its parts. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
function uploadsChecksum({ request }: S3Call): Checked<ChecksumAlgorithm | null> {
  const name = headerText(request.headers, 'x-amz-checksum-algorithm')?.toLowerCase() ?? null
  const type = headerText(request.headers, 'x-amz-checksum-type')?.toUpperCase() ?? 'COMPOSITE'
  if (name === null) return accepted(null)
  if (!isChecksumAlgorithm(name) || name === 'crc64nvme' || type !== 'COMPOSITE') {
    return notHad('a checksum of whole objects that come in parts; it has the checksum of the parts, such as of CRC32')
  }
  return accepted(name)
}

export async function completeUpload(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const uploadId = place.query.get('uploadId') ?? ''
  const { storage, records, keyring } = parts
  return storage.alone(place, async () => {
    const upload = records.findUpload(place, uploadId)
    if (upload.kind !== 'found') return upload.kind === 'missing' ? noSuchUpload() : damaged()
    const uploaded = records.parts(uploadId)
    if (uploaded.kind !== 'found') return damaged()
    const chosen = chosenParts(request.body.toString('utf8'), uploaded.record)
    if (!chosen.ok) return chosen
    const refusal = await refusedByWhatIsThere(parts, call)
    if (refusal !== null) return refusal
    const customer = customerKey(request.headers, request.isSecure)
    if (!customer.ok) return customer
    // S3 reads the parts it puts together, so that the caller needs kms:Decrypt; with SSE-C the key need not come again.
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    if (upload.record.encryption.kind !== 'customer' || customer.value !== null) {
      const keys = await keyring.open(request, place, upload.record, customer.value)
      if (!keys.ok) return keys
    }
    const record = recordOf(upload.record, chosen.value)
    const done = await replaceObject(parts, call, record, async () => {
      const answer = await storage.send(request, {
        method: 'POST',
        place,
        query: `uploadId=${encodeURIComponent(uploadId)}`,
        body: partList(chosen.value),
      })
      return answer.ok ? accepted(null) : answer
    })
    if (!done.ok) return done
    records.removeUpload(uploadId)
    const location = `${request.isSecure ? 'https' : 'http'}://${request.headers.host ?? ''}${pathOf(place)}`
    const content = elements({ Location: location, Bucket: place.bucket, Key: place.key, ETag: record.tag, ...checksumElements(record) })
    return accepted(xmlAnswer('CompleteMultipartUploadResult', content, encryptionHeaders(record.encryption, customer.value)))
  })
}

export async function abortUpload(parts: S3Parts, { request, place }: S3Call): Promise<Checked<HttpAnswer>> {
  const uploadId = place.query.get('uploadId') ?? ''
  return parts.storage.alone(place, async () => {
    if (parts.records.findUpload(place, uploadId).kind === 'missing') return noSuchUpload()
    const answer = await parts.storage.send(request, { method: 'DELETE', place, query: `uploadId=${encodeURIComponent(uploadId)}` })
    if (!answer.ok) return answer
    parts.records.removeUpload(uploadId)
    return accepted(emptyAnswer(204))
  })
}

type Chosen = readonly (readonly [partNumber: number, part: PartRecord])[]

/** The parts a completion names, in its order. */
function chosenParts(body: string, uploaded: ReadonlyMap<number, PartRecord>): Checked<Chosen> {
  const document = parseXml(body)
  const named = document?.name === 'CompleteMultipartUpload' ? childrenNamed(document, 'Part') : []
  if (named.length === 0) return malformedXml()
  const chosen: (readonly [number, PartRecord])[] = []
  for (const element of named) {
    const partNumber = Number(childText(element, 'PartNumber') ?? '')
    const part = uploaded.get(partNumber)
    const checksum = part?.checksum ?? null
    const said = checksum === null ? null : childText(element, `Checksum${checksum.algorithm.toUpperCase()}`)
    const isSame = part?.tag.replaceAll('"', '') === (childText(element, 'ETag') ?? '').replaceAll('"', '')
    if (part === undefined || !isSame || (said !== null && said !== checksum?.value)) return invalidPart()
    if (partNumber <= (chosen.at(-1)?.[0] ?? 0)) {
      return refuse(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
      )
    }
    chosen.push([partNumber, part])
  }
  if (chosen.slice(0, -1).some(([, { segment }]) => segment.length < PART_BYTES_MIN)) {
    return refuse('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size')
  }
  return accepted(chosen)
}

function invalidPart(): Checked<never> {
  return refuse(
    'InvalidPart',
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  )
}

function recordOf({ checksumAlgorithm, ...keys }: UploadRecord, chosen: Chosen): ObjectRecord {
  const records = chosen.map(([, part]) => part)
  const checksums = records.map(({ checksum }) => checksum).filter((checksum) => checksum?.algorithm === checksumAlgorithm)
  const isWhole = checksumAlgorithm !== null && checksums.length === records.length
  const joined = Buffer.concat(checksums.map((checksum) => Buffer.from(checksum?.value ?? '', 'base64')))
  return {
    ...keys,
    tag: entityTagOfParts(records.map(({ tag }) => tag)),
    storedTag: entityTagOfParts(records.map(({ storedTag }) => storedTag)),
    segments: records.map(({ segment }) => segment),
    checksum: isWhole
      ? { algorithm: checksumAlgorithm, value: `${checksumOf(checksumAlgorithm, joined)}-${records.length}`, type: 'COMPOSITE' }
      : null,
    parts: chosen.map(([partNumber]) => partNumber),
  }
}

function partList(chosen: Chosen): string {
  const listed = chosen.map(([PartNumber, { storedTag }]) => around('Part', elements({ PartNumber, ETag: storedTag })))
  return around('CompleteMultipartUpload', listed.join(''))
}
