import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ResourceNotFoundException,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Ground, openGround, temporaryFolder } from './ground.ts'

const TABLE = 'usage'
const YEAR_S = 365 * 24 * 3600
let ground: Ground
let client: DynamoDBClient

beforeEach(async () => {
  ground = await openGround()
  client = new DynamoDBClient(ground.client)
  await createTable(client)
})

afterEach(async () => {
  client.destroy()
  await ground.close()
})

function createTable(dynamo: DynamoDBClient): Promise<unknown> {
  return dynamo.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
}

function put(sk: number, members: Record<string, { N: string } | { S: string } | { B: Uint8Array }> = {}): Promise<unknown> {
  return client.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: 'a' }, sk: { N: String(sk) }, ...members } }))
}

function timeToLive(Enabled: boolean): Promise<unknown> {
  const TimeToLiveSpecification = { Enabled, AttributeName: 'gone' }
  return client.send(new UpdateTimeToLiveCommand({ TableName: TABLE, TimeToLiveSpecification }))
}

/** What DynamoDB answers with no way over HTTP between: sooner than any client hears it. */
async function asked(operation: string, input: object): Promise<unknown> {
  const { body } = await ground.dynamodb.answer({
    method: 'POST',
    target: '/',
    headers: { 'x-amz-target': `DynamoDB_20120810.${operation}` },
    body: Buffer.from(JSON.stringify(input)),
    scope: { accessKeyId: 'any', region: 'us-east-1', service: 'dynamodb' },
    principal: ground.principals.of('any'),
    requestId: 'any',
    isSecure: false,
    sourceIp: '127.0.0.1',
  })
  return JSON.parse(body.toString())
}

async function sortKeys(): Promise<readonly (string | undefined)[]> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: TABLE }))
  return Items.map((item) => item['sk']?.N)
}

describe('tables', () => {
  it('hold items, bytes included', async () => {
    await put(1, { data: { B: Uint8Array.of(0, 255, 1) } })
    await put(2)
    const { Items = [] } = await client.send(
      new QueryCommand({ TableName: TABLE, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'a' } } }),
    )
    expect(Items).toEqual([
      { pk: { S: 'a' }, sk: { N: '1' }, data: { B: Uint8Array.of(0, 255, 1) } },
      { pk: { S: 'a' }, sk: { N: '2' } },
    ])
    const { Table } = await client.send(new DescribeTableCommand({ TableName: TABLE }))
    expect(Table).toMatchObject({ TableStatus: 'ACTIVE', TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/usage' })
  })

  it('are made, changed and gone as soon as that is answered', async () => {
    const named = { TableName: 'other' }
    const KeySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }]
    const AttributeDefinitions = [{ AttributeName: 'pk', AttributeType: 'S' }]
    await asked('CreateTable', { ...named, BillingMode: 'PAY_PER_REQUEST', KeySchema, AttributeDefinitions })
    expect(await asked('DescribeTable', named)).toMatchObject({ Table: { TableStatus: 'ACTIVE' } })
    const ProvisionedThroughput = { ReadCapacityUnits: 5, WriteCapacityUnits: 5 }
    await asked('UpdateTable', { ...named, BillingMode: 'PROVISIONED', ProvisionedThroughput })
    expect(await asked('DescribeTable', named)).toMatchObject({ Table: { TableStatus: 'ACTIVE', ProvisionedThroughput } })
    await asked('DeleteTable', named)
    expect(await asked('DescribeTable', named)).toHaveProperty('__type', 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException')
  })

  it("fail with the SDK's own exceptions", async () => {
    await put(1)
    const again = new PutItemCommand({
      TableName: TABLE,
      Item: { pk: { S: 'a' }, sk: { N: '1' } },
      ConditionExpression: 'attribute_not_exists(pk)',
    })
    await expect(client.send(again)).rejects.toThrow(ConditionalCheckFailedException)
    await expect(client.send(new GetItemCommand({ TableName: 'other', Key: { pk: { S: 'a' } } }))).rejects.toThrow(
      ResourceNotFoundException,
    )
    await expect(client.send(new GetItemCommand({ TableName: TABLE, Key: { pk: { S: 'a' } } }))).rejects.toMatchObject({
      name: 'ValidationException',
    })
    expect(ground.faults).toEqual([])
  })

  it('refuse what the local cloud does not have', async () => {
    const Put = { TableName: TABLE, Item: { pk: { S: 'a' }, sk: { N: '1' } } }
    await expect(client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: 'The local cloud does not have this operation.',
    })
  })

  it('answer a body that is no JSON object as DynamoDB does', async () => {
    const headers = {
      authorization: 'AWS4-HMAC-SHA256 Credential=any/20261120/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=any',
      'x-amz-target': 'DynamoDB_20120810.ListTables',
    }
    const answer = await fetch(ground.endpoint.url, { method: 'POST', headers, body: '[' })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ __type: 'com.amazon.coral.service#SerializationException' })
  })
})

describe('time to live', () => {
  it('is described as it was set, and refuses to be set twice', async () => {
    const describeIt = new DescribeTimeToLiveCommand({ TableName: TABLE })
    expect((await client.send(describeIt)).TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'DISABLED' })
    await expect(timeToLive(false)).rejects.toThrow('TimeToLive is already disabled')
    await timeToLive(true)
    expect((await client.send(describeIt)).TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'gone' })
    await expect(timeToLive(true)).rejects.toMatchObject({ name: 'ValidationException', message: 'TimeToLive is already enabled' })
    await client.send(new DeleteTableCommand({ TableName: TABLE }))
    await createTable(client)
    expect((await client.send(describeIt)).TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'DISABLED' })
    await expect(client.send(new DescribeTimeToLiveCommand({ TableName: 'other' }))).rejects.toThrow(ResourceNotFoundException)
  })

  it('removes what is past by the local clock, when asked', async () => {
    const nowS = Math.floor(ground.clock.nowMs() / 1000)
    await put(1, { gone: { N: String(nowS + 3600) } })
    await put(2, { gone: { N: String(nowS + 3 * 3600) } })
    await put(3)
    await put(4, { gone: { S: String(nowS - 3600) } })
    await put(5, { gone: { N: String(nowS - 6 * YEAR_S) } })
    expect(await ground.dynamodb.expire()).toBe(0)
    await timeToLive(true)
    expect(await ground.dynamodb.expire()).toBe(0)
    await ground.clock.advance(2 * 3600 * 1000)
    expect(await ground.dynamodb.expire()).toBe(1)
    expect(await sortKeys()).toEqual(['2', '3', '4', '5'])
  })

  it('removes page after page', async () => {
    await timeToLive(true)
    const filler = { S: 'x'.repeat(300_000) }
    const past = { N: String(Math.floor(ground.clock.nowMs() / 1000) - 60) }
    for (let sk = 0; sk < 8; sk++) await put(sk, { filler, gone: past })
    expect(await ground.dynamodb.expire()).toBe(8)
    expect(await sortKeys()).toEqual([])
  })
})

it('keeps tables, items and time to live over a restart', async () => {
  const { folder, remove } = temporaryFolder()
  const first = await openGround({ folder })
  const before = new DynamoDBClient(first.client)
  await createTable(before)
  const TimeToLiveSpecification = { Enabled: true, AttributeName: 'gone' }
  await before.send(new UpdateTimeToLiveCommand({ TableName: TABLE, TimeToLiveSpecification }))
  await before.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: 'a' }, sk: { N: '7' } } }))
  before.destroy()
  await first.close()
  const second = await openGround({ folder })
  const after = new DynamoDBClient(second.client)
  const { Item } = await after.send(new GetItemCommand({ TableName: TABLE, Key: { pk: { S: 'a' }, sk: { N: '7' } } }))
  expect(Item).toEqual({ pk: { S: 'a' }, sk: { N: '7' } })
  const { TimeToLiveDescription } = await after.send(new DescribeTimeToLiveCommand({ TableName: TABLE }))
  expect(TimeToLiveDescription?.AttributeName).toBe('gone')
  after.destroy()
  await second.close()
  remove()
})
