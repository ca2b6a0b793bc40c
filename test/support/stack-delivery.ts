/** How events travel through the stack, and where they wait when they cannot. */
import type { JsonObject } from '../../shared/json.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { derivedRules } from '../../shared/rules/derive/event-rules.ts'
import { functionMaySend, ruleMaySend } from './stack-powers.ts'
import { at, type Check, idOf, listOf, named, type Resource, resources } from './stack.ts'

const QUEUE = 'AWS::SQS::Queue'
const FUNCTION = 'AWS::Lambda::Function'
const RULE = 'AWS::Events::Rule'
const MAPPING = 'AWS::Lambda::EventSourceMapping'
const AUDIT_RULES = derivedRules(ALL_RULES)
const ALL_MANAGEMENT_EVENTS = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'
/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const VISIBILITY_TIMEOUTS = 6

function targetsOf(template: JsonObject): readonly { readonly rule: string; readonly target: unknown }[] {
  return resources(template, RULE).flatMap(({ id, properties }) => listOf(properties['Targets']).map((target) => ({ rule: id, target })))
}

function stateFaults({ id, properties }: Resource): readonly string[] {
  const derived = AUDIT_RULES.find(({ logicalId }) => logicalId === id)?.state ?? ALL_MANAGEMENT_EVENTS
  const wanted = properties['EventPattern'] === undefined ? 'ENABLED' : derived
  return properties['State'] === wanted ? [] : [`${id} is in state ${String(properties['State'])}, not ${wanted}`]
}

function deadLetterFaults(template: JsonObject, rule: string, target: unknown): readonly string[] {
  const queue = named(template, at(target, 'DeadLetterConfig.Arn'), QUEUE)?.id
  if (queue === undefined) return [`a target of ${rule} has no dead-letter queue`]
  return ruleMaySend(template, rule, queue) ? [] : [`${rule} may not send to its dead-letter queue ${queue}`]
}

function targetFaults(template: JsonObject, rule: string, target: unknown): readonly string[] {
  const id = idOf(at(target, 'Arn')) ?? 'nothing'
  if (named(template, at(target, 'Arn'), QUEUE) !== undefined) {
    return ruleMaySend(template, rule, id) ? [] : [`${rule} may not send to ${id}`]
  }
  const mayInvoke = resources(template, 'AWS::Lambda::Permission').some(
    ({ properties }) =>
      properties['Action'] === 'lambda:InvokeFunction' &&
      properties['Principal'] === 'events.amazonaws.com' &&
      idOf(properties['FunctionName']) === id &&
      idOf(properties['SourceArn']) === rule,
  )
  return mayInvoke && named(template, at(target, 'Arn'), FUNCTION) !== undefined ? [] : [`${rule} may not invoke ${id}`]
}

function redriveFaults(template: JsonObject, mapping: Resource): readonly string[] {
  const queue = named(template, mapping.properties['EventSourceArn'], QUEUE)
  const redrive = queue?.properties['RedrivePolicy']
  const deadLetters = named(template, at(redrive, 'deadLetterTargetArn'), QUEUE)
  if (queue === undefined || deadLetters === undefined) return [`${mapping.id} reads from a queue without a dead-letter queue`]
  return [
    // Fewer receives than this, and a passing trouble is taken for a bad message.
    ...(Number(at(redrive, 'maxReceiveCount')) >= 5 ? [] : [`${queue.id} gives up too soon`]),
    // A message keeps its age when it moves.
    ...(Number(deadLetters.properties['MessageRetentionPeriod']) > Number(queue.properties['MessageRetentionPeriod'])
      ? []
      : [`${deadLetters.id} forgets what ${queue.id} still keeps`]),
  ]
}

function visibilityFaults(template: JsonObject, { id, properties }: Resource): readonly string[] {
  const visibilitySeconds = Number(named(template, properties['EventSourceArn'], QUEUE)?.properties['VisibilityTimeout'])
  const timeoutSeconds = Number(named(template, properties['FunctionName'], FUNCTION)?.properties['Timeout'])
  const neededSeconds = VISIBILITY_TIMEOUTS * timeoutSeconds + Number(properties['MaximumBatchingWindowInSeconds'])
  return visibilitySeconds >= neededSeconds ? [] : [`${id} needs a visibility timeout of ${neededSeconds} s`]
}

/** Functions that a rule invokes get their events asynchronously: what fails is gone unless it has a destination. */
function asyncFaults(template: JsonObject): readonly string[] {
  const invoked = targetsOf(template).flatMap(({ target }) => named(template, at(target, 'Arn'), FUNCTION) ?? [])
  return invoked.flatMap((invokedFunction) => {
    const settings = resources(template, 'AWS::Lambda::EventInvokeConfig').find(
      ({ properties }) => idOf(properties['FunctionName']) === invokedFunction.id,
    )
    const queue = named(template, at(settings?.properties, 'DestinationConfig.OnFailure.Destination'), QUEUE)?.id
    if (queue === undefined) return [`failures of ${invokedFunction.id} go nowhere`]
    return functionMaySend(template, invokedFunction, queue) ? [] : [`the role of ${invokedFunction.id} may not send to ${queue}`]
  })
}

function concurrencyFaults(template: JsonObject): readonly string[] {
  return [
    ...resources(template, MAPPING)
      .filter(({ properties }) => !(Number(at(properties, 'ScalingConfig.MaximumConcurrency')) >= 2))
      .map(({ id }) => `${id} has no limit of concurrency`),
    ...resources(template, FUNCTION)
      .filter(({ properties }) => properties['ReservedConcurrentExecutions'] !== undefined)
      .map(({ id }) => `${id} reserves concurrency, which the poller ignores`),
  ]
}

export const DELIVERY_CHECKS: readonly Check[] = [
  {
    title: 'rules get read-only management events if they ask for any, and schedules are enabled',
    faults: ({ template }) => resources(template, RULE).flatMap(stateFaults),
    breaks: [
      ['KeyUsageRule.Properties.State', 'ENABLED'],
      ['KeyUsageRule.Properties.State', undefined],
      ['RollUpSchedule.Properties.State', 'DISABLED'],
      ['RollUpSchedule.Properties.State', ALL_MANAGEMENT_EVENTS],
      ['AuditKmsRule.Properties.State', 'DISABLED'],
      ['SweepSchedule.Properties.State', 'DISABLED'],
      ['CleanUpSchedule.Properties.State', 'DISABLED'],
    ],
  },
  {
    title: 'every target of a rule has a dead-letter queue that takes from this rule',
    faults: ({ template }) => targetsOf(template).flatMap(({ rule, target }) => deadLetterFaults(template, rule, target)),
    breaks: [
      ['KeyUsageRule.Properties.Targets.0.DeadLetterConfig', undefined],
      ['RollUpSchedule.Properties.Targets.0.DeadLetterConfig', undefined],
      ['RollUpSchedule.Properties.Targets.0.DeadLetterConfig.Arn', 'arn:aws:sqs:eu-central-1:111122223333:elsewhere'],
      ['KeyUsageRuleDeadLetterQueuePolicy', undefined],
      ['KeyUsageRuleDeadLetterQueuePolicy.Properties.PolicyDocument.Statement.0.Principal', { Service: 'sqs.amazonaws.com' }],
      ['KeyUsageRuleDeadLetterQueuePolicy.Properties.PolicyDocument.Statement.0.Action', 'sqs:ReceiveMessage'],
      [
        'KeyUsageRuleDeadLetterQueuePolicy.Properties.PolicyDocument.Statement.0.Condition.ArnEquals.aws:SourceArn',
        { 'Fn::GetAtt': ['RollUpSchedule', 'Arn'] },
      ],
      ['RollUpDeadLetterQueuePolicy.Properties.Queues', [{ Ref: 'KeyUsageQueue' }]],
      ['AuditS3Rule.Properties.Targets.0.DeadLetterConfig', undefined],
      ['AuditRuleDeadLetterQueuePolicy.Properties.PolicyDocument.Statement.1', undefined],
      ['AnnounceSchedule.Properties.Targets.0.DeadLetterConfig', undefined],
      ['CleanUpSchedule.Properties.Targets.0.DeadLetterConfig', undefined],
    ],
  },
  {
    title: 'every rule may deliver to its targets',
    faults: ({ template }) => targetsOf(template).flatMap(({ rule, target }) => targetFaults(template, rule, target)),
    breaks: [
      ['KeyUsageQueuePolicy', undefined],
      ['KeyUsageQueuePolicy.Properties.PolicyDocument.Statement.0.Resource', { 'Fn::GetAtt': ['RollUpDeadLetterQueue', 'Arn'] }],
      ['KeyUsageRule.Properties.Targets.0.Arn', { 'Fn::GetAtt': ['RollUpDeadLetterQueue', 'Arn'] }],
      ['RollUpSchedulePermission', undefined],
      ['RollUpSchedulePermission.Properties.SourceArn', undefined],
      ['RollUpSchedulePermission.Properties.FunctionName', { Ref: 'CountKeyUsageLambdaFunction' }],
      ['AuditQueuePolicy.Properties.PolicyDocument.Statement.2', undefined],
      ['AuditKmsRule.Properties.Targets.0.Arn', { 'Fn::GetAtt': ['AnnounceQueue', 'Arn'] }],
      ['SweepSchedulePermission', undefined],
      ['CleanUpSchedulePermission', undefined],
    ],
  },
  {
    title: 'queues that a function reads have a dead-letter queue, which keeps messages longer',
    faults: ({ template }) => resources(template, MAPPING).flatMap((mapping) => redriveFaults(template, mapping)),
    breaks: [
      ['KeyUsageQueue.Properties.RedrivePolicy', undefined],
      ['KeyUsageQueue.Properties.RedrivePolicy.maxReceiveCount', 1],
      ['KeyUsageQueue.Properties.MessageRetentionPeriod', 1_209_600],
      ['KeyUsageDeadLetterQueue', undefined],
      ['AuditQueue.Properties.RedrivePolicy', undefined],
      ['AnnounceQueue.Properties.RedrivePolicy.maxReceiveCount', 1],
      ['EnforceQueue.Properties.RedrivePolicy', undefined],
    ],
  },
  {
    title: 'functions tell the queue which messages failed',
    faults: ({ template }) =>
      resources(template, MAPPING)
        .filter(({ properties }) => !listOf(properties['FunctionResponseTypes']).includes('ReportBatchItemFailures'))
        .map(({ id }) => `${id} takes a batch for done or failed as a whole`),
    breaks: [
      ['KeyUsageMapping.Properties.FunctionResponseTypes', undefined],
      ['KeyUsageMapping.Properties.FunctionResponseTypes', []],
      ['AuditMapping.Properties.FunctionResponseTypes', undefined],
      ['EnforceMapping.Properties.FunctionResponseTypes', undefined],
    ],
  },
  {
    title: 'messages stay hidden for six timeouts of the function and the batching window',
    faults: ({ template }) => resources(template, MAPPING).flatMap((mapping) => visibilityFaults(template, mapping)),
    breaks: [
      ['KeyUsageQueue.Properties.VisibilityTimeout', 419],
      ['KeyUsageQueue.Properties.VisibilityTimeout', undefined],
      ['CountKeyUsageLambdaFunction.Properties.Timeout', 61],
      ['KeyUsageMapping.Properties.MaximumBatchingWindowInSeconds', 61],
      ['AuditQueue.Properties.VisibilityTimeout', 724],
      ['AnnounceLambdaFunction.Properties.Timeout', 180],
      ['EnforceQueue.Properties.VisibilityTimeout', 749],
    ],
  },
  {
    title: 'concurrency is limited at the mapping, not reserved',
    faults: ({ template }) => concurrencyFaults(template),
    breaks: [
      ['KeyUsageMapping.Properties.ScalingConfig', undefined],
      ['EnforceMapping.Properties.ScalingConfig', undefined],
      ['CountKeyUsageLambdaFunction.Properties.ReservedConcurrentExecutions', 5],
    ],
  },
  {
    title: 'failures of functions that a rule invokes go to a queue',
    faults: ({ template }) => asyncFaults(template),
    breaks: [
      ['RollUpFailures', undefined],
      ['RollUpFailures.Properties.DestinationConfig', undefined],
      ['RollUpUsageRole.Properties.Policies.0.PolicyDocument.Statement.1.Action', 'sqs:ReceiveMessage'],
      ['SweepFailures', undefined],
      ['AnnounceFailures.Properties.DestinationConfig', undefined],
      ['CleanUpFailures', undefined],
    ],
  },
]
