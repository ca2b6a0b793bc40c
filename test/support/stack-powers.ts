/** Who may do what in the stack: roles, queue policies. */
import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { CHANGER_GRANTS } from './stack-changers.ts'
import { AUDIT_STATEMENTS, POWERS } from './stack-power-table.ts'
import { at, type Check, idOf, listOf, named, type Resource, resources } from './stack.ts'

/** Whether a statement is one of what is derived, or one of what its role may change. */
function isGranted({ owner, statement }: Statement): boolean {
  const { Action: action, Resource: place, Condition: condition } = isJsonObject(statement) ? statement : {}
  return (
    AUDIT_STATEMENTS.some((derived) => isDeepStrictEqual(derived, statement)) ||
    (CHANGER_GRANTS[owner.id] ?? []).some((grant) => {
      const { Action: granted, Resource: places, Condition: under } = grant
      return isDeepStrictEqual([listOf(action), place, condition], [granted, places, under])
    })
  )
}

type Statement = { readonly owner: Resource; readonly statement: unknown }

function statements(template: JsonObject, ...types: readonly string[]): readonly Statement[] {
  return resources(template, ...types).flatMap((owner) => {
    const documents = [owner.properties['PolicyDocument'], ...listOf(owner.properties['Policies']).map((one) => at(one, 'PolicyDocument'))]
    return documents.flatMap((document) => listOf(at(document, 'Statement'))).map((statement) => ({ owner, statement }))
  })
}

function allowed(template: JsonObject, ...types: readonly string[]): readonly Statement[] {
  return statements(template, ...types).filter(({ statement }) => at(statement, 'Effect') !== 'Deny')
}

/** Whether a text with a `*` stands anywhere in it, within Fn::Join too. */
function hasWildcard(value: unknown): boolean {
  return JSON.stringify(value).includes('*')
}

/** Whether the queue lets EventBridge send what this rule sends, as EventBridge needs it. */
export function ruleMaySend(template: JsonObject, rule: string, queue: string): boolean {
  return allowed(template, 'AWS::SQS::QueuePolicy').some(
    ({ owner, statement }) =>
      listOf(owner.properties['Queues']).some((one) => at(one, 'Ref') === queue) &&
      isDeepStrictEqual(at(statement, 'Principal'), { Service: 'events.amazonaws.com' }) &&
      listOf(at(statement, 'Action')).includes('sqs:SendMessage') &&
      isDeepStrictEqual(at(statement, 'Resource'), { 'Fn::GetAtt': [queue, 'Arn'] }) &&
      isDeepStrictEqual(at(statement, 'Condition'), { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [rule, 'Arn'] } } }),
  )
}

/** Whether the function's role may send to the queue. */
export function functionMaySend(template: JsonObject, { properties }: Resource, queue: string): boolean {
  const role = idOf(properties['Role'])
  return allowed(template, 'AWS::IAM::Role').some(
    ({ owner, statement }) =>
      owner.id === role && listOf(at(statement, 'Action')).includes('sqs:SendMessage') && idOf(at(statement, 'Resource')) === queue,
  )
}

const LAMBDA_TRUST = [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }]

function roleFaults(template: JsonObject): readonly string[] {
  const functions = resources(template, 'AWS::Lambda::Function')
  const used = functions.map(({ properties }) => named(template, properties['Role'], 'AWS::IAM::Role')?.id)
  return [
    ...functions.filter((_, position) => used[position] === undefined).map(({ id }) => `${id} has no role of the stack`),
    ...resources(template, 'AWS::IAM::Role').flatMap(({ id, properties }) => {
      const users = used.filter((role) => role === id).length
      return [
        ...(users === 1 ? [] : [`${id} is the role of ${users} functions`]),
        ...(properties['ManagedPolicyArns'] === undefined ? [] : [`${id} has policies from elsewhere`]),
        ...(isDeepStrictEqual(at(properties, 'AssumeRolePolicyDocument.Statement'), LAMBDA_TRUST)
          ? []
          : [`${id} trusts others than Lambda`]),
      ]
    }),
    // Policies beside the roles would escape the table.
    ...resources(template, 'AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy').map(
      ({ id }) => `${id} stands beside the roles`,
    ),
  ]
}

function powersOf(template: JsonObject, role: string): Readonly<Record<string, readonly unknown[]>> {
  const powers: Record<string, readonly unknown[]> = {}
  for (const { owner, statement } of allowed(template, 'AWS::IAM::Role')) {
    if (owner.id !== role) continue
    for (const resource of listOf(at(statement, 'Resource'))) {
      const target = idOf(resource) ?? JSON.stringify(resource)
      powers[target] = [...(powers[target] ?? []), ...listOf(at(statement, 'Action'))]
    }
  }
  return powers
}

function tlsFaults(template: JsonObject): readonly string[] {
  const denials = statements(template, 'AWS::SQS::QueuePolicy').filter(
    ({ statement }) =>
      at(statement, 'Effect') === 'Deny' &&
      at(statement, 'Principal') === '*' &&
      at(statement, 'Action') === 'sqs:*' &&
      at(statement, 'Condition.Bool.aws:SecureTransport') === 'false',
  )
  const guarded = denials
    .filter(({ owner, statement }) => listOf(owner.properties['Queues']).some((queue) => idOf(queue) === idOf(at(statement, 'Resource'))))
    .map(({ statement }) => idOf(at(statement, 'Resource')))
  return resources(template, 'AWS::SQS::Queue').flatMap(({ id }) => (guarded.includes(id) ? [] : [`${id} can be spoken to without TLS`]))
}

const AUDIT_STATEMENTS_AT = 'AuditChangeRole.Properties.Policies.0.PolicyDocument.Statement'
/** Whatever of these services does not only read. */
const WRITES = /^(kms|s3|cloudtrail|lambda|cloudformation|iam):(?!Get|List|Describe)/
const ENFORCE_STATEMENTS = 'EnforceRole.Properties.Policies.0.PolicyDocument.Statement'
const CLEAN_UP_STATEMENTS = 'CleanUpRole.Properties.Policies.0.PolicyDocument.Statement'
const COUNT_STATEMENTS = 'CountKeyUsageRole.Properties.Policies.0.PolicyDocument.Statement'

export const POWER_CHECKS: readonly Check[] = [
  {
    title: 'each function has a role of its own, which Lambda alone may take, and there is no other role',
    faults: ({ template }) => roleFaults(template),
    breaks: [
      ['RollUpUsageLambdaFunction.Properties.Role', { 'Fn::GetAtt': ['CountKeyUsageRole', 'Arn'] }],
      ['RollUpUsageLambdaFunction.Properties.Role', 'arn:aws:iam::111122223333:role/wide'],
      ['IamRoleLambdaExecution', { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { Statement: LAMBDA_TRUST } } }],
      ['CountKeyUsageRole.Properties.ManagedPolicyArns', ['arn:aws:iam::aws:policy/AdministratorAccess']],
      ['CountKeyUsageRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal', { AWS: '*' }],
      ['Extra', { Type: 'AWS::IAM::Policy', Properties: {} }],
    ],
  },
  {
    title: 'no statement allows actions by wildcard or by exclusion',
    faults: ({ template }) =>
      allowed(template)
        .filter(({ statement }) => at(statement, 'NotAction') !== undefined || hasWildcard(at(statement, 'Action')))
        .map(({ owner }) => `${owner.id} allows more actions than it names`),
    breaks: [
      [`${COUNT_STATEMENTS}.1.Action`, 'dynamodb:*'],
      [`${COUNT_STATEMENTS}.1.Action`, ['dynamodb:PutItem', '*']],
      [`${COUNT_STATEMENTS}.1`, { Effect: 'Allow', Action: 'x', NotAction: 'dynamodb:PutItem', Resource: 'arn:x' }],
      ['KeyUsageQueuePolicy.Properties.PolicyDocument.Statement.0.Action', 'sqs:*'],
    ],
  },
  {
    title:
      'no statement allows actions on resources by pattern, but for what is derived to be read, and for what changes under its conditions',
    faults: ({ template }) =>
      allowed(template)
        .filter(({ statement }) => at(statement, 'NotResource') !== undefined || hasWildcard(at(statement, 'Resource')))
        .filter((each) => !isGranted(each))
        .map(({ owner }) => `${owner.id} allows on more than it names`),
    breaks: [
      [`${COUNT_STATEMENTS}.1.Resource`, '*'],
      [`${COUNT_STATEMENTS}.1.Resource`, { 'Fn::Join': ['', ['arn:aws:dynamodb:', { Ref: 'AWS::Region' }, ':*']] }],
      [`${COUNT_STATEMENTS}.1`, { Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: 'arn:x', NotResource: 'arn:y' }],
      [`${AUDIT_STATEMENTS_AT}.7.Action`, ['kms:DescribeKey', 'kms:Decrypt']],
      [`${AUDIT_STATEMENTS_AT}.9.Resource`, '*'],
      ['AnnounceRole.Properties.Policies.0.PolicyDocument.Statement.4.Resource', '*'],
      [`${ENFORCE_STATEMENTS}.15.Action`, ['s3:PutEncryptionConfiguration', 's3:PutBucketPolicy', 's3:PutBucketAcl']],
      [`${ENFORCE_STATEMENTS}.15.Condition`, undefined],
      [`${CLEAN_UP_STATEMENTS}.11.Condition`, undefined],
      [`${CLEAN_UP_STATEMENTS}.10.Resource`, '*'],
    ],
  },
  {
    title: 'whoever tells the bus tells it as Keytrail',
    faults: ({ template }) =>
      allowed(template, 'AWS::IAM::Role')
        .filter(({ statement }) => listOf(at(statement, 'Action')).includes('events:PutEvents'))
        .filter(({ statement }) => !isDeepStrictEqual(at(statement, 'Condition'), { StringEquals: { 'events:source': 'keytrail' } }))
        .map(({ owner }) => `${owner.id} may send events of any source`),
    breaks: [
      ['AnnounceRole.Properties.Policies.0.PolicyDocument.Statement.4.Condition', undefined],
      [`${ENFORCE_STATEMENTS}.5.Condition.StringEquals.events:source`, ['keytrail', 'aws.kms']],
      [`${CLEAN_UP_STATEMENTS}.4.Condition`, undefined],
    ],
  },
  {
    title: 'each role may do what the table of powers says, and no more',
    faults: ({ template }) =>
      resources(template, 'AWS::IAM::Role').flatMap(({ id }) =>
        isDeepStrictEqual(powersOf(template, id), POWERS[id] ?? {}) ? [] : [`${id} may do ${JSON.stringify(powersOf(template, id))}`],
      ),
    breaks: [
      [`${COUNT_STATEMENTS}.1.Action`, ['dynamodb:PutItem', 'dynamodb:UpdateItem']],
      [`${COUNT_STATEMENTS}.4`, { Effect: 'Allow', Action: 'kms:Decrypt', Resource: 'arn:x' }],
      [`${COUNT_STATEMENTS}.2.Resource`, { Ref: 'OtherSecret' }],
      ['RollUpUsageRole.Properties.Policies', []],
      [`${AUDIT_STATEMENTS_AT}.3.Resource`, { 'Fn::GetAtt': ['ControlTable', 'Arn'] }],
      [
        'SweepRole.Properties.Policies.0.PolicyDocument.Statement.15',
        { Effect: 'Allow', Action: 's3:PutEncryptionConfiguration', Resource: 'arn:x' },
      ],
      ['AnnounceRole.Properties.Policies.0.PolicyDocument.Statement.2.Resource', { Ref: 'AlarmTopic' }],
      [`${ENFORCE_STATEMENTS}.3.Action`, ['dynamodb:Query', 'dynamodb:PutItem']],
      [`${CLEAN_UP_STATEMENTS}.2.Resource`, { 'Fn::GetAtt': ['FindingsTable', 'Arn'] }],
    ],
  },
  {
    title: 'no function that audits or announces may change what is audited, or write what was changed and how to undo it',
    faults: ({ template }) =>
      ['AuditChangeRole', 'SweepRole', 'AnnounceRole'].flatMap((role) =>
        Object.entries(powersOf(template, role)).flatMap(([place, actions]) =>
          actions
            .filter((action) => place === 'ControlTable' || WRITES.test(String(action)))
            .map((action) => `${role} may ${String(action)} ${place}`),
        ),
      ),
    breaks: [
      [`${AUDIT_STATEMENTS_AT}.3.Resource`, { 'Fn::GetAtt': ['ControlTable', 'Arn'] }],
      [`${AUDIT_STATEMENTS_AT}.7.Action`, ['kms:EnableKeyRotation']],
      ['SweepRole.Properties.Policies.0.PolicyDocument.Statement.7.Action', ['s3:PutBucketPolicy']],
    ],
  },
  {
    title: 'queues take messages from services of AWS for a rule of the stack only',
    faults: ({ template }) =>
      allowed(template, 'AWS::SQS::QueuePolicy')
        .filter(
          ({ statement }) =>
            named(template, at(statement, 'Condition.ArnEquals.aws:SourceArn'), 'AWS::Events::Rule') === undefined ||
            !isDeepStrictEqual(at(statement, 'Principal'), { Service: 'events.amazonaws.com' }),
        )
        .map(({ owner }) => `${owner.id} lets in others than its rule`),
    breaks: [
      ['KeyUsageQueuePolicy.Properties.PolicyDocument.Statement.0.Condition', undefined],
      ['KeyUsageQueuePolicy.Properties.PolicyDocument.Statement.0.Principal', '*'],
      ['RollUpDeadLetterQueuePolicy.Properties.PolicyDocument.Statement.0.Condition.ArnEquals.aws:SourceArn', 'arn:aws:events:*'],
    ],
  },
  {
    title: 'the queue of what is to be put right takes messages of those who judge, whoever else may send by their own policies',
    faults: ({ template }) => {
      const judges = ['AuditChangeRole', 'SweepRole'].map((role) => ({ 'Fn::GetAtt': [role, 'Arn'] }))
      const denies = statements(template, 'AWS::SQS::QueuePolicy').some(
        ({ owner, statement }) =>
          isDeepStrictEqual(owner.properties['Queues'], [{ Ref: 'EnforceQueue' }]) &&
          at(statement, 'Effect') === 'Deny' &&
          at(statement, 'Principal') === '*' &&
          at(statement, 'Action') === 'sqs:SendMessage' &&
          isDeepStrictEqual(at(statement, 'Resource'), { 'Fn::GetAtt': ['EnforceQueue', 'Arn'] }) &&
          isDeepStrictEqual(at(statement, 'Condition'), { ArnNotEquals: { 'aws:PrincipalArn': judges } }),
      )
      return denies ? [] : ['anybody whose own policy allows it may ask for changes']
    },
    breaks: [
      ['EnforceQueuePolicy', undefined],
      ['EnforceQueuePolicy.Properties.PolicyDocument.Statement.0.Effect', 'Allow'],
      ['EnforceQueuePolicy.Properties.PolicyDocument.Statement.0.Condition.ArnNotEquals.aws:PrincipalArn.2', 'arn:aws:iam::*:role/*'],
      ['EnforceQueuePolicy.Properties.Queues', [{ Ref: 'AuditQueue' }]],
    ],
  },
  {
    title: 'every queue is spoken to over TLS only',
    faults: ({ template }) => tlsFaults(template),
    breaks: [
      ['KeyUsageDeadLetterQueuePolicy', undefined],
      ['KeyUsageQueuePolicy.Properties.PolicyDocument.Statement.1.Effect', 'Allow'],
      ['RollUpDeadLetterQueuePolicy.Properties.PolicyDocument.Statement.1.Condition.Bool.aws:SecureTransport', 'true'],
      ['RollUpDeadLetterQueuePolicy.Properties.Queues', [{ Ref: 'KeyUsageQueue' }]],
    ],
  },
]
