import { isJsonObject, type JsonObject } from '../shared/json.ts'
import type { HttpFailure, HttpRequest } from './http.ts'
import { jsonBody } from './json-body.ts'
import { refusedObjectRequest } from './object-requests.ts'

/**
 * What fauxqs would misread, in the words of the service that the call is signed for; null if fauxqs can have it. It goes by method, path
 * and content type alone: a call for SQS could make an SNS topic or answer S3's list of buckets.
 */
export function refusedRequest(request: HttpRequest): HttpFailure | null {
  switch (request.scope.service) {
    case 's3':
      return refusedObjectRequest(request)
    case 'sns':
      return refusedTopicRequest(request)
    default:
      return refusedQueueRequest(request)
  }
}

const SQS_TYPE = 'application/x-amz-json-1.0'
const SNS_TYPE = 'application/x-www-form-urlencoded'
const SQS_PREFIX = 'AmazonSQS.'
const ATTRIBUTE_NAME = /^Attributes\.entry\.\d+\.key$/

function refusedQueueRequest(request: HttpRequest): HttpFailure | null {
  const target = request.headers['x-amz-target']
  if (!isPosted(request, SQS_TYPE))
    return refusal('InvalidRequest', `The local cloud's SQS takes POST / with ${SQS_TYPE} (AWS JSON 1.0) and nothing else.`)
  if (typeof target !== 'string' || !target.startsWith(SQS_PREFIX))
    return refusal('UnknownOperationException', `X-Amz-Target does not name an operation of SQS (${SQS_PREFIX}…).`)
  // fauxqs does not take an empty body for an empty object.
  const input = request.body.length === 0 ? null : jsonBody(request.body)
  if (input === null) return refusal('SerializationException', 'The body is not a JSON object.')
  const name = misshapen(input)
  if (name !== null) return refusal('SerializationException', `${name} is not of its type.`)
  const isBodyless =
    target === `${SQS_PREFIX}SendMessageBatch` && entriesOf(input).some(({ MessageBody }) => typeof MessageBody !== 'string')
  return isBodyless ? refusal('MissingParameter', 'The request must contain the parameter MessageBody in each entry.') : null
}

function entriesOf({ Entries }: JsonObject): readonly JsonObject[] {
  return Array.isArray(Entries) ? Entries.filter(isJsonObject) : []
}

function refusedTopicRequest(request: HttpRequest): HttpFailure | null {
  if (!isPosted(request, SNS_TYPE))
    return refusal('InvalidAction', `The local cloud's SNS takes POST / with ${SNS_TYPE} (AWS query) and nothing else.`)
  const form = new URLSearchParams(request.body.toString('utf8'))
  // fauxqs has it, as one of STS.
  if (form.get('Action') === 'GetCallerIdentity') return refusal('InvalidAction', 'SNS does not have this operation.')
  const policies = Array.from(form).filter(([name, value]) => ATTRIBUTE_NAME.test(name) && value === 'FilterPolicy')
  const values = policies.map(([name]) => form.get(name.replace(/key$/, 'value')) ?? '')
  return values.every((value) => jsonBody(Buffer.from(value)) !== null)
    ? null
    : refusal('InvalidParameter', 'Invalid parameter: FilterPolicy: not a JSON object')
}

function isPosted({ method, target, headers }: HttpRequest, type: string): boolean {
  const [sent = ''] = (headers['content-type'] ?? '').split(';')
  return method === 'POST' && target.split('?')[0] === '/' && sent.trim().toLowerCase() === type
}

function refusal(code: string, message: string): HttpFailure {
  return { status: 400, code, message }
}

type Shape = (value: unknown) => boolean

const isText: Shape = (value) => typeof value === 'string'
const isNumber: Shape = (value) => typeof value === 'number'
const listOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape)
const mapOf =
  (shape: Shape): Shape =>
  (value) =>
    isJsonObject(value) && Object.values(value).every(shape)
const isEntry: Shape = (value) => isJsonObject(value) && misshapen(value) === null
/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html */
const isAttribute: Shape = (value) =>
  isJsonObject(value) && isText(value['DataType']) && (isText(value['StringValue']) || isText(value['BinaryValue']))

/**
 * Of the members of all inputs: in SQS the same name has the same type everywhere. fauxqs fails at others.
 * https://github.com/aws/api-models-aws/tree/main/models/sqs
 */
const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ...shaped(isText, 'QueueName', 'QueueUrl', 'QueueOwnerAWSAccountId', 'QueueNamePrefix', 'NextToken', 'Id', 'ReceiptHandle'),
  ...shaped(isText, 'MessageBody', 'MessageGroupId', 'MessageDeduplicationId', 'ReceiveRequestAttemptId'),
  ...shaped(isNumber, 'DelaySeconds', 'VisibilityTimeout', 'MaxNumberOfMessages', 'WaitTimeSeconds', 'MaxResults'),
  ...shaped(mapOf(isText), 'Attributes', 'tags', 'Tags'),
  ...shaped(listOf(isText), 'AttributeNames', 'MessageAttributeNames', 'MessageSystemAttributeNames', 'TagKeys'),
  ...shaped(mapOf(isAttribute), 'MessageAttributes', 'MessageSystemAttributes'),
  ...shaped(listOf(isEntry), 'Entries'),
])

function shaped(shape: Shape, ...names: readonly string[]): readonly (readonly [string, Shape])[] {
  return names.map((name) => [name, shape])
}

/** The first member that is not of its type; null is no value. */
function misshapen(input: JsonObject): string | null {
  const found = Object.entries(input).find(([name, value]) => value !== null && SHAPES.get(name)?.(value) === false)
  return found === undefined ? null : found[0]
}
