import type { HttpAnswer } from '../http.ts'
import { accepted, around, type Checked, elements, emptyAnswer, malformedXml, notHad, type Refused, xmlAnswer } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { payloadOf } from './payload.ts'
import type { Place } from './place.ts'
import { childrenNamed, childText, parseXml, type XmlElement } from './xml-tree.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const OBJECTS_MAX = 1000

export async function deleteObject(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const refusal = await removed(parts, call, call.place)
  return refusal ?? accepted(emptyAnswer(204))
}

/** DeleteObjects: each object by itself, for who may. */
export async function deleteObjects(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const payload = payloadOf(call.request.headers, call.request.body)
  if (!payload.ok) return payload
  const document = parseXml(payload.value.bytes.toString('utf8'))
  const objects = document?.name === 'Delete' ? childrenNamed(document, 'Object') : []
  if (document === null || objects.length === 0 || objects.length > OBJECTS_MAX) return malformedXml()
  const isQuiet = childText(document, 'Quiet') === 'true'
  const results: string[] = []
  for (const object of objects) {
    const key = childText(object, 'Key') ?? ''
    const refusal = await removedFor(parts, call, object, key)
    if (refusal !== null) {
      results.push(around('Error', elements({ Key: key, Code: refusal.failure.code, Message: refusal.failure.message })))
    } else if (!isQuiet) results.push(around('Deleted', elements({ Key: key })))
  }
  return accepted(xmlAnswer('DeleteResult', results.join('')))
}

async function removedFor(parts: S3Parts, call: S3Call, object: XmlElement, key: string): Promise<Refused | null> {
  if (key === '') return malformedXml()
  if (childText(object, 'VersionId') !== null) return notHad('versions of objects')
  const place = { bucket: call.place.bucket, key, query: new Map<string, string>() }
  return (await parts.permit(call.request, place, 's3:DeleteObject')) ?? removed(parts, call, place)
}

function removed({ storage, records }: S3Parts, { request }: S3Call, place: Place): Promise<Refused | null> {
  return storage.alone(place, async () => {
    const answer = await storage.send(request, { method: 'DELETE', place })
    if (!answer.ok) return answer
    records.removeOthers(place, null)
    return null
  })
}
