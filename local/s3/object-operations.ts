import type { HttpAnswer } from '../http.ts'
import { copyObject } from './copy-object.ts'
import { deleteObject, deleteObjects } from './delete-objects.ts'
import { listObjects } from './list-objects.ts'
import { abortUpload, completeUpload, createUpload } from './multipart.ts'
import type { Checked } from './outcome.ts'
import type { S3Call, S3Parts } from './parts.ts'
import { headerText } from './place.ts'
import { getObject, headObject, objectAttributes } from './read-object.ts'
import { updateEncryption } from './update-encryption.ts'
import { uploadPart, uploadPartCopy } from './upload-parts.ts'
import { putObject } from './write-object.ts'

/** An operation on objects. CloudTrail has these as data events, which a trail leaves out unless told otherwise. */
export type ObjectOperation = {
  /** What the caller must be allowed; none where each object is judged by itself. */
  readonly actions: readonly string[]
  run(parts: S3Parts, call: S3Call): Promise<Checked<HttpAnswer>>
}

/** The operation a request is; null if it is none. */
export function objectOperation({ request, place }: S3Call): ObjectOperation | null {
  const { method, headers } = request
  const { query } = place
  const isCopy = headerText(headers, 'x-amz-copy-source') !== null
  if (place.key === '') {
    if (method === 'GET') return { actions: ['s3:ListBucket'], run: listObjects }
    return method === 'POST' && query.has('delete') ? { actions: [], run: deleteObjects } : null
  }
  switch (method) {
    case 'GET':
      return query.has('attributes')
        ? { actions: ['s3:GetObject', 's3:GetObjectAttributes'], run: objectAttributes }
        : { actions: ['s3:GetObject'], run: getObject }
    case 'HEAD':
      return { actions: ['s3:GetObject'], run: headObject }
    case 'PUT':
      if (query.has('encryption')) return { actions: ['s3:UpdateObjectEncryption'], run: updateEncryption }
      if (query.has('uploadId') || query.has('partNumber')) return { actions: ['s3:PutObject'], run: isCopy ? uploadPartCopy : uploadPart }
      return { actions: ['s3:PutObject'], run: isCopy ? copyObject : putObject }
    case 'POST':
      if (query.has('uploads')) return { actions: ['s3:PutObject'], run: createUpload }
      return query.has('uploadId') ? { actions: ['s3:PutObject'], run: completeUpload } : null
    case 'DELETE':
      return query.has('uploadId')
        ? { actions: ['s3:AbortMultipartUpload'], run: abortUpload }
        : { actions: ['s3:DeleteObject'], run: deleteObject }
    default:
      return null
  }
}
