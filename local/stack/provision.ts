import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import type { CloudWatchEventsClient, Target } from '@aws-sdk/client-cloudwatch-events'
import { CreateTopicCommand, type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, GetQueueAttributesCommand, SetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { createHash } from 'node:crypto'
import { putRule, type RuleState } from '../../shared/aws/rules.ts'
import { isJsonObject, type JsonObject, textOf } from '../../shared/json.ts'
import type { StackRole } from '../iam/stack-roles.ts'
import { holds, type Made, resolved, type Stack, type StackResource } from './template.ts'

/** What the local cloud makes a stack with: its own services, over the wire as CloudFormation would. */
export type Provisioner = {
  readonly accountId: string
  readonly region: string
  readonly stackId: string
  /** Values for the stack's parameters, instead of their defaults. */
  readonly parameters: Readonly<Record<string, string>>
  readonly dynamodb: DynamoDBClient
  readonly sqs: SQSClient
  readonly sns: SNSClient
  readonly events: CloudWatchEventsClient
  ensureSecret(name: string, length: number): string
  /** The ARN of a role that is made, or brought to this. */
  ensureRole(role: StackRole): string
}

type Making = { readonly by: Provisioner; readonly logicalId: string; readonly name: string; readonly properties: JsonObject }

/** Resources of these types have no part in what runs here: nobody is refused a function, and nothing is watched. */
const LEFT_OUT = ['AWS::Lambda::Permission', 'AWS::Lambda::EventInvokeConfig', 'AWS::CloudWatch::Alarm']

const MAKERS: Readonly<Record<string, (making: Making) => Promise<Made>>> = {
  'AWS::DynamoDB::Table': makeTable,
  'AWS::SQS::Queue': makeQueue,
  'AWS::SQS::QueuePolicy': makeQueuePolicy,
  'AWS::SNS::Topic': makeTopic,
  'AWS::SNS::Subscription': makeSubscription,
  'AWS::SecretsManager::Secret': async ({ by, name, properties }) => {
    const generated = properties['GenerateSecretString']
    return { ref: by.ensureSecret(name, isJsonObject(generated) ? Number(generated['PasswordLength'] ?? 32) : 32) }
  },
  'AWS::Events::Rule': makeRule,
  'AWS::IAM::Role': makeRole,
  // The local cloud runs it itself: local/stack/functions.ts.
  'AWS::Lambda::EventSourceMapping': ({ by, logicalId }) => Promise.resolve({ ref: stableUuid(`${by.stackId} ${logicalId}`) }),
}

/**
 * Makes what a stack describes and is not there yet, and answers what `Ref` and `Fn::GetAtt` stand for. May be run again at any time.
 * @throws if the stack has a type of resource that the local cloud does not know, or a circle of references
 */
export async function provision(stack: Stack, by: Provisioner): Promise<ReadonlyMap<string, Made>> {
  const made = new Map<string, Made>([
    ['AWS::AccountId', { ref: by.accountId }],
    ['AWS::Region', { ref: by.region }],
    ['AWS::Partition', { ref: 'aws' }],
    ['AWS::StackId', { ref: by.stackId }],
    ...Array.from(stack.parameters, ([name, value]): [string, Made] => [name, { ref: by.parameters[name] ?? value }]),
    ...stack.functions.map(({ logicalId, name }): [string, Made] => [
      logicalId,
      { ref: name, attributes: { Arn: `arn:aws:lambda:${by.region}:${by.accountId}:function:${name}` } },
    ]),
    // osls gives each function a log group, to which the roles refer; nothing is logged into it here.
    ...stack.functions.map(({ logGroupId, name }): [string, Made] => {
      const logGroup = `/aws/lambda/${name}`
      return [logGroupId, { ref: logGroup, attributes: { Arn: `arn:aws:logs:${by.region}:${by.accountId}:log-group:${logGroup}:*` } }]
    }),
  ])
  const wanted = stack.resources.filter(({ condition }) => condition === null || holds(stack.conditions[condition], made))
  const waiting = new Set(wanted.filter(({ type }) => !LEFT_OUT.includes(type)))
  while (waiting.size > 0) {
    const before = waiting.size
    for (const resource of waiting) {
      if (references(resource.properties).some((id) => !made.has(id))) continue
      made.set(resource.logicalId, await make(resource, by, made))
      waiting.delete(resource)
    }
    if (waiting.size === before)
      throw new Error(`serverless.yml: ${[...waiting].map(({ logicalId }) => logicalId).join(', ')} wait for each other`)
  }
  return made
}

function make({ logicalId, type, properties }: StackResource, by: Provisioner, made: ReadonlyMap<string, Made>): Promise<Made> {
  const maker = MAKERS[type]
  if (maker === undefined) throw new Error(`serverless.yml: the local cloud cannot make ${logicalId}, an ${type}`)
  const values = resolved(properties, made)
  return maker({ by, logicalId, name: `keytrail-${logicalId}`, properties: isJsonObject(values) ? values : {} })
}

function references(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (!isJsonObject(value)) return []
  const { Ref: ref, 'Fn::GetAtt': attribute } = value
  return [
    ...(typeof ref === 'string' ? [ref] : []),
    ...(Array.isArray(attribute) ? [String(attribute[0])] : []),
    ...Object.values(value).flatMap(references),
  ]
}

async function makeTable({ by, name, properties }: Making): Promise<Made> {
  const { AttributeDefinitions, KeySchema, BillingMode, TimeToLiveSpecification: expiry } = properties
  try {
    await by.dynamodb.send(
      new CreateTableCommand({ TableName: name, AttributeDefinitions, KeySchema, BillingMode } as CreateTableCommandInput),
    )
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  if (isJsonObject(expiry)) await ensureExpiry(by.dynamodb, name, textOf(expiry, 'AttributeName') ?? '')
  return { ref: name, attributes: { Arn: `arn:aws:dynamodb:${by.region}:${by.accountId}:table/${name}` } }
}

/** A start that was broken off may have left the table without it. */
async function ensureExpiry(dynamodb: DynamoDBClient, table: string, attribute: string): Promise<void> {
  const { TimeToLiveDescription: found } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName: table }))
  if (found?.TimeToLiveStatus === 'ENABLED') return
  await dynamodb.send(
    new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: { AttributeName: attribute, Enabled: true } }),
  )
}

/** Properties that are attributes of a queue under the same name. */
const QUEUE_ATTRIBUTES = ['VisibilityTimeout', 'MessageRetentionPeriod', 'SqsManagedSseEnabled']

async function makeQueue({ by, name, properties }: Making): Promise<Made> {
  const attributes = Object.fromEntries(
    QUEUE_ATTRIBUTES.filter((attribute) => properties[attribute] !== undefined).map((attribute) => [
      attribute,
      String(properties[attribute]),
    ]),
  )
  const redrive = properties['RedrivePolicy']
  if (redrive !== undefined) attributes['RedrivePolicy'] = JSON.stringify(redrive)
  const { QueueUrl = '' } = await by.sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }))
  const { Attributes } = await by.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
  return { ref: QueueUrl, attributes: { Arn: Attributes?.['QueueArn'] ?? '', QueueName: name } }
}

/** SQS tells it, and refuses nobody by it. */
async function makeQueuePolicy({ by, name, properties }: Making): Promise<Made> {
  const { Queues: queues, PolicyDocument: document } = properties
  const attributes = { Policy: JSON.stringify(document) }
  for (const QueueUrl of Array.isArray(queues) ? queues.map(String) : [])
    await by.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: attributes }))
  return { ref: name }
}

/** The same for the same text, so that what it names has the same ID after the next start. */
function stableUuid(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex')
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20, 32)].join('-')
}

async function makeTopic({ by, name }: Making): Promise<Made> {
  const { TopicArn = '' } = await by.sns.send(new CreateTopicCommand({ Name: name }))
  return { ref: TopicArn }
}

/** The same subscription as before, if it is there. */
async function makeSubscription({ by, properties }: Making): Promise<Made> {
  const { TopicArn, Protocol, Endpoint } = properties
  const request = { TopicArn: String(TopicArn), Protocol: String(Protocol), Endpoint: String(Endpoint), ReturnSubscriptionArn: true }
  const { SubscriptionArn = '' } = await by.sns.send(new SubscribeCommand(request))
  return { ref: SubscriptionArn }
}

async function makeRule({ by, name, properties }: Making): Promise<Made> {
  const { EventPattern: pattern, Targets: targets } = properties
  const ruleName = textOf(properties, 'Name') ?? name
  const rule = {
    Name: ruleName,
    State: (textOf(properties, 'State') ?? 'ENABLED') as RuleState,
    ...(pattern === undefined ? {} : { EventPattern: JSON.stringify(pattern) }),
    ...(properties['ScheduleExpression'] === undefined ? {} : { ScheduleExpression: textOf(properties, 'ScheduleExpression') ?? '' }),
    ...(properties['Description'] === undefined ? {} : { Description: textOf(properties, 'Description') ?? '' }),
  }
  await putRule(by.events, rule, Array.isArray(targets) ? (targets as Target[]) : [])
  return { ref: ruleName, attributes: { Arn: `arn:aws:events:${by.region}:${by.accountId}:rule/${ruleName}` } }
}

/** Under its logical ID, as `role` of a function names it. */
function makeRole({ by, logicalId, properties }: Making): Promise<Made> {
  const { Policies: policies } = properties
  const inline = (Array.isArray(policies) ? policies : []).filter((policy) => isJsonObject(policy))
  const roleName = textOf(properties, 'RoleName') ?? logicalId
  const arn = by.ensureRole({
    roleName,
    trust: JSON.stringify(properties['AssumeRolePolicyDocument']),
    description: textOf(properties, 'Description') ?? '',
    policies: inline.map((policy) => ({ name: textOf(policy, 'PolicyName') ?? '', document: JSON.stringify(policy['PolicyDocument']) })),
  })
  return Promise.resolve({ ref: roleName, attributes: { Arn: arn } })
}
