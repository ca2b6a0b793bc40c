import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourceCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CloudFormation, createCloudFormation } from '../../local/cloudformation.ts'
import type { SeenCall } from '../../local/json-protocol.ts'
import { type Made, parseStack } from '../../local/stack/template.ts'
import { type Ground, openGround } from './ground.ts'

const START_MS = Date.parse('2026-10-20T06:00:00.000Z')
const QUEUE_URL = 'http://127.0.0.1:1/000000000000/keytrail-KeyUsageQueue'
const description = parseStack(readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8'))
const made = new Map<string, Made>([
  ['AuditedAccounts', { ref: '<all> & none' }],
  ['UsageTable', { ref: 'keytrail-UsageTable' }],
  ['KeyUsageQueue', { ref: QUEUE_URL }],
  ['KeyUsageRule', { ref: 'keytrail-key-usage' }],
  ['CountKeyUsageLambdaFunction', { ref: 'keytrail-count-key-usage' }],
])

let ground: Ground
let client: CloudFormationClient
let service: CloudFormation
let seen: SeenCall[]

beforeEach(async () => {
  seen = []
  const room = {
    nowMs: () => START_MS,
    onCall: (call: SeenCall) => void seen.push(call),
    onFault: (error: unknown) => expect.unreachable(String(error)),
  }
  service = createCloudFormation({ db: new DatabaseSync(':memory:'), accountId: '000000000000', room })
  ground = await openGround({ http: { cloudformation: service } })
  client = new CloudFormationClient(ground.client)
})
afterEach(async () => {
  client.destroy()
  await ground.close()
})

function tell(region = 'us-east-1'): void {
  service.tell({ description, made, region, digest: 'first' }, START_MS)
}

function refused(message: string) {
  return { name: 'ValidationError', message, $metadata: { httpStatusCode: 400 } }
}

describe('the stack', () => {
  it('is found by name and by ID, the same after a second start', async () => {
    tell()
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: 'keytrail' }))
    expect(Stacks).toMatchObject([
      { StackName: 'keytrail', StackStatus: 'CREATE_COMPLETE', CreationTime: new Date(START_MS), Parameters: expect.any(Array) as unknown },
    ])
    expect(Stacks[0]?.Parameters).toContainEqual({ ParameterKey: 'AuditedAccounts', ParameterValue: '<all> & none' })
    const StackName = Stacks[0]?.StackId ?? ''
    expect(StackName).toMatch(/^arn:aws:cloudformation:us-east-1:000000000000:stack\/keytrail\/[\da-f-]{36}$/)
    service.tell({ description, made, region: 'us-east-1', digest: 'first' }, START_MS + 1000)
    for (const input of [{ StackName }, {}]) expect(await client.send(new DescribeStacksCommand(input))).toMatchObject({ Stacks })
    expect(seen[0]).toMatchObject({
      call: { operation: 'DescribeStacks' },
      answer: { trail: { readOnly: true, requestParameters: { stackName: 'keytrail' } } },
    })
  })

  it('was changed when another one was deployed, and not with every start', async () => {
    tell()
    for (const [digest, laterMs] of [
      ['second', 1000],
      ['second', 2000],
    ] as const)
      service.tell({ description, made, region: 'us-east-1', digest }, START_MS + laterMs)
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: 'keytrail' }))
    expect(Stacks).toMatchObject([
      { StackStatus: 'UPDATE_COMPLETE', CreationTime: new Date(START_MS), LastUpdatedTime: new Date(START_MS + 1000) },
    ])
  })

  it('tells what its logical IDs are', async () => {
    tell()
    const { StackResourceSummaries = [] } = await client.send(new ListStackResourcesCommand({ StackName: 'keytrail' }))
    expect(StackResourceSummaries).toHaveLength(description.functions.length + description.resources.length)
    const idOf = (logicalId: string) => StackResourceSummaries.find(({ LogicalResourceId }) => LogicalResourceId === logicalId)
    expect(idOf('UsageTable')).toMatchObject({ ResourceType: 'AWS::DynamoDB::Table', PhysicalResourceId: 'keytrail-UsageTable' })
    expect(idOf('CountKeyUsageLambdaFunction')).toMatchObject({
      ResourceType: 'AWS::Lambda::Function',
      PhysicalResourceId: 'keytrail-count-key-usage',
      ResourceStatus: 'CREATE_COMPLETE',
      LastUpdatedTimestamp: new Date(START_MS),
    })
    expect(StackResourceSummaries.map(({ ResourceType }) => ResourceType)).toContain('AWS::IAM::Role')
    expect(StackResourceSummaries.every(({ PhysicalResourceId = '' }) => PhysicalResourceId !== '')).toBe(true)
    const asked = { StackName: 'keytrail', LogicalResourceId: 'KeyUsageQueue' }
    const { StackResourceDetail } = await client.send(new DescribeStackResourceCommand(asked))
    expect(StackResourceDetail).toMatchObject({ PhysicalResourceId: QUEUE_URL, StackName: 'keytrail' })
    const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand(asked))
    expect(StackResources).toMatchObject([{ PhysicalResourceId: QUEUE_URL, Timestamp: new Date(START_MS) }])
  })

  it('tells whether it owns a resource', async () => {
    tell()
    for (const PhysicalResourceId of ['keytrail-UsageTable', QUEUE_URL, 'keytrail-key-usage']) {
      const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ PhysicalResourceId }))
      expect(StackResources.map((resource) => resource.PhysicalResourceId)).toContain(PhysicalResourceId)
      expect(new Set(StackResources.map(({ StackName }) => StackName))).toEqual(new Set(['keytrail']))
    }
    await expect(client.send(new DescribeStackResourcesCommand({ PhysicalResourceId: 'bucket' }))).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack for bucket does not exist',
    })
  })

  it('is the only one, in its own Region', async () => {
    await expect(client.send(new DescribeStacksCommand({ StackName: 'keytrail' }))).rejects.toMatchObject(
      refused('Stack with id keytrail does not exist'),
    )
    expect((await client.send(new DescribeStacksCommand({}))).Stacks ?? []).toEqual([])
    tell('eu-central-1')
    await expect(client.send(new ListStackResourcesCommand({ StackName: 'keytrail' }))).rejects.toMatchObject(
      refused('Stack with id keytrail does not exist'),
    )
    tell()
    const none = { StackName: 'a<b>' }
    await expect(client.send(new DescribeStacksCommand(none))).rejects.toMatchObject(refused('Stack with id a<b> does not exist'))
    await expect(client.send(new DescribeStackResourcesCommand(none))).rejects.toMatchObject(refused('Stack with id a<b> does not exist'))
    await expect(client.send(new DescribeStackResourceCommand({ ...none, LogicalResourceId: 'x' }))).rejects.toMatchObject(
      refused("Stack 'a<b>' does not exist"),
    )
    await expect(client.send(new DescribeStackResourceCommand({ StackName: 'keytrail', LogicalResourceId: 'x' }))).rejects.toMatchObject(
      refused('Resource x does not exist for stack keytrail'),
    )
    for (const input of [{}, { StackName: 'keytrail', PhysicalResourceId: QUEUE_URL }])
      await expect(client.send(new DescribeStackResourcesCommand(input))).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(client.send(new CreateStackCommand({ StackName: 'other' }))).rejects.toMatchObject({ name: 'InvalidAction' })
  })
})
