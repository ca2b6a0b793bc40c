import { cappedText } from '../shared/text.ts'
import type { HttpFailure, HttpRequest } from './http.ts'

/**
 * What is known of S3 behind this, by the names in the query. fauxqs takes a request for anything else (`?acl`, `?cors`, `?versions`, …) for
 * one about the bucket or the object itself, and answers as if it had done it.
 */
const KNOWN = [
  'attributes',
  'continuation-token',
  'delete',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'lifecycle',
  'list-type',
  'marker',
  'max-buckets',
  'max-keys',
  'partNumber',
  'prefix',
  'start-after',
  'uploadId',
  'x-id',
]
const KNOWN_PREFIXES = ['response-', 'x-amz-']
/** A part list or the list of uploads is not among what fauxqs answers. */
const KNOWN_WITH_METHOD = ['POST uploads']

/** The names in the query of a request, each as often as it stands there. */
function namesIn(target: string): readonly string[] {
  const start = target.indexOf('?')
  return start === -1 ? [] : [...new URLSearchParams(target.slice(start + 1)).keys()]
}

/** The first name in the query of an S3 request that nobody would heed; null if all are known, by fauxqs or as `<method> <name>` of `own`. */
export function unheeded(method: string, target: string, own: readonly string[] = []): string | null {
  // GET with an upload ID is ListParts, which fauxqs answers with the object.
  const known = (name: string): boolean =>
    (name === 'uploadId' && method === 'GET' ? false : KNOWN.includes(name)) ||
    KNOWN_PREFIXES.some((prefix) => name.toLowerCase().startsWith(prefix)) ||
    [...KNOWN_WITH_METHOD, ...own].includes(`${method} ${name}`)
  return namesIn(target).find((name) => !known(name)) ?? null
}

const SHOWN_BYTES_MAX = 64
const METHODS = ['DELETE', 'GET', 'HEAD', 'POST', 'PUT']
/** Looser than S3's rules for new buckets, which fauxqs knows; a longer name it would not take for one. */
const BUCKET = /^[a-z\d][\w.-]{0,62}$/i
/** fauxqs answers `GET /health` for itself. */
const NOT_HAD = ['health']
const SOURCE = 'x-amz-copy-source'

type ObjectRequest = Pick<HttpRequest, 'method' | 'target' | 'headers'>

/** Why a request for S3 must not be taken up, null if it may; `own` is known besides what fauxqs knows. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function refusedObjectRequest({ method, target, headers }: ObjectRequest, own: readonly string[] = []): HttpFailure | null {
  const [path = ''] = target.split('?')
  const bucket = path.split('/')[1] ?? ''
  const names = namesIn(target)
  const name = unheeded(method, target, own)
  if (!path.startsWith('/') || !isDecodable(path)) return INVALID_URI
  if (!METHODS.includes(method) || (path === '/' && method !== 'GET')) return NOT_ALLOWED
  if (path !== '/' && !BUCKET.test(bucket)) return INVALID_BUCKET
  if (!isDecodable(String(headers[SOURCE] ?? ''))) return INVALID_SOURCE
  if (new Set(names).size < names.length) return NAMED_TWICE
  if (name !== null) return missing(cappedText(name, SHOWN_BYTES_MAX))
  return NOT_HAD.includes(bucket) ? missing(`buckets of the name ${bucket}`) : null
}

const INVALID_URI: HttpFailure = { status: 400, code: 'InvalidURI', message: "Couldn't parse the specified URI." }
const INVALID_BUCKET: HttpFailure = { status: 400, code: 'InvalidBucketName', message: 'The specified bucket is not valid.' }
const INVALID_SOURCE: HttpFailure = { status: 400, code: 'InvalidArgument', message: 'The source is not URL-encoded.' }
const NAMED_TWICE: HttpFailure = { status: 400, code: 'InvalidArgument', message: 'A name stands in the query more than once.' }
const NOT_ALLOWED: HttpFailure = {
  status: 405,
  code: 'MethodNotAllowed',
  message: 'The specified method is not allowed against this resource.',
}

function missing(what: string): HttpFailure {
  return { status: 501, code: 'NotImplemented', message: `The local cloud's S3 does not have ${what}.` }
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
