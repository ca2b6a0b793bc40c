import { CloudTrailClient, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail'
import { ListRulesCommand, CloudWatchEventsClient } from '@aws-sdk/client-cloudwatch-events'
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns'
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCloudTrail } from '../../local/cloudtrail/service.ts'
import { createBus } from '../../local/events/bus.ts'
import { createEventBridge } from '../../local/events/service.ts'
import { createKms } from '../../local/kms/service.ts'
import { createSecretsManager } from '../../local/secrets.ts'
import { memoryState } from '../../local/state.ts'
import { type Ground, openGround } from './ground.ts'

let ground: Ground
let s3: S3Client

beforeAll(async () => {
  const { db } = memoryState()
  const bus = createBus({ db, deliver: () => Promise.reject(new Error('no rule is made here')), onLost: () => undefined })
  ground = await openGround({
    services: [createKms(db), createCloudTrail({ db }), createEventBridge({ db, bus }), createSecretsManager(db)],
  })
  s3 = new S3Client({ ...ground.client, forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket: 'trail' }))
})

afterAll(async () => {
  s3.destroy()
  await ground.close()
})

type Sent = {
  readonly service: string
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}
type Plain = { readonly status: number; readonly type: string; readonly body: string }

/** As no SDK sends it. */
function send({ service, method = 'POST', path = '/', headers, body }: Sent): Promise<Plain> {
  const authorization = `AWS4-HMAC-SHA256 Credential=any/20261120/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=any`
  const { port } = ground.endpoint
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers: { authorization, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response
        resolve({ status, type: answered['content-type'] ?? '', body: Buffer.concat(chunks).toString() })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

function codeOf({ type, body }: Plain): unknown {
  if (type.includes('xml')) return /<Code>(?<code>\w+)<\/Code>/.exec(body)?.groups?.['code']
  const answer = JSON.parse(body) as Readonly<Record<string, unknown>>
  return answer['__type']
}

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.0' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }
const sqs = (operation: string, body: string): Sent => ({
  service: 'sqs',
  headers: { ...JSON_TYPE, 'x-amz-target': `AmazonSQS.${operation}` },
  body,
})
const sns = (form: Record<string, string>): Sent => ({ service: 'sns', headers: FORM_TYPE, body: String(new URLSearchParams(form)) })
const s3At = (path: string, method = 'GET', headers: Record<string, string> = {}): Sent => ({ service: 's3', method, path, headers })

/** Each is refused with 4xx (501: this cloud does not have it) in the service's own words. */
const MALFORMED: readonly (readonly [title: string, sent: Sent, status: number, code: string])[] = [
  ['SQS with cut-off JSON', sqs('ListQueues', '{"x'), 400, 'SerializationException'],
  ['SQS with null', sqs('ListQueues', 'null'), 400, 'SerializationException'],
  ['SQS with a list', sqs('ListQueues', '[]'), 400, 'SerializationException'],
  ['SQS with no body', sqs('ListQueues', ''), 400, 'SerializationException'],
  ['SQS with a name that is a number', sqs('CreateQueue', '{"QueueName":5}'), 400, 'SerializationException'],
  ['SQS with an address that is a list', sqs('PurgeQueue', '{"QueueUrl":["a"]}'), 400, 'SerializationException'],
  ['SQS with entries that are no list', sqs('DeleteMessageBatch', '{"QueueUrl":"a","Entries":{}}'), 400, 'SerializationException'],
  ['SQS with an entry that is null', sqs('DeleteMessageBatch', '{"QueueUrl":"a","Entries":[null]}'), 400, 'SerializationException'],
  ['SQS with a bodyless entry', sqs('SendMessageBatch', '{"QueueUrl":"a","Entries":[{"Id":"1"}]}'), 400, 'MissingParameter'],
  ['SQS with a typeless attribute', sqs('SendMessage', '{"QueueUrl":"a","MessageAttributes":{"a":{}}}'), 400, 'SerializationException'],
  ['SQS with an unknown operation', sqs('Fly', '{}'), 400, 'com.amazonaws.sqs#InvalidAction'],
  ['SQS with a picture', { service: 'sqs', headers: { 'content-type': 'image/png' }, body: 'x' }, 400, 'InvalidRequest'],
  ['SQS with GET', { service: 'sqs', method: 'GET', path: '/?Action=ListQueues' }, 400, 'InvalidRequest'],
  ['SQS with an SNS call', { ...sns({ Action: 'CreateTopic', Name: 'stray' }), service: 'sqs' }, 400, 'InvalidRequest'],
  ['SQS with an S3 call', { ...s3At('/stray', 'PUT'), service: 'sqs' }, 400, 'InvalidRequest'],
  ['SQS with a bad path', { ...s3At('/%zz'), service: 'sqs' }, 400, 'InvalidRequest'],
  [
    'SQS with the prefix of KMS',
    { ...sqs('', '{}'), headers: { ...JSON_TYPE, 'x-amz-target': 'TrentService.ListQueues' } },
    400,
    'UnknownOperationException',
  ],
  ['SQS without a target', { service: 'sqs', headers: JSON_TYPE, body: '{}' }, 400, 'UnknownOperationException'],
  ['SNS with GET', { service: 'sns', method: 'GET', path: '/?Action=CreateTopic&Name=stray' }, 400, 'InvalidAction'],
  ['SNS with an SQS call', { ...sqs('CreateQueue', '{"QueueName":"stray"}'), service: 'sns' }, 400, 'InvalidAction'],
  ['SNS with an S3 call', { ...s3At('/stray', 'PUT'), service: 'sns' }, 400, 'InvalidAction'],
  ['SNS with an STS call', sns({ Action: 'GetCallerIdentity' }), 400, 'InvalidAction'],
  ['SNS without an operation', sns({}), 400, 'MissingAction'],
  [
    'SNS with a filter that is no JSON',
    sns({ Action: 'Subscribe', 'Attributes.entry.1.key': 'FilterPolicy', 'Attributes.entry.1.value': '{' }),
    400,
    'InvalidParameter',
  ],
  ['S3 with a bad path', s3At('/%zz'), 400, 'InvalidURI'],
  ['S3 with a bad key', s3At('/trail/%ff'), 400, 'InvalidURI'],
  ['S3 with a path that is an address', s3At('http://127.0.0.1/trail'), 400, 'InvalidURI'],
  ['S3 with an odd method', s3At('/trail', 'PATCH'), 405, 'MethodNotAllowed'],
  ['S3 with an upload in a form', { ...s3At('/trail', 'POST', FORM_TYPE), body: 'key=a' }, 501, 'NotImplemented'],
  ['S3 with an object posted', s3At('/trail/a', 'POST'), 405, 'MethodNotAllowed'],
  ['S3 with an SNS call', { ...sns({ Action: 'CreateTopic', Name: 'stray' }), service: 's3' }, 405, 'MethodNotAllowed'],
  ['S3 with an SQS call', { ...sqs('CreateQueue', '{"QueueName":"stray"}'), service: 's3' }, 405, 'MethodNotAllowed'],
  ['S3 with a long bucket', s3At(`/${'b'.repeat(101)}`), 400, 'InvalidBucketName'],
  ['S3 with an address of fauxqs', s3At('/_fauxqs/queues'), 400, 'InvalidBucketName'],
  ['S3 with a bucket that fauxqs hides', s3At('/health'), 501, 'NotImplemented'],
  ['S3 with a name twice', s3At('/trail?prefix=a&prefix=b'), 400, 'InvalidArgument'],
  ['S3 with a bad source', s3At('/trail/a', 'PUT', { 'x-amz-copy-source': '%zz' }), 400, 'InvalidArgument'],
]

describe('a call that fauxqs would misread', () => {
  it.each(MALFORMED)('is refused: %s', async (_title, sent, status, code) => {
    const before = ground.faults.length
    const answer = await send(sent)
    expect([answer.status, codeOf(answer)]).toEqual([status, code])
    expect(ground.faults.slice(before)).toEqual([])
  })

  it('makes nothing in another service', async () => {
    for (const [, sent] of MALFORMED) await send(sent)
    const queues = new SQSClient(ground.client)
    const topics = new SNSClient(ground.client)
    expect((await queues.send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([])
    expect((await topics.send(new ListTopicsCommand({}))).Topics ?? []).toEqual([])
    expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toEqual(['trail'])
    queues.destroy()
    topics.destroy()
  })
})

describe('an object', () => {
  const BYTES = 'application/octet-stream'
  const TYPES: readonly (readonly [type: Record<string, string>, body: string, answered: string])[] = [
    [FORM_TYPE, 'hi', FORM_TYPE['content-type']],
    [JSON_TYPE, '{', JSON_TYPE['content-type']],
    [{ 'content-type': 'text/plain' }, '', 'text/plain'],
    [{}, '', BYTES],
    // What is no media type is kept, but not sent again.
    [{ 'content-type': 'no type at all' }, 'x', BYTES],
  ]
  it.each(TYPES)('sent with %j is kept as it came: %j', async (type, body, answered) => {
    const answer = await send({ ...s3At('/trail/k', 'PUT', type), body })
    expect(answer.status).toBe(200)
    const { Body, ContentType } = await s3.send(new GetObjectCommand({ Bucket: 'trail', Key: 'k' }))
    expect([await Body?.transformToString(), ContentType]).toEqual([body, answered])
  })
})

describe('a service of ours', () => {
  const CALLS: readonly (readonly [service: string, target: string, answer: number | string])[] = [
    ['kms', 'TrentService.ListKeys', 200],
    ['kms', 'DynamoDB_20120810.CreateKey', 'UnknownOperationException'],
    ['kms', 'CreateKey', 'UnknownOperationException'],
    ['kms', '.CreateKey', 'UnknownOperationException'],
    ['kms', 'TrentService.', 'UnknownOperationException'],
    ['kms', 'TrentService.TrentService.CreateKey', 'UnknownOperationException'],
    ['kms', 'trentservice.CreateKey', 'UnknownOperationException'],
    ['cloudtrail', 'CloudTrail_20131101.DescribeTrails', 200],
    ['cloudtrail', 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.DescribeTrails', 200],
    ['cloudtrail', 'TrentService.DescribeTrails', 'UnknownOperationException'],
    ['events', 'AWSEvents.ListRules', 200],
    ['events', 'CloudTrail_20131101.ListRules', 'UnknownOperationException'],
    ['secretsmanager', 'secretsmanager.GetSecretValue', 'ValidationException'],
    ['secretsmanager', 'AWSEvents.GetSecretValue', 'UnknownOperationException'],
  ]
  it.each(CALLS)('%s answers X-Amz-Target %s with %s', async (service, target, expected) => {
    const answer = await send({ service, headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target }, body: '{}' })
    expect(answer.status === 200 ? 200 : codeOf(answer)).toBe(expected)
  })

  it('answers its SDK, and has made nothing for the others', async () => {
    const clients = {
      kms: new KMSClient(ground.client),
      cloudTrail: new CloudTrailClient(ground.client),
      events: new CloudWatchEventsClient(ground.client),
      secrets: new SecretsManagerClient(ground.client),
    }
    expect((await clients.kms.send(new ListKeysCommand({}))).Keys).toEqual([])
    expect((await clients.cloudTrail.send(new DescribeTrailsCommand({}))).trailList).toEqual([])
    expect((await clients.events.send(new ListRulesCommand({}))).Rules).toEqual([])
    await expect(clients.secrets.send(new GetSecretValueCommand({ SecretId: 'none' }))).rejects.toThrow(ResourceNotFoundException)
    for (const client of Object.values(clients)) client.destroy()
    expect(ground.faults).toEqual([])
  })
})
