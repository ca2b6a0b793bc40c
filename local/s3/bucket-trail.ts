import type { JsonObject } from '../../shared/json.ts'
import { jsonBody } from '../json-body.ts'
import type { Trail } from '../service.ts'
import { arnOf } from './place.ts'
import type { S3Call } from './parts.ts'
import { parseXml, type XmlElement } from './xml-tree.ts'

/**
 * What CloudTrail's record of an operation on a bucket says. The shape is that of real ones
 * (https://github.com/invictus-ir/aws_dataset): the name in the query as an empty member, the body under the name of its root.
 */
export function bucketTrail({ request, place }: S3Call, readOnly: boolean, isThere: boolean): Trail {
  const { headers, body, principal } = request
  const names = [...place.query.keys()].filter((name) => !name.toLowerCase().startsWith('x-'))
  return {
    readOnly,
    requestParameters: {
      ...(place.bucket !== '' && { bucketName: place.bucket }),
      Host: headers.host ?? '',
      ...Object.fromEntries(names.map((name) => [name, place.query.get(name) ?? ''])),
      ...(names.includes('policy') && body.length > 0 ? { bucketPolicy: jsonBody(body) } : documentOf(body)),
    },
    responseElements: null,
    ...(isThere && {
      resources: [{ accountId: principal.accountId, type: 'AWS::S3::Bucket', ARN: arnOf({ ...place, key: '' }, request) }],
    }),
    additionalEventData: { SignatureVersion: 'SigV4', bytesTransferredIn: body.length, AuthenticationMethod: 'AuthHeader' },
  }
}

function documentOf(body: Buffer): JsonObject {
  const document = body.length === 0 ? null : parseXml(body.toString('utf8'))
  return document === null ? {} : { [document.name]: membersOf(document) }
}

function membersOf({ namespace, children }: XmlElement): JsonObject {
  const members: Record<string, unknown> = namespace === null ? {} : { xmlns: namespace }
  for (const child of children) {
    const value = child.children.length > 0 ? membersOf(child) : valueOf(child.text)
    const before = members[child.name]
    members[child.name] = before === undefined ? value : Array.isArray(before) ? [...(before as unknown[]), value] : [before, value]
  }
  return members
}

function valueOf(text: string): string | boolean {
  return text === 'true' ? true : text === 'false' ? false : text
}
