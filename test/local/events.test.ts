import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createBus, type EventBus } from '../../local/events/bus.ts'
import { envelopeOfRecord } from '../../local/events/envelope.ts'
import { RULE_STATES } from '../../local/events/event-kind.ts'
import { createEventBridge } from '../../local/events/service.ts'
import type { DeliveryContext, LostEvent } from '../../local/events/target-delivery.ts'
import type { JsonObject } from '../../shared/json.ts'
import { ACCOUNT, caller, REGION, START_MS } from './service-calls.ts'
import decrypt from '../../events/kms.amazonaws.com/Decrypt.json' with { type: 'json' }
import createKey from '../../events/kms.amazonaws.com/CreateKey.json' with { type: 'json' }
import networkActivity from '../../events/kms.amazonaws.com/Decrypt.network-activity.json' with { type: 'json' }
import rotateKey from '../../events/kms.amazonaws.com/RotateKey.json' with { type: 'json' }
import putRuleSample from '../../events/events.amazonaws.com/PutRule.json' with { type: 'json' }
import putTargetsSample from '../../events/events.amazonaws.com/PutTargets.json' with { type: 'json' }
import listObjects from '../../events/s3.amazonaws.com/ListObjects.data-event.json' with { type: 'json' }

const QUEUE = 'arn:aws:sqs:eu-central-1:111122223333:keytrail-key-usage'
const DEAD_LETTERS = 'arn:aws:sqs:eu-central-1:111122223333:dead-letters'
const EVERYTHING = JSON.stringify({ account: [ACCOUNT] })
const RULE_ARN = `arn:aws:events:${REGION}:${ACCOUNT}:rule/usage`

type Sent = { readonly arn: string; readonly body: string; readonly context: DeliveryContext }

function eventBridge(deliver: (arn: string) => boolean | Promise<boolean> = () => true, db = new DatabaseSync(':memory:')) {
  const sent: Sent[] = []
  const lost: LostEvent[] = []
  const bus: EventBus = createBus({
    db,
    deliver: async (arn, body, context) => {
      const taken = await deliver(arn)
      if (taken) sent.push({ arn, body, context })
      return taken
    },
    onLost: (event) => lost.push(event),
  })
  return { db, bus, sent, lost, ...caller(createEventBridge({ db, bus })) }
}

describe('the state of a rule', () => {
  const KINDS: readonly (readonly [kind: string, event: JsonObject, reachesEnabled: boolean])[] = [
    ['a read-only management event', envelopeOfRecord(decrypt), false],
    ['a write management event', envelopeOfRecord(createKey), true],
    ['a service event', envelopeOfRecord(rotateKey), true],
    ['a data event that reads', envelopeOfRecord(listObjects), true],
    ['a data event of an older version', envelopeOfRecord({ ...decrypt, managementEvent: false, eventCategory: undefined }), true],
    [
      'a read-only event of an older version',
      envelopeOfRecord({ ...decrypt, managementEvent: undefined, eventCategory: undefined }),
      false,
    ],
    ['network activity', { ...envelopeOfRecord(networkActivity), 'detail-type': 'AWS Network Activity Event via CloudTrail' }, true],
    ['an event of an AWS service', { ...envelopeOfRecord(decrypt), 'detail-type': 'KMS CMK Rotation', detail: { 'key-id': 'x' } }, true],
    ['a custom event that looks like one of CloudTrail', { ...envelopeOfRecord(decrypt), source: 'custom' }, true],
  ]
  const CASES = KINDS.flatMap(([kind, event, reachesEnabled]) =>
    RULE_STATES.map((state) => {
      const isReached = state === 'ENABLED' ? reachesEnabled : state !== 'DISABLED'
      return { kind, state, event, isReached, does: isReached ? 'lets pass' : 'holds back' }
    }),
  )

  it.each(CASES)('$state $does $kind', async ({ state, event, isReached }) => {
    const { output, bus, sent } = eventBridge()
    await output('PutRule', { Name: 'usage', EventPattern: EVERYTHING, State: state })
    await output('PutTargets', { Rule: 'usage', Targets: [{ Id: 'queue', Arn: QUEUE }] })
    const outcomes = await bus.publish({ ...event, region: REGION })
    expect(sent.map(({ body }) => body)).toEqual(isReached ? [JSON.stringify({ ...event, region: REGION })] : [])
    expect(outcomes).toEqual(
      isReached ? [{ ruleArn: RULE_ARN, ruleName: 'usage', targets: [{ id: 'queue', arn: QUEUE, outcome: 'delivered' }] }] : [],
    )
  })
})

describe('the envelope of a record', () => {
  it.each([
    [decrypt, 'AWS API Call via CloudTrail', 'aws.kms'],
    [rotateKey, 'AWS Service Event via CloudTrail', 'aws.kms'],
    [putRuleSample, 'AWS API Call via CloudTrail', 'aws.events'],
  ])('tells where it comes from', (record, detailType, source) => {
    const id = 'e8c5a0f4-2f5c-4a3e-8f5d-0d4b6f3a1c22'
    const head = { version: '0', id, 'detail-type': detailType, source, account: ACCOUNT, time: record.eventTime, region: REGION }
    expect(envelopeOfRecord(record, () => id)).toEqual({ ...head, resources: [], detail: record })
  })
})

describe('rules and targets', () => {
  it('answer and are recorded as in the samples', async () => {
    const { answer } = eventBridge()
    const { name, state, description, eventPattern } = putRuleSample.requestParameters
    const put = await answer('PutRule', { Name: name, EventPattern: eventPattern, State: state, Description: description })
    const { requestParameters, responseElements } = putRuleSample
    expect(put).toEqual({ output: { RuleArn: responseElements.ruleArn }, trail: { readOnly: false, requestParameters, responseElements } })
    const targets = await answer('PutTargets', { Rule: name, Targets: [{ Id: 'queue', Arn: QUEUE }] })
    expect(targets.trail).toEqual({
      readOnly: false,
      requestParameters: putTargetsSample.requestParameters,
      responseElements: putTargetsSample.responseElements,
    })
    expect((await answer('DescribeRule', { Name: name })).trail?.readOnly).toBe(true)
  })

  it.each([
    ['InvalidEventPatternException', 'PutRule', { Name: 'r', EventPattern: '{"source":"aws.kms"}' }],
    ['ValidationException', 'PutRule', { Name: 'r' }],
    ['ValidationException', 'PutRule', { Name: 'r r', EventPattern: EVERYTHING }],
    ['ValidationException', 'PutRule', { Name: 'r', EventPattern: EVERYTHING, State: 'ON' }],
    [
      'ValidationException',
      'PutRule',
      { Name: 'r', ScheduleExpression: 'rate(1 hour)', State: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' },
    ],
    ['ValidationException', 'PutRule', { Name: 'r', ScheduleExpression: 'rate(1 hours)' }],
    ['ResourceNotFoundException', 'PutRule', { Name: 'r', EventPattern: EVERYTHING, EventBusName: 'other' }],
    ['ResourceNotFoundException', 'DescribeRule', { Name: 'r' }],
    ['ResourceNotFoundException', 'PutTargets', { Rule: 'r', Targets: [{ Id: 'a', Arn: QUEUE }] }],
    ['LimitExceededException', 'PutTargets', { Rule: 'usage', Targets: ['b', 'c', 'd', 'e', 'f'].map((Id) => ({ Id, Arn: QUEUE })) }],
    ['ValidationException', 'PutTargets', { Rule: 'usage', Targets: [{ Id: 'a', Arn: QUEUE, InputTransformer: {} }] }],
    [
      'ValidationException',
      'PutTargets',
      { Rule: 'usage', Targets: [{ Id: 'a', Arn: QUEUE, DeadLetterConfig: { Arn: `${QUEUE}.fifo` } }] },
    ],
    ['ValidationException', 'DeleteRule', { Name: 'usage' }],
    ['OK', 'DeleteRule', { Name: 'never-was' }],
    ['UnknownOperationException', 'CreateEventBus', { Name: 'b' }],
    ['UnknownOperationException', 'constructor', {}],
    ['ValidationException', 'ListRules', { NextToken: 'nonsense!' }],
  ])('%s answers %s %j', async (code, operation, input) => {
    const bridge = eventBridge()
    await bridge.output('PutRule', { Name: 'usage', EventPattern: EVERYTHING })
    await bridge.output('PutTargets', { Rule: 'usage', Targets: [{ Id: 'a', Arn: QUEUE }] })
    expect(await bridge.code(operation, input)).toBe(code)
  })

  it('outlive a restart, are listed in pages, enabled, disabled and removed', async () => {
    const first = eventBridge()
    for (const name of ['a-1', 'a-2', 'a-3', 'b-1']) await first.output('PutRule', { Name: name, EventPattern: EVERYTHING })
    const target = { Id: 'queue', Arn: QUEUE, DeadLetterConfig: { Arn: DEAD_LETTERS }, RetryPolicy: { MaximumRetryAttempts: 3 } }
    await first.output('PutTargets', { Rule: 'a-1', Targets: [target] })
    const { output } = eventBridge(() => true, first.db)
    const page = await output('ListRules', { NamePrefix: 'a-', Limit: 2 })
    const rest = await output('ListRules', { NamePrefix: 'a-', Limit: 2, NextToken: page['NextToken'] })
    const names = [page, rest].map(({ Rules }) => (Rules as { Name: string }[]).map(({ Name }) => Name))
    expect(names).toEqual([['a-1', 'a-2'], ['a-3']])
    expect(rest).not.toHaveProperty('NextToken')
    expect(await output('ListTargetsByRule', { Rule: 'a-1' })).toEqual({ Targets: [target] })
    await output('DisableRule', { Name: 'a-1' })
    expect(await output('DescribeRule', { Name: 'a-1' })).toMatchObject({ State: 'DISABLED', EventPattern: EVERYTHING })
    await output('EnableRule', { Name: 'a-1' })
    const removed = await output('RemoveTargets', { Rule: 'a-1', Ids: ['queue', 'gone'] })
    expect(removed).toMatchObject({ FailedEntryCount: 1, FailedEntries: [{ TargetId: 'gone' }] })
    await output('DeleteRule', { Name: 'a-1' })
    expect(await output('ListRules', {})).toMatchObject({ Rules: [{ Name: 'a-2' }, { Name: 'a-3' }, { Name: 'b-1' }] })
  })
})

describe('an event that a target does not take', () => {
  const GONE = { ERROR_CODE: 'NO_RESOURCE', ERROR_MESSAGE: `${QUEUE} does not exist`, RETRY_ATTEMPTS: '0' }
  const THROTTLED = { ERROR_CODE: 'ERROR_FROM_TARGET', ERROR_MESSAGE: 'throttled', RETRY_ATTEMPTS: '2' }
  const EXHAUSTED = { ...THROTTLED, EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts' }
  type Case = {
    readonly title: string
    readonly queue: string | null
    readonly fails: readonly string[]
    readonly throwing: readonly string[]
    readonly outcome: string
    /** Attributes of what the dead-letter queue got. */
    readonly expected: readonly Readonly<Record<string, string>>[]
  }
  const CASES: readonly Case[] = [
    { title: 'goes to its queue', queue: DEAD_LETTERS, fails: [QUEUE], throwing: [], outcome: 'dead-lettered', expected: [GONE] },
    { title: 'is tried again first', queue: DEAD_LETTERS, fails: [], throwing: [QUEUE], outcome: 'dead-lettered', expected: [EXHAUSTED] },
    { title: 'is told as lost without a queue', queue: null, fails: [QUEUE], throwing: [], outcome: 'lost', expected: [] },
    {
      title: 'is told as lost where the queue fails',
      queue: DEAD_LETTERS,
      fails: [QUEUE, DEAD_LETTERS],
      throwing: [],
      outcome: 'lost',
      expected: [],
    },
  ]

  it.each(CASES)('$title', async ({ queue, fails, throwing, outcome, expected }) => {
    const { output, bus, sent, lost } = eventBridge((arn) => {
      if (throwing.includes(arn)) throw new Error('throttled')
      return !fails.includes(arn)
    })
    const target = {
      Id: 'queue',
      Arn: QUEUE,
      RetryPolicy: { MaximumRetryAttempts: 2 },
      ...(queue !== null && { DeadLetterConfig: { Arn: queue } }),
    }
    await output('PutRule', { Name: 'usage', EventPattern: EVERYTHING })
    await output('PutTargets', { Rule: 'usage', Targets: [target, { Id: 'second', Arn: `${QUEUE}-2` }] })
    const [published] = await bus.publish(envelopeOfRecord(createKey))
    expect(published?.targets.map((each) => each.outcome)).toEqual([outcome, 'delivered'])
    expect(lost.map(({ ruleArn, targetArn }) => ({ ruleArn, targetArn }))).toEqual(
      outcome === 'lost' ? [{ ruleArn: RULE_ARN, targetArn: QUEUE }] : [],
    )
    const attributes = sent.filter(({ arn }) => arn === DEAD_LETTERS).map(({ context }) => context.messageAttributes)
    expect(attributes).toEqual(expected.map((each) => ({ RULE_ARN, TARGET_ARN: QUEUE, ...each })))
  })

  it('reaches a target as the part or the text that the target asked for', async () => {
    const { output, bus, sent } = eventBridge()
    await output('PutRule', { Name: 'usage', EventPattern: EVERYTHING })
    const targets = [
      { Id: 'a', Arn: QUEUE, InputPath: '$.detail.eventName' },
      { Id: 'b', Arn: QUEUE, Input: '{"sweep":true}' },
    ]
    await output('PutTargets', { Rule: 'usage', Targets: targets })
    await bus.publish(envelopeOfRecord(createKey))
    expect(sent.map(({ body }) => body)).toEqual(['"CreateKey"', '{"sweep":true}'])
  })
})

describe('PutEvents', () => {
  const GOOD = { Source: 'orders', DetailType: 'Sold', Detail: '{"n":1}' }

  it('fails entries one by one and publishes the others', async () => {
    const { output, answer, sent } = eventBridge()
    await output('PutRule', { Name: 'usage', EventPattern: '{"source":["orders"]}' })
    await output('PutTargets', { Rule: 'usage', Targets: [{ Id: 'queue', Arn: QUEUE }] })
    const bad = [
      { ...GOOD, Source: 'aws.kms' },
      { ...GOOD, Detail: '[1]' },
      { ...GOOD, Detail: '{' },
      { ...GOOD, EventBusName: 'x' },
      { Source: 's' },
    ]
    const answered = await answer('PutEvents', { Entries: [GOOD, ...bad, { ...GOOD, Time: START_MS / 1000 + 60 }] })
    const entries = 'output' in answered ? (answered.output['Entries'] as JsonObject[]) : []
    const codes = ['NotAuthorizedForSourceException', 'MalformedDetail', 'MalformedDetail', 'InvalidArgument', 'InvalidArgument']
    expect(entries.map((entry) => entry['ErrorCode'])).toEqual([undefined, ...codes, undefined])
    expect(answered).toMatchObject({ output: { FailedEntryCount: 5 }, trail: null })
    expect(sent.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      { source: 'orders', 'detail-type': 'Sold', detail: { n: 1 }, time: '2026-10-20T06:00:00Z', region: REGION, account: ACCOUNT },
      { time: '2026-10-20T06:01:00Z' },
    ])
  })

  it.each([
    ['OK', 1024 * 1024],
    ['ValidationException', 1024 * 1024 + 1],
  ])('answers %s to an entry of %i bytes', async (code, bytes) => {
    const fixed = Buffer.byteLength('ordersSold{"t":""}') + 14 + Buffer.byteLength('ä')
    const Detail = `{"t":"${'x'.repeat(bytes - fixed)}"}`
    const entry = { ...GOOD, Detail, Time: START_MS / 1000, Resources: ['ä'] }
    expect(await eventBridge().code('PutEvents', { Entries: [entry] })).toBe(code)
  })

  it.each([
    [true, decrypt],
    [false, createKey],
  ])('TestEventPattern tells %s', async (isMatch, record) => {
    const input = { EventPattern: '{"detail":{"readOnly":[true]}}', Event: JSON.stringify(envelopeOfRecord(record)) }
    expect(await eventBridge().output('TestEventPattern', input)).toEqual({ Result: isMatch })
  })
})
