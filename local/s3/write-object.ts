import type { HttpAnswer } from '../http.ts'
import { askedEncryption, type AskedEncryption, SSE_CONTEXT } from './asked-encryption.ts'
import { encryptionKept } from './bucket-encryption.ts'
import { entityTag, sealBytes } from './object-cipher.ts'
import { checksumHeaders, describingHeaders, encryptionHeaders } from './object-headers.ts'
import { nameOf } from './object-keys.ts'
import type { ObjectRecord } from './object-records.ts'
import { accepted, type Checked, damaged, emptyAnswer, type Headers, refuse, type Refused } from './outcome.ts'
import { OBJECT_BYTES_MAX, type S3Call, type S3Parts } from './parts.ts'
import { payloadOf } from './payload.ts'
import { arnOf, KEY_BYTES_MAX } from './place.ts'
import { isConditionalWrite, refusedWrite } from './preconditions.ts'

/** An object that is to be written. */
export type Written = {
  readonly bytes: Buffer
  /** What describes it. */
  readonly headers: Headers
  readonly asked: AskedEncryption
  readonly checksum: ObjectRecord['checksum']
}

export async function putObject(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request } = call
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  const asked = encryptionFor(parts, call)
  if (!asked.ok) return asked
  const { bytes, checksum } = payload.value
  const record = await writeObject(parts, call, {
    bytes,
    headers: describingHeaders(request.headers),
    asked: asked.value,
    checksum: checksum === null ? null : { ...checksum, type: 'FULL_OBJECT' },
  })
  if (!record.ok) return record
  const headers = { etag: record.value.tag, ...writtenHeaders(record.value.encryption, asked.value), ...checksumHeaders(record.value) }
  return accepted(emptyAnswer(200, headers))
}

/** How a new object is to be encrypted, unless the bucket blocks that. */
export function encryptionFor({ settings }: S3Parts, { request, place }: S3Call): Checked<AskedEncryption> {
  if (Buffer.byteLength(place.key) > KEY_BYTES_MAX) return refuse('KeyTooLongError', 'Your key is too long')
  const bucket = encryptionKept(settings.get(place.bucket, 'encryption'))
  const asked = askedEncryption(request.headers, bucket, request.isSecure)
  return asked.ok && asked.value.kind === 'customer' && bucket.blocksCustomerKeys ? blocked({ request, place }) : asked
}

/** The words: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html */
function blocked({ request, place }: S3Call): Refused {
  return refuse(
    'AccessDenied',
    `User: ${request.principal.arn} is not authorized to perform: s3:PutObject on resource: "${arnOf(place, request)}" because this bucket has ` +
      'blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type',
    403,
  )
}

/** What the answer to a write says of the encryption. */
export function writtenHeaders(encryption: ObjectRecord['encryption'], asked: AskedEncryption): Headers {
  return {
    ...encryptionHeaders(encryption, asked.kind === 'customer' ? asked.key : null),
    ...('sentContext' in asked && asked.sentContext !== null && { [SSE_CONTEXT]: asked.sentContext }),
  }
}

/** Encrypts and stores an object in place of the one that may be there. */
export function writeObject(parts: S3Parts, { request, place }: S3Call, written: Written): Promise<Checked<ObjectRecord>> {
  const { storage, keyring } = parts
  const { bytes, asked, checksum, headers } = written
  return storage.alone(place, async () => {
    if (bytes.length > OBJECT_BYTES_MAX) return tooLarge()
    const refusal = await refusedByWhatIsThere(parts, { request, place })
    if (refusal !== null) return refusal
    const made = await keyring.make(request, place, asked)
    if (!made.ok) return made
    const { keys, kept } = made.value
    const { stored, segment } = sealBytes(keys, nameOf(place), bytes)
    const storedTag = entityTag(stored)
    // Only with SSE-S3 it is the MD5 of the object. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    const tag = asked.kind === 'AES256' ? entityTag(bytes) : storedTag
    const record: ObjectRecord = { ...kept, tag, storedTag, segments: [segment], checksum, parts: null }
    return replaceObject(parts, { request, place }, record, async () => {
      const answer = await storage.send(request, { method: 'PUT', place, headers, body: stored })
      if (!answer.ok) return answer
      return answer.value.headers['etag'] === storedTag ? accepted(null) : damaged()
    })
  })
}

/** Puts a record beside the one that may be there before the bytes change, and takes the old one away after: there is one for either. */
export async function replaceObject(
  { records }: S3Parts,
  { place }: S3Call,
  record: ObjectRecord,
  store: () => Promise<Checked<null>>,
): Promise<Checked<ObjectRecord>> {
  records.add(place, record)
  const done = await store()
  if (!done.ok) return done
  records.removeOthers(place, record.storedTag)
  return accepted(record)
}

/** Why conditions of a write do not hold. To be asked where nobody else writes the object. */
export async function refusedByWhatIsThere({ storage, records }: S3Parts, { request, place }: S3Call): Promise<Refused | null> {
  if (!isConditionalWrite(request.headers)) return null
  const head = await storage.head(request, place)
  const found = head.ok ? records.find(place, head.value.storedTag) : null
  return refusedWrite(request.headers, head.ok ? (found?.kind === 'found' ? found.record.tag : head.value.storedTag) : null)
}

export function tooLarge(): Refused {
  return refuse('EntityTooLarge', `The local cloud's S3 takes objects of ${OBJECT_BYTES_MAX / 1024 / 1024} MiB at most.`)
}
