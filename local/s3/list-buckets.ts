import type { HttpAnswer } from '../http.ts'
import { accepted, around, type Checked, elements, malformedXml, refuse, xmlAnswer } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { regionOf } from './tables.ts'
import { childrenNamed, childText, parseXml, type XmlElement } from './xml-tree.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
const MAX_BUCKETS = { min: 1, max: 10_000 }

type Listed = { readonly name: string; readonly createdAt: string; readonly region: string }

/**
 * The buckets that the store has, in the order of their names, with their Regions: "BucketRegion" is there where the request has a parameter.
 * The token of a page is the last name on it.
 */
export async function listBuckets({ storage, settings }: S3Parts, { request, place }: S3Call): Promise<Checked<HttpAnswer>> {
  const answer = await storage.send(request, { method: 'GET', place })
  if (!answer.ok) return answer
  const document = parseXml(String(answer.value.body))
  const [buckets] = document === null ? [] : childrenNamed(document, 'Buckets')
  if (document === null || buckets === undefined) return malformedXml()
  const { query } = place
  const [prefix, after] = [query.get('prefix') ?? '', query.get('continuation-token') ?? '']
  const most = Number(query.get('max-buckets') ?? MAX_BUCKETS.max)
  if (!Number.isInteger(most) || most < MAX_BUCKETS.min || most > MAX_BUCKETS.max)
    return refuse('InvalidArgument', `Argument max-buckets must be an integer between ${MAX_BUCKETS.min} and ${MAX_BUCKETS.max}.`)
  const all = childrenNamed(buckets, 'Bucket')
    .map((bucket): Listed => {
      const name = childText(bucket, 'Name') ?? ''
      const createdMs = settings.get(name, 'createdMs')
      // The store has a clock of its own.
      const createdAt = typeof createdMs === 'number' ? new Date(createdMs).toISOString() : (childText(bucket, 'CreationDate') ?? '')
      return { name, createdAt, region: regionOf(settings, name) ?? request.scope.region }
    })
    .filter(({ name, region }) => name.startsWith(prefix) && name > after && (query.get('bucket-region') ?? region) === region)
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
  const page = all.slice(0, most)
  const token = all.length > page.length ? (page.at(-1)?.name ?? null) : null
  const isAsked = ['prefix', 'continuation-token', 'max-buckets', 'bucket-region'].some((name) => query.has(name))
  const content = [
    ownerXml(document),
    around('Buckets', page.map((bucket) => bucketXml(bucket, isAsked)).join('')),
    elements({ ContinuationToken: token, Prefix: query.get('prefix') ?? null }),
  ]
  return accepted(xmlAnswer('ListAllMyBucketsResult', content.join('')))
}

function ownerXml(document: XmlElement): string {
  const [owner] = childrenNamed(document, 'Owner')
  return owner === undefined ? '' : around('Owner', elements({ ID: childText(owner, 'ID'), DisplayName: childText(owner, 'DisplayName') }))
}

function bucketXml({ name, createdAt, region }: Listed, isAsked: boolean): string {
  return around('Bucket', elements({ Name: name, CreationDate: createdAt, BucketRegion: isAsked ? region : null }))
}
