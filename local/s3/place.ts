import type { IncomingHttpHeaders } from 'node:http'
import { partitionOf } from '../kms/key-names.ts'
import type { HttpRequest } from '../http.ts'

/** What a request is about: nothing, a bucket, or an object. */
export type Place = {
  readonly bucket: string
  /** Empty for a bucket. */
  readonly key: string
  readonly query: ReadonlyMap<string, string>
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const KEY_BYTES_MAX = 1024
/** What a presigned URL may carry in its query stands in a header otherwise. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
const HOISTED = 'x-amz-'

/** Of a target that `refusedObjectRequest` let pass. Addresses are path-style: 127.0.0.1 has no subdomains. */
export function placeOf(target: string): Place {
  const [path = '', ...query] = target.split('?')
  const [, bucket = '', ...key] = path.split('/')
  return {
    bucket: decodeURIComponent(bucket),
    key: decodeURIComponent(key.join('/')),
    query: new Map(new URLSearchParams(query.join('?'))),
  }
}

/** The headers, and what a presigned URL carries instead of them. */
export function headersOf({ headers }: HttpRequest, place: Place): IncomingHttpHeaders {
  const hoisted = [...place.query].map(([name, value]) => [name.toLowerCase(), value] as const).filter(([name]) => name.startsWith(HOISTED))
  return hoisted.length === 0 ? headers : { ...Object.fromEntries(hoisted), ...headers }
}

/** A header as text; null if it was not sent. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.[0] ?? null)
}

/** The path of a bucket or an object as a URL carries it. */
export function pathOf({ bucket, key }: Pick<Place, 'bucket' | 'key'>): string {
  return key === '' ? `/${bucket}` : `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
}

/** `arn:aws:s3:::bucket` or `arn:aws:s3:::bucket/key`; partitions other than `aws` by the Region. */
export function arnOf({ bucket, key }: Pick<Place, 'bucket' | 'key'>, { scope, principal }: HttpRequest): string {
  const partition = partitionOf({ region: scope.region, accountId: principal.accountId })
  return `arn:${partition}:s3:::${bucket}${key === '' ? '' : `/${key}`}`
}
