/** What the stack keeps, what it watches, and whether it hangs together. */
import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { at, type Check, idOf, listOf, type Resource, resources, type Stack } from './stack.ts'

/** What stands under `resources` of serverless.yml has to be what AWS gets: the local cloud reads it there. */
function changedFaults({ source, template }: Stack): readonly string[] {
  const sections = ['Resources', 'Parameters', 'Conditions', 'Outputs'].flatMap((section) => {
    const written = at(source, `resources.${section}`)
    return Object.keys(isJsonObject(written) ? written : {}).map((id) => `${section}.${id}`)
  })
  return ['Description', ...sections]
    .filter((place) => !isDeepStrictEqual(at(source, `resources.${place}`), at(template, place)))
    .map((place) => `${place} is not what serverless.yml says`)
}

/** Logical IDs that something refers to: Ref, Fn::GetAtt and DependsOn, wherever they stand. */
function referencesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return (value as readonly unknown[]).flatMap(referencesIn)
  if (!isJsonObject(value)) return []
  const id = idOf(value)
  const after = listOf(value['DependsOn']).filter((one) => typeof one === 'string')
  return [...(id === undefined ? [] : [id]), ...after, ...Object.values(value).flatMap(referencesIn)]
}

function referenceFaults(template: JsonObject): readonly string[] {
  const parameters = at(template, 'Parameters')
  const known = new Set([...resources(template).map(({ id }) => id), ...Object.keys(isJsonObject(parameters) ? parameters : {})])
  return referencesIn(template)
    .filter((id) => !known.has(id) && !id.startsWith('AWS::'))
    .map((id) => `${id} is referred to and not there`)
}

/** CloudFormation refuses resources that wait for each other. */
function circleFaults(template: JsonObject): readonly string[] {
  let waiting = resources(template).map(({ id, whole }) => ({ id, needs: referencesIn(whole) }))
  for (;;) {
    const ids = new Set(waiting.map(({ id }) => id))
    const blocked = waiting.filter(({ needs }) => needs.some((id) => ids.has(id)))
    if (blocked.length === waiting.length) return blocked.map(({ id }) => `${id} waits for what waits for it`)
    waiting = blocked
  }
}

function tableFaults({ id, properties, whole }: Resource): readonly string[] {
  return [
    ...(at(properties, 'TimeToLiveSpecification.Enabled') === true ? [] : [`${id} never forgets`]),
    ...(at(properties, 'PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled') === true ? [] : [`${id} cannot be recovered`]),
    ...(whole['DeletionPolicy'] === 'Retain' && whole['UpdateReplacePolicy'] === 'Retain' ? [] : [`${id} goes with the stack`]),
    ...(properties['SSESpecification'] === undefined ? [] : [`${id} makes KMS calls of its own`]),
  ]
}

function logFaults(template: JsonObject): readonly string[] {
  const groups = resources(template, 'AWS::Logs::LogGroup')
  const names = groups.map(({ properties }) => properties['LogGroupName'])
  return [
    ...groups.filter(({ properties }) => !(Number(properties['RetentionInDays']) > 0)).map(({ id }) => `${id} keeps its logs for ever`),
    ...resources(template, 'AWS::Lambda::Function')
      .filter(({ properties }) => !names.includes(`/aws/lambda/${String(properties['FunctionName'])}`))
      .map(({ id }) => `${id} logs into a group that is not the stack's`),
  ]
}

function isWatched(template: JsonObject, metric: string, dimension: string, id: string): boolean {
  return resources(template, 'AWS::CloudWatch::Alarm').some(
    ({ properties }) =>
      properties['MetricName'] === metric &&
      at(properties, 'Dimensions.0.Name') === dimension &&
      idOf(at(properties, 'Dimensions.0.Value')) === id &&
      properties['Threshold'] === 0 &&
      properties['ComparisonOperator'] === 'GreaterThanThreshold',
  )
}

function watchFaults(template: JsonObject): readonly string[] {
  const queues = resources(template, 'AWS::SQS::Queue')
  const read = resources(template, 'AWS::Lambda::EventSourceMapping').map(({ properties }) => idOf(properties['EventSourceArn']))
  return [
    // What no function reads is a queue of dead letters.
    ...queues
      .filter(({ id }) => !read.includes(id) && !isWatched(template, 'ApproximateNumberOfMessagesVisible', 'QueueName', id))
      .map(({ id }) => `nobody hears when ${id} fills`),
    ...resources(template, 'AWS::Lambda::Function').flatMap(({ id }) =>
      ['Errors', 'Throttles']
        .filter((metric) => !isWatched(template, metric, 'FunctionName', id))
        .map((metric) => `nobody hears of ${metric} of ${id}`),
    ),
    ...resources(template, 'AWS::Events::Rule')
      .filter(
        ({ id, properties }) =>
          properties['EventPattern'] !== undefined && !isWatched(template, 'InvocationsFailedToBeSentToDlq', 'RuleName', id),
      )
      .map(({ id }) => `nobody hears when ${id} loses events`),
  ]
}

function alarmFaults(template: JsonObject): readonly string[] {
  const topics = resources(template, 'AWS::SNS::Topic').map(({ id }) => id)
  return resources(template, 'AWS::CloudWatch::Alarm')
    .filter(({ properties }) => !listOf(properties['AlarmActions']).some((action) => topics.includes(idOf(action) ?? '')))
    .map(({ id }) => `${id} tells nobody`)
}

/** What functions count themselves, by the function: of each somebody has to hear. */
const OWN_METRICS: readonly (readonly [metric: string, service: string])[] = [
  ['ParkedEvents', 'count-key-usage'],
  ['ParkedEvents', 'audit-change'],
  ['SweepAge', 'sweep'],
  ['RefusedFindings', 'announce'],
  ['ParkedEvents', 'enforce'],
  ['RefusedNotices', 'clean-up'],
]

/** Metrics that the functions write themselves are named after their environment. */
function ownMetricFaults(template: JsonObject): readonly string[] {
  const written = resources(template, 'AWS::Lambda::Function').map(({ properties }) => [
    at(properties, 'Environment.Variables.POWERTOOLS_METRICS_NAMESPACE'),
    at(properties, 'Environment.Variables.POWERTOOLS_SERVICE_NAME'),
  ])
  const own = resources(template, 'AWS::CloudWatch::Alarm').filter(({ properties }) => !String(properties['Namespace']).startsWith('AWS/'))
  const watched = own.map(({ properties }) => [properties['MetricName'], at(properties, 'Dimensions.0.Value')])
  return [
    ...OWN_METRICS.filter((metric) => !watched.some((one) => isDeepStrictEqual(one, metric))).map(
      ([metric, service]) => `nobody hears of ${metric} of ${service}`,
    ),
    ...own
      .filter(({ properties }) => {
        const names = [properties['Namespace'], at(properties, 'Dimensions.0.Value')]
        return at(properties, 'Dimensions.0.Name') !== 'service' || !written.some((one) => isDeepStrictEqual(one, names))
      })
      .map(({ id }) => `${id} watches a metric that no function writes`),
  ]
}

function missingRunFaults(template: JsonObject): readonly string[] {
  const invoked = resources(template, 'AWS::Events::Rule')
    .filter(({ properties }) => properties['ScheduleExpression'] !== undefined)
    .flatMap(({ properties }) => idOf(at(properties, 'Targets.0.Arn')) ?? [])
  const watched = resources(template, 'AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties['MetricName'] === 'Invocations' && properties['TreatMissingData'] === 'breaching')
    .map(({ properties }) => idOf(at(properties, 'Dimensions.0.Value')))
  return invoked.filter((id) => !watched.includes(id)).map((id) => `nobody hears when ${id} does not run`)
}

export const UPKEEP_CHECKS: readonly Check[] = [
  {
    title: 'what stands under resources in serverless.yml stands in the template unchanged',
    faults: changedFaults,
    breaks: [
      ['KeyUsageQueue.Properties.VisibilityTimeout', 421],
      ['UsageTable.DeletionPolicy', undefined],
      ['KeyUsageRule.Properties.EventPattern.detail.eventName.0', 'decrypt'],
      ['AlarmTopic', undefined],
    ],
  },
  {
    title: 'everything that is referred to is there',
    faults: ({ template }) => referenceFaults(template),
    breaks: [
      ['CountKeyUsageLogGroup', undefined],
      ['KeyUsageMapping.Properties.FunctionName', { Ref: 'CountKeyUsageFunction' }],
      ['KeyUsageMapping.DependsOn', ['Absent']],
    ],
  },
  {
    title: 'no resources wait for each other',
    faults: ({ template }) => circleFaults(template),
    breaks: [
      ['KeyUsageDeadLetterQueue.Properties.RedriveAllowPolicy', { sourceQueueArns: [{ 'Fn::GetAtt': ['KeyUsageQueue', 'Arn'] }] }],
      ['CountKeyUsageRole.DependsOn', 'KeyUsageMapping'],
    ],
  },
  {
    title: 'every queue is encrypted by SQS',
    faults: ({ template }) =>
      resources(template, 'AWS::SQS::Queue')
        .filter(({ properties }) => properties['SqsManagedSseEnabled'] !== true || properties['KmsMasterKeyId'] !== undefined)
        .map(({ id }) => `${id} is not encrypted under SQS's own keys`),
    breaks: [
      ['KeyUsageQueue.Properties.SqsManagedSseEnabled', false],
      ['RollUpDeadLetterQueue.Properties.SqsManagedSseEnabled', undefined],
      ['KeyUsageQueue.Properties.KmsMasterKeyId', 'alias/aws/sqs'],
    ],
  },
  {
    title: 'every table forgets by itself, can be recovered, outlives the stack and makes no KMS calls',
    faults: ({ template }) => resources(template, 'AWS::DynamoDB::Table').flatMap(tableFaults),
    breaks: [
      ['UsageTable.Properties.TimeToLiveSpecification', undefined],
      ['UsageTable.Properties.TimeToLiveSpecification.Enabled', false],
      ['UsageTable.Properties.PointInTimeRecoverySpecification', undefined],
      ['UsageTable.DeletionPolicy', 'Delete'],
      ['UsageTable.UpdateReplacePolicy', undefined],
      ['UsageTable.Properties.SSESpecification', { SSEEnabled: true }],
      ['FindingsTable.DeletionPolicy', 'Delete'],
      ['FindingsTable.Properties.PointInTimeRecoverySpecification', undefined],
      ['ControlTable.DeletionPolicy', 'Delete'],
    ],
  },
  {
    title: 'every function logs into a group of the stack, which forgets',
    faults: ({ template }) => logFaults(template),
    breaks: [
      ['CountKeyUsageLogGroup.Properties.RetentionInDays', undefined],
      ['RollUpUsageLogGroup', undefined],
      ['RollUpUsageLambdaFunction.Properties.FunctionName', 'renamed'],
    ],
  },
  {
    title: 'somebody hears of dead letters, lost events, errors and throttles',
    faults: ({ template }) => watchFaults(template),
    breaks: [
      ['KeyUsageDeadLetterAlarm', undefined],
      ['KeyUsageRuleDeadLetterAlarm', undefined],
      ['RollUpDeadLetterAlarm.Properties.Dimensions', undefined],
      ['KeyUsageRuleLossAlarm', undefined],
      ['CountKeyUsageErrorsAlarm.Properties.Threshold', 100],
      ['CountKeyUsageThrottlesAlarm', undefined],
      ['RollUpUsageErrorsAlarm', undefined],
      ['RollUpUsageThrottlesAlarm.Properties.ComparisonOperator', 'LessThanThreshold'],
      ['AuditDeadLetterAlarm', undefined],
      ['AuditS3RuleLossAlarm', undefined],
      ['SweepErrorsAlarm', undefined],
      ['AnnounceThrottlesAlarm', undefined],
      ['EnforceDeadLetterAlarm', undefined],
      ['EnforceErrorsAlarm', undefined],
      ['CleanUpThrottlesAlarm', undefined],
    ],
  },
  {
    title: 'somebody hears when counting lags',
    faults: ({ template }) =>
      resources(template, 'AWS::Lambda::EventSourceMapping')
        .map(({ properties }) => idOf(properties['EventSourceArn']))
        .filter(
          (queue) =>
            !resources(template, 'AWS::CloudWatch::Alarm').some(
              ({ properties }) =>
                properties['MetricName'] === 'ApproximateAgeOfOldestMessage' && idOf(at(properties, 'Dimensions.0.Value')) === queue,
            ),
        )
        .map((queue) => `nobody hears when ${String(queue)} grows old`),
    breaks: [
      ['KeyUsageAgeAlarm', undefined],
      ['KeyUsageAgeAlarm.Properties.Dimensions.0.Value', 'another'],
      ['AuditAgeAlarm', undefined],
      ['AnnounceAgeAlarm', undefined],
      ['EnforceAgeAlarm', undefined],
    ],
  },
  {
    title: 'somebody hears of parked events, of a sweep that is old and of refused findings, by the names that functions write',
    faults: ({ template }) => ownMetricFaults(template),
    breaks: [
      ['ParkedEventsAlarm', undefined],
      ['ParkedEventsAlarm.Properties.Namespace', 'keytrail'],
      ['ParkedEventsAlarm.Properties.Dimensions.0.Name', 'Service'],
      ['CountKeyUsageLambdaFunction.Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME', 'count'],
      ['ParkedChangesAlarm', undefined],
      ['SweepAgeAlarm', undefined],
      ['SweepAgeAlarm.Properties.Dimensions.0.Value', 'sweeper'],
      ['RefusedFindingsAlarm.Properties.MetricName', 'Refused'],
      ['ParkedRequestsAlarm', undefined],
      ['RefusedNoticesAlarm', undefined],
    ],
  },
  {
    title: 'somebody hears when a schedule does not run its function',
    faults: ({ template }) => missingRunFaults(template),
    breaks: [
      ['RollUpMissingAlarm', undefined],
      ['RollUpMissingAlarm.Properties.TreatMissingData', 'notBreaching'],
      ['SweepMissingAlarm', undefined],
      ['AnnounceMissingAlarm', undefined],
      ['CleanUpMissingAlarm', undefined],
    ],
  },
  {
    title: 'every alarm goes to the topic',
    faults: ({ template }) => alarmFaults(template),
    breaks: [
      ['RollUpMissingAlarm.Properties.AlarmActions', undefined],
      ['KeyUsageAgeAlarm.Properties.AlarmActions', []],
    ],
  },
]
