import type { HttpAnswer } from '../http.ts'
import { encryptionDeleted, encryptionKept, encryptionPut, encryptionXml } from './bucket-encryption.ts'
import { loggingKept, loggingPut, loggingXml, noSuchTarget } from './bucket-logging.ts'
import { checkedPolicy, isPublic } from './bucket-policy.ts'
import { type Tags, tagsPut, tagsXml } from './bucket-tags.ts'
import { websiteKept, websitePut, websiteXml } from './bucket-website.ts'
import { listBuckets } from './list-buckets.ts'
import { accepted, around, type Checked, elements, emptyAnswer, malformedXml, notHad, refuse, xmlAnswer } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { payloadOf } from './payload.ts'
import { publicAccessKept, publicAccessPut, publicAccessXml } from './public-access.ts'
import { regionOf } from './tables.ts'
import { childrenNamed, childText, parseXml, type XmlElement } from './xml-tree.ts'

/** An operation on a bucket, or on all of them; CloudTrail has it as a management event of that name. */
export type BucketOperation = {
  readonly name: string
  /** What policies call it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
  readonly action: string
  readonly readOnly: boolean
  run(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>> | Checked<HttpAnswer>
}

const NO_CONTENT = accepted(emptyAnswer(204))
const OK = accepted(emptyAnswer(200))
const US_EAST_1 = 'us-east-1'

function reads(name: string, action: string, run: BucketOperation['run']): BucketOperation {
  return { name, action, readOnly: true, run }
}

function changes(name: string, action: string, run: BucketOperation['run']): BucketOperation {
  return { name, action, readOnly: false, run }
}

/** By method and the name in the query; without a name they are about the bucket itself. */
export const BUCKET_OPERATIONS: Readonly<Record<string, BucketOperation>> = {
  'PUT ': changes('CreateBucket', 's3:CreateBucket', createBucket),
  'HEAD ': reads('HeadBucket', 's3:ListBucket', ({ settings }, { request, place }) => {
    const region = regionOf(settings, place.bucket) ?? request.scope.region
    return accepted(emptyAnswer(200, { 'x-amz-bucket-region': region }))
  }),
  'DELETE ': changes('DeleteBucket', 's3:DeleteBucket', async (parts, { request, place }) => {
    const answer = await parts.storage.send(request, { method: 'DELETE', place })
    if (!answer.ok) return answer
    parts.settings.forget(place.bucket)
    return NO_CONTENT
  }),

  'GET encryption': reads('GetBucketEncryption', 's3:GetEncryptionConfiguration', ({ settings }, { place }) => {
    const encryption = encryptionKept(settings.get(place.bucket, 'encryption'))
    return accepted(xmlAnswer('ServerSideEncryptionConfiguration', encryptionXml(encryption)))
  }),
  'PUT encryption': changes('PutBucketEncryption', 's3:PutEncryptionConfiguration', (parts, call) =>
    withDocument(call, (document) => {
      const { bucket } = call.place
      const encryption = encryptionPut(document, encryptionKept(parts.settings.get(bucket, 'encryption')))
      if (!encryption.ok) return encryption
      parts.settings.set(bucket, 'encryption', encryption.value)
      return OK
    }),
  ),
  'DELETE encryption': changes('DeleteBucketEncryption', 's3:PutEncryptionConfiguration', ({ settings }, { place: { bucket } }) => {
    settings.set(bucket, 'encryption', encryptionDeleted(encryptionKept(settings.get(bucket, 'encryption'))))
    return NO_CONTENT
  }),

  'GET policy': reads('GetBucketPolicy', 's3:GetBucketPolicy', ({ settings }, { place }) => {
    const policy = settings.get(place.bucket, 'policy')
    if (typeof policy !== 'string') return noPolicy()
    return accepted({ status: 200, headers: { 'content-type': 'application/json' }, body: policy })
  }),
  'PUT policy': changes('PutBucketPolicy', 's3:PutBucketPolicy', putPolicy),
  'DELETE policy': changes('DeleteBucketPolicy', 's3:DeleteBucketPolicy', ({ settings }, { place }) => {
    settings.unset(place.bucket, 'policy')
    return NO_CONTENT
  }),
  'GET policyStatus': reads('GetBucketPolicyStatus', 's3:GetBucketPolicyStatus', ({ settings }, { place }) => {
    const policy = settings.get(place.bucket, 'policy')
    return typeof policy === 'string' ? accepted(xmlAnswer('PolicyStatus', elements({ IsPublic: isPublic(policy) }))) : noPolicy()
  }),

  'GET tagging': reads('GetBucketTagging', 's3:GetBucketTagging', ({ settings }, { place }) => {
    const tags = settings.get(place.bucket, 'tagging')
    if (tags === null) return refuse('NoSuchTagSet', 'The TagSet does not exist', 404)
    return accepted(xmlAnswer('Tagging', tagsXml(tags as Tags)))
  }),
  'PUT tagging': changes('PutBucketTagging', 's3:PutBucketTagging', ({ settings }, call) =>
    withDocument(call, (document) => {
      const tags = tagsPut(document)
      if (!tags.ok) return tags
      settings.set(call.place.bucket, 'tagging', tags.value)
      return NO_CONTENT
    }),
  ),
  'DELETE tagging': changes('DeleteBucketTagging', 's3:PutBucketTagging', ({ settings }, { place }) => {
    settings.unset(place.bucket, 'tagging')
    return NO_CONTENT
  }),

  'GET publicAccessBlock': reads('GetBucketPublicAccessBlock', 's3:GetBucketPublicAccessBlock', ({ settings }, { place }) => {
    const block = publicAccessKept(settings.get(place.bucket, 'publicAccessBlock'))
    if (block === null) return refuse('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found', 404)
    return accepted(xmlAnswer('PublicAccessBlockConfiguration', publicAccessXml(block)))
  }),
  'PUT publicAccessBlock': changes('PutBucketPublicAccessBlock', 's3:PutBucketPublicAccessBlock', ({ settings }, call) =>
    withDocument(call, (document) => {
      const block = publicAccessPut(document)
      if (!block.ok) return block
      settings.set(call.place.bucket, 'publicAccessBlock', block.value)
      return OK
    }),
  ),
  'DELETE publicAccessBlock': changes('DeleteBucketPublicAccessBlock', 's3:PutBucketPublicAccessBlock', ({ settings }, { place }) => {
    settings.set(place.bucket, 'publicAccessBlock', false)
    return NO_CONTENT
  }),

  'GET location': reads('GetBucketLocation', 's3:GetBucketLocation', ({ settings }, { request, place }) => {
    const region = regionOf(settings, place.bucket) ?? request.scope.region
    // The root is the value itself, as in no other answer.
    return accepted(xmlAnswer('LocationConstraint', region === US_EAST_1 ? '' : region))
  }),
  'GET logging': reads('GetBucketLogging', 's3:GetBucketLogging', ({ settings }, { place }) =>
    accepted(xmlAnswer('BucketLoggingStatus', loggingXml(loggingKept(settings.get(place.bucket, 'logging'))))),
  ),
  'PUT logging': changes('PutBucketLogging', 's3:PutBucketLogging', (parts, call) =>
    withDocument(call, async (document) => {
      const logging = loggingPut(document)
      if (!logging.ok) return logging
      const target = logging.value?.target
      if (target !== undefined && !(await parts.storage.hasBucket(call.request, target))) return noSuchTarget()
      parts.settings.set(call.place.bucket, 'logging', logging.value)
      return OK
    }),
  ),
  'GET website': reads('GetBucketWebsite', 's3:GetBucketWebsite', ({ settings }, { place }) => {
    const website = websiteKept(settings.get(place.bucket, 'website'))
    if (website === null) return refuse('NoSuchWebsiteConfiguration', 'The specified bucket does not have a website configuration', 404)
    return accepted(xmlAnswer('WebsiteConfiguration', websiteXml(website)))
  }),
  'PUT website': changes('PutBucketWebsite', 's3:PutBucketWebsite', ({ settings }, call) =>
    withDocument(call, (document) => {
      const website = websitePut(document)
      if (!website.ok) return website
      settings.set(call.place.bucket, 'website', website.value)
      return OK
    }),
  ),
  'DELETE website': changes('DeleteBucketWebsite', 's3:DeleteBucketWebsite', ({ settings }, { place }) => {
    settings.unset(place.bucket, 'website')
    return NO_CONTENT
  }),
  // Nothing here can turn this on.
  'GET versioning': reads('GetBucketVersioning', 's3:GetBucketVersioning', () => accepted(xmlAnswer('VersioningConfiguration', ''))),
  // ACLs are off in new buckets. https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
  'GET ownershipControls': reads('GetBucketOwnershipControls', 's3:GetBucketOwnershipControls', () =>
    accepted(xmlAnswer('OwnershipControls', around('Rule', elements({ ObjectOwnership: 'BucketOwnerEnforced' })))),
  ),
  'GET lifecycle': reads('GetBucketLifecycle', 's3:GetLifecycleConfiguration', forwarded),
  'PUT lifecycle': changes('PutBucketLifecycle', 's3:PutLifecycleConfiguration', forwarded),
  'DELETE lifecycle': changes('DeleteBucketLifecycle', 's3:PutLifecycleConfiguration', forwarded),
}

export const LIST_BUCKETS: BucketOperation = reads('ListBuckets', 's3:ListAllMyBuckets', listBuckets)

/** Made in the Region the request names, else in that of its signature. Outside us-east-1 a bucket is made once. */
async function createBucket({ storage, settings, nowMs }: S3Parts, { request, place }: S3Call): Promise<Checked<HttpAnswer>> {
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  const document = payload.value.bytes.length === 0 ? null : parseXml(payload.value.bytes.toString('utf8'))
  if (payload.value.bytes.length > 0 && document?.name !== 'CreateBucketConfiguration') return malformedXml()
  if (document !== null && childrenNamed(document, 'Bucket').length > 0) return notHad('directory buckets')
  const { region: signed } = request.scope
  const named = document === null ? null : childText(document, 'LocationConstraint')
  const region = named === null || named === '' ? signed : named
  if (await storage.hasBucket(request, place.bucket)) {
    return region === US_EAST_1
      ? accepted(emptyAnswer(200, { location: `/${place.bucket}` }))
      : refuse('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.', 409)
  }
  const answer = await storage.send(request, { method: 'PUT', place })
  if (!answer.ok) return answer
  settings.forget(place.bucket)
  settings.set(place.bucket, 'region', region)
  settings.set(place.bucket, 'createdMs', nowMs())
  return accepted(emptyAnswer(200, { location: `/${place.bucket}` }))
}

function putPolicy({ settings }: S3Parts, { request, place: { bucket } }: S3Call): Checked<HttpAnswer> {
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  const policy = checkedPolicy(payload.value.bytes.toString('utf8'), bucket)
  if (!policy.ok) return policy
  if (isPublic(policy.value) && publicAccessKept(settings.get(bucket, 'publicAccessBlock'))?.BlockPublicPolicy === true) {
    const message = `User: ${request.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::${bucket}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`
    return refuse('AccessDenied', message, 403)
  }
  settings.set(bucket, 'policy', policy.value)
  return NO_CONTENT
}

function noPolicy(): Checked<never> {
  return refuse('NoSuchBucketPolicy', 'The bucket policy does not exist', 404)
}

function withDocument(
  { request }: S3Call,
  put: (document: XmlElement) => Checked<HttpAnswer> | Promise<Checked<HttpAnswer>>,
): Checked<HttpAnswer> | Promise<Checked<HttpAnswer>> {
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  const document = parseXml(payload.value.bytes.toString('utf8'))
  return document === null ? malformedXml() : put(document)
}

function forwarded({ storage }: S3Parts, { request, place }: S3Call): Checked<HttpAnswer> | Promise<Checked<HttpAnswer>> {
  const payload = payloadOf(request.headers, request.body)
  if (!payload.ok) return payload
  return storage.send(request, { method: request.method, place, query: 'lifecycle', body: payload.value.bytes })
}
