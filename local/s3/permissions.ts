import { type Access, type AccessRequest, refusalText } from '../iam/access.ts'
import type { HttpRequest } from '../http.ts'
import { SSE, SSE_KEY_ID } from './asked-encryption.ts'
import { refuse, type Refused } from './outcome.ts'
import { arnOf, headerText, type Place } from './place.ts'
import type { BucketSettings } from './tables.ts'

/** Null if the caller may; by the caller's own policies and the bucket's. */
export type Permit = (request: HttpRequest, place: Pick<Place, 'bucket' | 'key' | 'query'>, action: string) => Promise<Refused | null>

/** Headers that policies can ask for. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys */
const HEADER_KEYS = [SSE, SSE_KEY_ID, `${SSE}-customer-algorithm`, 'x-amz-copy-source', 'x-amz-metadata-directive', 'x-amz-content-sha256']
const LIST_KEYS = ['prefix', 'delimiter', 'max-keys']
/** What the endpoint speaks over TLS, and nothing older. */
const TLS_VERSION = '1.3'

export function createPermit(access: Access, settings: BucketSettings): Permit {
  return async (request, place, action) => {
    const { principal } = request
    const policy = place.bucket === '' ? null : settings.get(place.bucket, 'policy')
    const asked: AccessRequest = {
      principal,
      action,
      resourceArn: place.bucket === '' ? '*' : arnOf(place, request),
      resourceAccountId: principal.accountId,
      resourcePolicy: typeof policy === 'string' ? policy : null,
      context: contextOf(request, place, action),
    }
    const verdict = await access.judge(asked)
    return verdict.kind === 'allowed' ? null : refuse('AccessDenied', refusalText(asked, verdict), 403)
  }
}

function contextOf(request: HttpRequest, place: Pick<Place, 'query'>, action: string): Readonly<Record<string, string>> {
  const { headers, isSecure, sourceIp } = request
  const sent = HEADER_KEYS.map((name) => [`s3:${name}`, headerText(headers, name)] as const)
  const listed = action === 's3:ListBucket' ? LIST_KEYS.map((name) => [`s3:${name}`, place.query.get(name) ?? null] as const) : []
  return {
    'aws:SecureTransport': String(isSecure),
    'aws:SourceIp': sourceIp,
    's3:authType': place.query.has('X-Amz-Signature') ? 'REST-QUERY-STRING' : 'REST-HEADER',
    's3:signatureversion': 'AWS4-HMAC-SHA256',
    ...(isSecure && { 's3:TlsVersion': TLS_VERSION }),
    ...Object.fromEntries([...sent, ...listed].filter(([, value]) => value !== null).map(([name, value]) => [name, String(value)])),
  }
}
