import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DisableRuleCommand, PutRuleCommand, PutTargetsCommand, RemoveTargetsCommand } from '@aws-sdk/client-cloudwatch-events'
import { DeleteQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ControlledFunction } from '../../../local/lambda-control.ts'
import { parseStack, resolved } from '../../../local/stack/template.ts'
import type { FactParts } from '../../../shared/aws/facts/fact-parts.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_RULES } from '../../../shared/aws/facts/own-stack.ts'
import { ownQueuePolicy, queuePolicyProblems } from '../../../shared/aws/facts/queue-policy.ts'
import { putRule } from '../../../shared/aws/rules.ts'
import { isJsonObject, type JsonObject } from '../../../shared/json.ts'
import { FACT_ACTIONS, type StackFacts } from '../../../shared/rules/facts.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import type { EpochS } from '../../../shared/time.ts'
import { refOf } from '../../support/local-cloud.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX, unreadOf, valuesOf } from './fact-ground.ts'

const accountId = '000000000000'
const ALL = Object.keys(FACT_ACTIONS.keytrail_stack)
const description = parseStack(readFileSync(new URL('../../../serverless.yml', import.meta.url), 'utf8'))
const resources = (type: string): typeof description.resources => description.resources.filter((each) => each.type === type)

let ground: FactGround
let stack: Resource<'keytrail_stack'>
const queueArn = (logicalId: string): string => ground.cloud.made.get(logicalId)?.attributes?.['Arn'] ?? ''
const ruleArn = queueArn

beforeAll(async () => {
  ground = await openFactGround()
  const { Stacks: [found] = [] } = await ground.cloud.clients.cloudFormation.send(new DescribeStacksCommand({ StackName: 'keytrail' }))
  stack = { kind: 'keytrail_stack', arn: found?.StackId ?? '', accountId, region: ground.cloud.region }
  await restore()
}, START_MS_MAX)
afterAll(() => ground.close())

function functionOf(name: string, changes: Partial<ControlledFunction> = {}): ControlledFunction {
  const reads = OWN_FUNCTIONS.find((each) => each.name === name)?.reads ?? []
  return {
    name,
    arn: `arn:aws:lambda:${ground.cloud.region}:${accountId}:function:${name}`,
    code: Buffer.from(`code of ${name}`),
    memoryMb: 512,
    timeoutMs: 60_000,
    modifiedMs: 0,
    reservedConcurrency: null,
    mappings: reads.map((logicalId) => ({ id: logicalId, queueArn: queueArn(logicalId), isEnabled: true, batchSize: 10 })),
    ...changes,
  }
}

/** A part of the stack that has one of each. */
const PART = {
  rules: OWN_RULES.slice(0, 2),
  queues: OWN_QUEUES.filter(({ logicalId }) => ['KeyUsageQueue', 'RollUpDeadLetterQueue'].includes(logicalId)),
  functions: OWN_FUNCTIONS.slice(0, 2),
}
const read = (of: Resource, names: readonly string[] = ALL, changes: Partial<FactParts> = {}): ReturnType<FactGround['read']> =>
  ground.read(of, names, { ownStack: { ...ground.parts().ownStack, ...PART }, ...changes })

/** Makes this part as serverless.yml has it. */
async function restore(): Promise<void> {
  const { sqs, events } = ground.cloud.clients
  for (const { name, state, pattern, schedule, targets } of PART.rules) {
    const what = pattern === null ? { ScheduleExpression: schedule ?? '' } : { EventPattern: JSON.stringify(pattern) }
    await putRule(
      events,
      { Name: name, State: state, ...what },
      targets.map((id) => ({ Id: id, Arn: queueArn(id) })),
    )
  }
  for (const { logicalId, senders } of PART.queues) {
    const Policy = ownQueuePolicy(queueArn(logicalId), senders.map(ruleArn))
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: refOf(ground.cloud, logicalId), Attributes: { Policy } }))
  }
  ground.functions = PART.functions.map(({ name }) => functionOf(name))
}

async function factsOf(): Promise<StackFacts> {
  return valuesOf('keytrail_stack', await read(stack))
}

describe('what is known of the stack without asking', () => {
  it('is what serverless.yml deploys: rules', () => {
    const deployed = resources('AWS::Events::Rule').map(({ logicalId, properties }) => ({
      logicalId,
      name: properties['Name'],
      state: properties['State'],
      pattern: properties['EventPattern'] ?? null,
      schedule: properties['ScheduleExpression'] ?? null,
      targets: targetsOf(properties),
    }))
    expect(OWN_RULES.toSorted(byLogicalId)).toEqual(deployed.toSorted(byLogicalId))
  })

  it('is what serverless.yml deploys: queues and their policies', () => {
    const policies = resources('AWS::SQS::QueuePolicy').map(({ properties }) => {
      const { Queues: [queue] = [], PolicyDocument } = resolved(properties, ground.cloud.made) as {
        readonly Queues?: readonly string[]
        readonly PolicyDocument?: unknown
      }
      return [queue, JSON.stringify(PolicyDocument)] as const
    })
    expect(OWN_QUEUES.map(({ logicalId }) => logicalId).toSorted()).toEqual(
      resources('AWS::SQS::Queue')
        .map(({ logicalId }) => logicalId)
        .toSorted(),
    )
    const found = new Map(policies)
    for (const { logicalId, senders } of OWN_QUEUES) {
      const policy = found.get(refOf(ground.cloud, logicalId)) ?? ''
      expect([logicalId, queuePolicyProblems(policy, ownQueuePolicy(queueArn(logicalId), senders.map(ruleArn)))]).toEqual([logicalId, []])
    }
  })

  it('is what serverless.yml deploys: functions and what they read', () => {
    const mappings = resources('AWS::Lambda::EventSourceMapping').map(({ properties }) => [
      refIn(properties['FunctionName']),
      attributeOf(properties['EventSourceArn']),
    ])
    const deployed = description.functions.map(({ logicalId, name }) => ({
      logicalId,
      name,
      reads: mappings.filter(([of]) => of === logicalId).map(([, queue]) => queue),
    }))
    expect(OWN_FUNCTIONS.toSorted(byLogicalId)).toEqual(deployed.toSorted(byLogicalId))
  })
})

function byLogicalId(left: { readonly logicalId: string }, right: { readonly logicalId: string }): number {
  return left.logicalId < right.logicalId ? -1 : 1
}

function targetsOf({ Targets: targets }: JsonObject): readonly unknown[] {
  return (Array.isArray(targets) ? targets : []).map((target: unknown) => (isJsonObject(target) ? attributeOf(target['Arn']) : null))
}

function attributeOf(value: unknown): unknown {
  const names = isJsonObject(value) ? value['Fn::GetAtt'] : undefined
  return Array.isArray(names) ? names[0] : null
}

function refIn(value: unknown): unknown {
  return isJsonObject(value) ? value['Ref'] : null
}

async function rules(): Promise<unknown> {
  return (await factsOf()).rules
}

describe('facts of the stack', () => {
  const FINE: StackFacts = { status: 'CREATE_COMPLETE', rules: [], queuePolicies: [], functions: [] }
  const RULE = 'keytrail-key-usage'

  it('of one that stands as it was deployed, also the second time', async () => {
    expect(await factsOf()).toEqual(FINE)
    expect(await factsOf()).toEqual(FINE)
  })

  it('of rules that were changed', async () => {
    const { events } = ground.cloud.clients
    await events.send(new DisableRuleCommand({ Name: RULE }))
    expect(await rules()).toEqual([{ name: RULE, problems: ['its state is DISABLED, not ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'] }])
    const EventPattern = JSON.stringify({ ...OWN_RULES[0]?.pattern, account: ['111122223333'] })
    await events.send(new PutRuleCommand({ Name: RULE, State: OWN_RULES[0]?.state as 'ENABLED', EventPattern }))
    expect(await rules()).toEqual([{ name: RULE, problems: ['its pattern is not the one that was deployed'] }])
    await events.send(new PutRuleCommand({ Name: 'keytrail-roll-up-usage', ScheduleExpression: 'rate(30 days)' }))
    await events.send(new RemoveTargetsCommand({ Rule: RULE, Ids: ['KeyUsageQueue', 'key-usage-queue'] }))
    await events.send(new PutTargetsCommand({ Rule: RULE, Targets: [{ Id: 'elsewhere', Arn: queueArn('RollUpDeadLetterQueue') }] }))
    expect(await rules()).toEqual([
      {
        name: RULE,
        problems: [
          'its pattern is not the one that was deployed',
          `it does not feed ${queueArn('KeyUsageQueue')}`,
          'it feeds 1 more than was deployed',
        ],
      },
      { name: 'keytrail-roll-up-usage', problems: ['its schedule is not the one that was deployed'] },
    ])
    await events.send(new RemoveTargetsCommand({ Rule: RULE, Ids: ['elsewhere'] }))
    await restore()
    expect(await rules()).toEqual([])
  })

  it('of queue policies that were changed', async () => {
    const { sqs } = ground.cloud.clients
    const QueueUrl = refOf(ground.cloud, 'KeyUsageQueue')
    const own: unknown = JSON.parse(ownQueuePolicy(queueArn('KeyUsageQueue'), [ruleArn('KeyUsageRule')]))
    const Statement = isJsonObject(own) && Array.isArray(own['Statement']) ? (own['Statement'] as readonly JsonObject[]) : []
    const everybody = { Sid: 'all', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: queueArn('KeyUsageQueue') }
    const problems = async (statements: readonly JsonObject[]): Promise<unknown> => {
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements })
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }))
      return (await factsOf()).queuePolicies
    }
    expect(await problems([...Statement].toReversed())).toEqual([])
    expect(await problems([...Statement, everybody])).toEqual([
      { name: 'KeyUsageQueue', problems: ['the statement all lets others in than was deployed'] },
    ])
    expect(await problems(Statement.slice(1))).toEqual([
      { name: 'KeyUsageQueue', problems: [`it does not let its own rule send: ${ruleArn('KeyUsageRule')}`] },
    ])
    expect(await problems(Statement.slice(0, 1))).toEqual([
      { name: 'KeyUsageQueue', problems: ['it does not refuse what comes without TLS'] },
    ])
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: '' } }))
    expect((await factsOf()).queuePolicies[0]?.problems).toHaveLength(2)
    await restore()
  })

  it('of functions that were changed', async () => {
    await factsOf()
    const [counts = '', rollsUp = ''] = PART.functions.map(({ name }) => name)
    ground.functions = [functionOf(counts, { code: Buffer.from('another') }), functionOf(rollsUp)]
    const changed = { name: counts, problems: ['its code was changed, and the stack was not'] }
    expect((await factsOf()).functions).toEqual([changed])
    expect((await factsOf()).functions).toEqual([changed])

    // What the stack brings is taken for deployed: what was seen was of a stack that was older.
    const { seen } = ground.parts()
    const older = {
      ...seen,
      codes: async (arn: string) => (await seen.codes(arn)).map((code) => ({ ...code, stackChangedAt: 1 as EpochS })),
    }
    expect(valuesOf('keytrail_stack', await read(stack, ['functions'], { seen: older })).functions).toEqual([])

    ground.functions = [functionOf(counts, { reservedConcurrency: 0, mappings: [] })]
    expect((await factsOf()).functions).toEqual([
      {
        name: counts,
        problems: ['it may not run: its reserved concurrency is 0', `Lambda does not read its queue ${queueArn('KeyUsageQueue')}`],
      },
      { name: rollsUp, problems: ['it is not there'] },
    ])
    ground.functions = [functionOf(counts, { reservedConcurrency: 5 }), functionOf(rollsUp)]
    expect((await factsOf()).functions).toEqual([])
  })

  it('of a stack that is not there', async () => {
    const other = { ...stack, arn: stack.arn.replace('stack/keytrail/', 'stack/other/') }
    expect(await read(other, ['status'])).toBe('gone')
    expect(await read(other, ['functions'])).toBe('gone')
  })

  const ACTION_OF: Readonly<Record<string, string>> = {
    DescribeRule: 'events:DescribeRule',
    ListTargetsByRule: 'events:ListTargetsByRule',
    GetQueueAttributes: 'sqs:GetQueueAttributes',
    DescribeStacks: 'cloudformation:DescribeStacks',
    configuration: 'lambda:GetFunctionConfiguration',
    concurrency: 'lambda:GetFunctionConcurrency',
    'event-source-mappings': 'lambda:ListEventSourceMappings',
    Query: 'dynamodb:Query',
  }
  const DENIED: readonly [Fault, string] = [{ status: 400, code: 'AccessDeniedException' }, 'denied AccessDeniedException']
  const FAILURES: readonly (readonly [Fault, string])[] = [
    [{ status: 500, code: 'InternalFailure' }, 'failed InternalFailure'],
    [{ status: 400, code: 'ThrottlingException' }, 'failed ThrottlingException'],
    ['broken', 'failed TimeoutError'],
  ]
  it.each(Object.entries(ACTION_OF))('are unread where %s is refused or fails, and the rest is read', async (call, action) => {
    const affected = Object.entries(FACT_ACTIONS.keytrail_stack).filter(([, actions]) => (actions as readonly string[]).includes(action))
    const failure = FAILURES[Object.keys(ACTION_OF).indexOf(call) % FAILURES.length] ?? DENIED
    for (const [fault, why] of [DENIED, failure]) {
      ground.faultOf = (operation) => (operation.split(/[ /]/).includes(call) ? fault : null)
      expect(unreadOf(await read(stack))).toEqual(Object.fromEntries(affected.map(([name]) => [name, `${action} ${why}`])))
    }
    ground.faultOf = () => null
  })

  it('of a queue that is gone, and each call is made once', async () => {
    ground.calls()
    await read(stack, ALL)
    const calls = ground.calls()
    expect(calls.filter((call) => call === 'DescribeStacks')).toHaveLength(1)
    expect(calls.filter((call) => call === 'DescribeRule')).toHaveLength(PART.rules.length)
    expect(calls.filter((call) => call === 'GetQueueAttributes')).toHaveLength(PART.queues.length)
    await ground.cloud.clients.sqs.send(new DeleteQueueCommand({ QueueUrl: refOf(ground.cloud, 'RollUpDeadLetterQueue') }))
    expect((await factsOf()).queuePolicies).toEqual([{ name: 'RollUpDeadLetterQueue', problems: ['it is not there'] }])
  })
})
