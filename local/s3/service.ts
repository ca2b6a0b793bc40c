import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, memberOf } from '../../shared/json.ts'
import { failed, type HttpAnswer, type HttpRequest, type HttpService } from '../http.ts'
import type { Access } from '../iam/access.ts'
import { callService, type ServiceRoom } from '../json-protocol.ts'
import { refusedObjectRequest } from '../object-requests.ts'
import type { Service, ServiceAnswer } from '../service.ts'
import { BUCKET_OPERATIONS, type BucketOperation, LIST_BUCKETS } from './bucket-operations.ts'
import { bucketTrail } from './bucket-trail.ts'
import { createKmsKeys } from './kms-keys.ts'
import { createKeyring } from './object-keys.ts'
import { objectOperation } from './object-operations.ts'
import { objectRecordsIn } from './object-records.ts'
import { type Checked, noSuchBucket, notHad, refuse, type Refused } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { createPermit } from './permissions.ts'
import { headersOf, headerText, placeOf } from './place.ts'
import { createStorage } from './storage.ts'
import { bucketSettingsIn, createTables, regionOf, rootKey, sealerOf, settingsIn } from './tables.ts'

export type S3Options = {
  readonly db: DatabaseSync
  /** Where the bytes lie: fauxqs. */
  readonly store: HttpService
  /** Asked for data keys, in the caller's name. */
  readonly kms: Service
  readonly access: Access
  readonly room: ServiceRoom
}

const SIGNING_NAME = 's3'
/** What is about an object and fauxqs does not have. */
const OF_OBJECTS = ['PUT encryption']
const OF_BUCKETS = [...Object.keys(BUCKET_OPERATIONS), 'GET bucket-region']

/**
 * S3 with its encryption, before the store that keeps bytes: what lies there is ciphertext, whatever encryption was asked for. S3 itself
 * takes requests for SSE-KMS over TLS only (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html); this one also
 * takes them over plain HTTP, as all else on the loopback. SSE-C needs TLS here too.
 */
export function createS3(options: S3Options): HttpService {
  const { db, store, kms, access, room } = options
  createTables(db)
  const settings = bucketSettingsIn(db)
  const own = settingsIn(db)
  const root = rootKey(own)
  const parts: S3Parts = {
    storage: createStorage(store),
    settings,
    records: objectRecordsIn(db, sealerOf(root)),
    keyring: createKeyring({ root, kmsKeys: createKmsKeys({ kms, room, settings: own }) }),
    permit: createPermit(access, settings),
    nowMs: room.nowMs,
  }

  function callOf(request: HttpRequest): S3Call {
    const place = placeOf(request.target)
    const scope = { ...request.scope, region: regionOf(settings, place.bucket) ?? request.scope.region }
    return { place, request: { ...request, scope, headers: headersOf(request, place) } }
  }

  return {
    async answer(request) {
      const refusal = refusedObjectRequest(request, isOfObject(request.target) ? OF_OBJECTS : OF_BUCKETS)
      if (refusal !== null) return failed(SIGNING_NAME, refusal, request.requestId)
      const call = callOf(request)
      const operation = bucketOperation(call)
      try {
        const checked = operation === null ? await objectAnswer(parts, call) : await bucketAnswer(parts, call, operation, room)
        return checked.ok ? checked.value : failed(SIGNING_NAME, checked.failure, request.requestId)
      } catch (error) {
        room.onFault(error)
        return failed(
          SIGNING_NAME,
          { status: 500, code: 'InternalError', message: 'We encountered an internal error. Please try again.' },
          request.requestId,
        )
      }
    },
  }
}

function isOfObject(target: string): boolean {
  return /^\/[^/?]+\/[^?]/.test(target)
}

/** Null for what is about objects. */
function bucketOperation({ request: { method }, place }: S3Call): BucketOperation | null {
  if (place.bucket === '') return LIST_BUCKETS
  if (place.key !== '') return null
  const name = [...place.query.keys()].find((each) => Object.hasOwn(BUCKET_OPERATIONS, `${method} ${each}`)) ?? ''
  return Object.hasOwn(BUCKET_OPERATIONS, `${method} ${name}`) ? (BUCKET_OPERATIONS[`${method} ${name}`] ?? null) : null
}

async function objectAnswer(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const operation = objectOperation(call)
  if (operation === null)
    return place.key === ''
      ? notHad('uploads in forms')
      : refuse('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405)
  if (!(await parts.storage.hasBucket(request, place.bucket))) return noSuchBucket()
  if (isOthers(call)) return othersBucket()
  for (const action of operation.actions) {
    const refusal = await parts.permit(request, place, action)
    if (refusal !== null) return refusal
  }
  return operation.run(parts, call)
}

/** An operation on a bucket, with CloudTrail looking on. */
async function bucketAnswer(parts: S3Parts, call: S3Call, operation: BucketOperation, room: ServiceRoom): Promise<Checked<HttpAnswer>> {
  const { request, place } = call
  const isNew = operation.name === 'CreateBucket' || place.bucket === ''
  const isThere = !isNew && (await parts.storage.hasBucket(request, place.bucket))
  const trail = bucketTrail(call, operation.readOnly, isThere)
  const answer = await callService({
    service: recorded(async () => {
      if (!isNew && !isThere) return { failure: noSuchBucket().failure, trail }
      if (isOthers(call)) return { failure: othersBucket().failure, trail }
      const checked = (await parts.permit(request, place, operation.action)) ?? (await operation.run(parts, call))
      return checked.ok ? { output: { answer: checked.value }, trail } : { failure: checked.failure, trail }
    }),
    room,
    request,
    operation: operation.name,
    input: {},
  })
  if ('failure' in answer) return { ok: false, failure: answer.failure }
  const given = memberOf(answer.output, 'answer')
  if (!isJsonObject(given)) throw new Error('an operation of S3 has no answer')
  return { ok: true, value: given as HttpAnswer }
}

/** All buckets are of the one account there is. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html */
function isOthers({ request: { headers, principal } }: S3Call): boolean {
  const owner = headerText(headers, 'x-amz-expected-bucket-owner')
  return owner !== null && owner !== principal.accountId
}

function othersBucket(): Refused {
  return refuse('AccessDenied', 'Access Denied', 403)
}

function recorded(call: () => Promise<ServiceAnswer>): Service {
  return { signingName: SIGNING_NAME, targetPrefixes: [], eventSource: 's3.amazonaws.com', call }
}
