import type { HttpAnswer } from '../http.ts'
import { escapedXml } from '../xml.ts'
import { accepted, type Checked } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'

/** As fauxqs writes an object of a list. */
const LISTED = /<Key>(?<key>[^<]*)<\/Key>(?<between>.*?)<ETag>(?<tag>[^<]*)<\/ETag>/g
const ENTITIES: readonly (readonly [string, string])[] = [
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
  ['&amp;', '&'],
]

/** ListObjects and ListObjectsV2: fauxqs' list with the entity tags that callers know; its own are of ciphertext. */
export async function listObjects({ storage, records }: S3Parts, { request, place }: S3Call): Promise<Checked<HttpAnswer>> {
  const query = new URLSearchParams([...place.query].filter(([name]) => !name.toLowerCase().startsWith('x-')))
  const answer = await storage.send(request, { method: 'GET', place: { bucket: place.bucket, key: '' }, query: query.toString() })
  if (!answer.ok) return answer
  const body = answer.value.body.toString().replaceAll(LISTED, (listed: string, key: string, between: string, tag: string) => {
    const found = records.find({ bucket: place.bucket, key: unescaped(key) }, unescaped(tag))
    return found.kind === 'found' ? `<Key>${key}</Key>${between}<ETag>${escapedXml(found.record.tag)}</ETag>` : listed
  })
  return accepted({ ...answer.value, body })
}

function unescaped(text: string): string {
  return ENTITIES.reduce((before, [entity, character]) => before.replaceAll(entity, character), text)
}
