import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DisableRuleCommand, PutRuleCommand, PutTargetsCommand, RemoveTargetsCommand } from '@aws-sdk/client-cloudwatch-events'
import { DeleteQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ControlledFunction } from '../../../local/lambda/deployed.ts'
import type { FactParts } from '../../../shared/aws/facts/fact-parts.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_RULES, type OwnQueue } from '../../../shared/aws/facts/own-stack.ts'
import { ownQueuePolicy, redriveProblems } from '../../../shared/aws/facts/queue-policy.ts'
import { putRule } from '../../../shared/aws/rules.ts'
import { isJsonObject, type JsonObject } from '../../../shared/json.ts'
import { FACT_ACTIONS, type StackFacts } from '../../../shared/rules/facts.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import type { EpochS } from '../../../shared/time.ts'
import { refOf } from '../../support/local-cloud.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX, unreadOf, valuesOf } from './fact-ground.ts'

const accountId = '000000000000'
const ALL = Object.keys(FACT_ACTIONS.keytrail_stack)

let ground: FactGround
let stack: Resource<'keytrail_stack'>
const queueArn = (logicalId: string): string => ground.cloud.made.get(logicalId)?.attributes?.['Arn'] ?? ''
const ruleArn = queueArn
const roleArn = queueArn
const policyOf = ({ logicalId, senders, onlyFrom = [] }: OwnQueue): string =>
  ownQueuePolicy(queueArn(logicalId), senders.map(ruleArn), onlyFrom.map(roleArn))

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
  queues: OWN_QUEUES.filter(({ logicalId }) => ['KeyUsageQueue', 'RollUpDeadLetterQueue', 'EnforceQueue'].includes(logicalId)),
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
  for (const queue of PART.queues) {
    const { logicalId } = queue
    const Policy = policyOf(queue)
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: refOf(ground.cloud, logicalId), Attributes: { Policy } }))
  }
  ground.functions = PART.functions.map(({ name }) => functionOf(name))
}

async function factsOf(): Promise<StackFacts> {
  return valuesOf('keytrail_stack', await read(stack))
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

  it('of a rule whose target gets something else than the events', async () => {
    const { events } = ground.cloud.clients
    const own = { Id: 'KeyUsageQueue', Arn: queueArn('KeyUsageQueue') }
    await events.send(new PutTargetsCommand({ Rule: RULE, Targets: [{ ...own, InputPath: '$.id' }] }))
    expect(await rules()).toEqual([{ name: RULE, problems: [`it does not feed ${own.Arn} the events as they come`] }])
    await restore()
    expect(await rules()).toEqual([])
  })

  it('of a queue whose messages that nobody could handle go elsewhere, or nowhere', async () => {
    const { sqs } = ground.cloud.clients
    const redriven = async (QueueUrl: string, target: string | null): Promise<unknown> => {
      const RedrivePolicy = target === null ? '' : JSON.stringify({ deadLetterTargetArn: target, maxReceiveCount: 5 })
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }))
      return (await factsOf()).queuePolicies
    }
    const own = queueArn('KeyUsageDeadLetterQueue')
    const name = 'KeyUsageQueue'
    const lost = [{ name, problems: [`messages that nobody could handle do not go to ${own}`] }]
    expect(await redriven(refOf(ground.cloud, name), queueArn('RollUpDeadLetterQueue'))).toEqual(lost)
    expect(await redriven(refOf(ground.cloud, name), null)).toEqual(lost)
    expect(await redriven(refOf(ground.cloud, name), own)).toEqual([])
    expect(redriveProblems(JSON.stringify({ deadLetterTargetArn: own }), null)).toEqual(['messages that nobody could handle do not stay'])
    expect(redriveProblems(undefined, null)).toEqual([])
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

    ground.functions = [functionOf(counts, { memoryMb: 128 }), functionOf(rollsUp)]
    expect((await factsOf()).functions).toEqual([{ name: counts, problems: ['its configuration was changed, and the stack was not'] }])

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
