import type { HttpAnswer } from '../http.ts'
import { accepted, type Checked, damaged, emptyAnswer, malformedXml, refuse } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { payloadOf } from './payload.ts'
import { childrenNamed, childText, parseXml, type XmlElement } from './xml-tree.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_SSEKMSEncryption.html */
const KEY_ARN = /^arn:aws[a-zA-Z\d-]*:kms:[a-z\d-]+:(?<accountId>\d{12}):key\/[a-zA-Z\d-]+$/
const CONTEXT_KEY = 'aws:s3:arn'

/**
 * UpdateObjectEncryption: another key over the object's own, its bytes and entity tag untouched; S3 asks KMS for a data key, and to decrypt
 * the old one. The messages: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html
 */
export async function updateEncryption(parts: S3Parts, { request, place }: S3Call): Promise<Checked<HttpAnswer>> {
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  const document = parseXml(payload.value.bytes.toString('utf8'))
  if (document?.name !== 'ObjectEncryption') return malformedXml()
  const wanted = wantedEncryption(document, request.principal.accountId)
  if (!wanted.ok) return wanted
  const { storage, records, keyring } = parts
  return storage.alone(place, async () => {
    const head = await storage.head(request, place)
    if (!head.ok) return head
    const found = records.find(place, head.value.storedTag)
    if (found.kind !== 'found') return damaged()
    const { encryption } = found.record
    if (encryption.kind !== 'AES256' && encryption.kind !== 'aws:kms') {
      return refuse(
        'InvalidRequest',
        "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
      )
    }
    const keys = await keyring.open(request, place, found.record, null)
    if (!keys.ok) return keys
    const before = encryption.kind === 'AES256' ? {} : encryption.context
    const context = Object.fromEntries(Object.entries(before).filter(([name]) => name !== CONTEXT_KEY))
    const kept = await keyring.rewrap(request, place, keys.value, { kind: 'aws:kms', ...wanted.value, context, sentContext: null })
    if (!kept.ok) return kept
    records.add(place, { ...found.record, ...kept.value })
    return accepted(emptyAnswer(200))
  })
}

function wantedEncryption(document: XmlElement, accountId: string): Checked<{ readonly keyId: string; readonly usesBucketKey: boolean }> {
  const [kms] = childrenNamed(document, 'SSE-KMS')
  if (kms === undefined) {
    return refuse(
      'InvalidRequest',
      'Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.',
    )
  }
  const keyId = childText(kms, 'KMSKeyArn') ?? ''
  const key = KEY_ARN.exec(keyId)
  if (key === null) {
    return refuse(
      'InvalidRequest',
      "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.",
    )
  }
  if (key.groups?.['accountId'] !== accountId) {
    return refuse(
      'AccessDenied',
      'The AWS KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same account, and then try again.',
      403,
    )
  }
  const bucketKey = childText(kms, 'BucketKeyEnabled') ?? 'false'
  if (bucketKey !== 'true' && bucketKey !== 'false') {
    return refuse(
      'InvalidRequest',
      "The BucketKeyEnabled value isn't valid. Valid values are true or false. Modify the request to specify a valid value, and then try again.",
    )
  }
  return accepted({ keyId, usesBucketKey: bucketKey === 'true' })
}
