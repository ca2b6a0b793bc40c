import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { DescribeStackResourceCommand } from '@aws-sdk/client-cloudformation'
import {
  DeleteEventSourceMappingCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOCAL_CREDENTIALS } from '../../local/clients.ts'
import { parseStack } from '../../local/stack/template.ts'
import { isJsonObject, textOf } from '../../shared/json.ts'
import { refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'

const COUNTS = 'keytrail-count-key-usage'
const CODE = readFileSync(new URL('../../functions/count-key-usage.ts', import.meta.url))
const STACK = parseStack(readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8'))
const MAPPED = STACK.resources
  .filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')
  .map(({ properties }) => (isJsonObject(properties['FunctionName']) ? textOf(properties['FunctionName'], 'Ref') : null))

let cloud: WatchedCloud
let lambda: LambdaClient

beforeAll(async () => {
  cloud = await startCloud()
  lambda = clientIn(cloud.region)
}, 60_000)
afterAll(async () => {
  lambda.destroy()
  await cloud.close()
})

function clientIn(region: string): LambdaClient {
  return new LambdaClient({ endpoint: cloud.url, region, credentials: LOCAL_CREDENTIALS, maxAttempts: 1 })
}

async function mappingId(): Promise<string> {
  const { EventSourceMappings: [found] = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: COUNTS }))
  return found?.UUID ?? ''
}

async function named(eventName: string): Promise<unknown> {
  const LookupAttributes = [{ AttributeKey: 'EventName' as const, AttributeValue: eventName }]
  const { Events: [found] = [] } = await cloud.clients.cloudTrail.send(new LookupEventsCommand({ LookupAttributes }))
  return JSON.parse(found?.CloudTrailEvent ?? '{}')
}

/** A message for the function, after which nothing waits any more. */
async function send(): Promise<void> {
  await cloud.clients.sqs.send(new SendMessageCommand({ QueueUrl: refOf(cloud, 'KeyUsageQueue'), MessageBody: 'none' }))
  await cloud.settle()
}

describe('Lambda in the local cloud, with the unmodified SDK', () => {
  it('tells of the functions of the stack as they are deployed', async () => {
    expect(await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: COUNTS }))).toMatchObject({
      FunctionArn: `arn:aws:lambda:${cloud.region}:${cloud.accountId}:function:${COUNTS}`,
      CodeSha256: createHash('sha256').update(CODE).digest('base64'),
      MemorySize: 1024,
      Timeout: 60,
    })
    const arn = `arn:aws:lambda:${cloud.region}:${cloud.accountId}:function:keytrail-sweep`
    expect(await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: arn }))).not.toHaveProperty('ReservedConcurrentExecutions')
  })

  it('tells what it reads for which function, under the IDs that the stack has', async () => {
    const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}))
    expect(EventSourceMappings.map(({ FunctionArn, State }) => [FunctionArn?.split(':').at(-1), State])).toEqual(
      STACK.functions.filter(({ logicalId }) => MAPPED.includes(logicalId)).map(({ name }) => [name, 'Enabled']),
    )
    const resource = { StackName: 'keytrail', LogicalResourceId: 'AuditMapping' }
    const { StackResourceDetail } = await cloud.clients.cloudFormation.send(new DescribeStackResourceCommand(resource))
    const found = EventSourceMappings.find(({ FunctionArn }) => FunctionArn?.endsWith(':keytrail-audit-change'))
    expect(found?.UUID).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    expect(StackResourceDetail?.PhysicalResourceId).toBe(found?.UUID)
    expect((await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: 'keytrail-sweep' }))).EventSourceMappings).toEqual([])
  })

  it('reads no queue for a function while that is disabled', async () => {
    const UUID = await mappingId()
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }))
    const before = cloud.batches.length
    await send()
    expect(cloud.batches).toHaveLength(before)
    expect(await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }))).toMatchObject({ State: 'Enabled' })
    await cloud.settle()
    expect(cloud.batches.slice(before)).toMatchObject([{ messages: 1, failed: 0 }])
  })

  it('runs a function neither without concurrency nor with other code', async () => {
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: COUNTS, ReservedConcurrentExecutions: 0 }))
    await send()
    expect(cloud.batches.at(-1)).toMatchObject({ failed: 1, outcome: { message: expect.stringContaining('concurrency is 0') as unknown } })
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: COUNTS, ReservedConcurrentExecutions: 3 }))
    const other = Buffer.from('other')
    const digest = createHash('sha256').update(other).digest('base64')
    const dry = { FunctionName: COUNTS, ZipFile: other, DryRun: true }
    expect((await lambda.send(new UpdateFunctionCodeCommand(dry))).CodeSha256).toBe(digest)
    await send()
    expect(cloud.batches.at(-1)).toMatchObject({ failed: 0 })
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: COUNTS, ZipFile: other }))
    expect((await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: COUNTS }))).CodeSha256).toBe(digest)
    await send()
    expect(cloud.batches.at(-1)).toMatchObject({ failed: 1, outcome: { message: expect.stringContaining('was replaced') as unknown } })
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: COUNTS, ZipFile: CODE }))
    await send()
    expect(cloud.batches.at(-1)).toMatchObject({ failed: 0 })
  })

  it('has its changes recorded as CloudTrail does, without the code', async () => {
    const eventSource = 'lambda.amazonaws.com'
    expect(await named('UpdateFunctionCode20150331v2')).toMatchObject({
      eventSource,
      readOnly: false,
      requestParameters: { functionName: COUNTS },
      responseElements: { functionName: COUNTS, codeSha256: createHash('sha256').update(CODE).digest('base64') },
    })
    expect(JSON.stringify(await named('UpdateFunctionCode20150331v2'))).not.toContain('zipFile')
    expect(await named('UpdateEventSourceMapping20150331')).toMatchObject({
      eventSource,
      requestParameters: { uUID: await mappingId(), enabled: true },
      responseElements: { uUID: await mappingId(), state: 'Enabled' },
    })
  })

  const FunctionName = 'keytrail-none'
  it.each([
    [new GetFunctionConfigurationCommand({ FunctionName }), 'ResourceNotFoundException'],
    [new GetFunctionConfigurationCommand({ FunctionName: '%zz' }), 'ResourceNotFoundException'],
    [new ListEventSourceMappingsCommand({ FunctionName }), 'ResourceNotFoundException'],
    [new UpdateEventSourceMappingCommand({ UUID: 'none', Enabled: false }), 'ResourceNotFoundException'],
    [new DeleteEventSourceMappingCommand({ UUID: 'none' }), 'ResourceNotFoundException'],
    [new UpdateFunctionCodeCommand({ FunctionName: COUNTS, S3Bucket: 'code', S3Key: 'code.zip' }), 'InvalidParameterValueException'],
    [new PutFunctionConcurrencyCommand({ FunctionName: COUNTS, ReservedConcurrentExecutions: -1 }), 'InvalidParameterValueException'],
    [new InvokeCommand({ FunctionName: COUNTS }), 'UnknownOperationException'],
  ] as const)('refuses %o', async (command, name) => {
    // The commands of a client are all sent alike.
    await expect(lambda.send(command as GetFunctionConfigurationCommand)).rejects.toMatchObject({ name })
  })

  it('changes nothing but Enabled of a mapping, and has its functions in one Region', async () => {
    const UUID = await mappingId()
    await expect(lambda.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 1 }))).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    })
    const elsewhere = clientIn('us-west-2')
    expect((await elsewhere.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings).toEqual([])
    await expect(elsewhere.send(new DeleteEventSourceMappingCommand({ UUID }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    elsewhere.destroy()
    expect(await lambda.send(new DeleteEventSourceMappingCommand({ UUID }))).toMatchObject({ UUID, State: 'Deleting' })
    expect(await mappingId()).toBe('')
    const before = cloud.batches.length
    await send()
    expect(cloud.batches).toHaveLength(before)
    expect(cloud.faults).toEqual([])
  })
})
