/** All that each role of the stack may do. */
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { auditStatements } from '../../shared/rules/derive/audit-statements.ts'
import { grantedPowers } from './stack-changers.ts'

/** What the audit may read: derived from its rules, and nothing else may name resources by pattern. */
export const AUDIT_STATEMENTS = auditStatements(ALL_RULES)
const AUDIT_POWERS = Object.fromEntries(AUDIT_STATEMENTS.map(({ Resource: place, Action: actions }) => [JSON.stringify(place), actions]))
const READ_AND_WRITE = ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem']
const FEED = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']

/** `arn:<partition>:<service>:<Region>:<account>:<name>`, as a template writes it. */
function ownArn(service: string, ...name: readonly unknown[]): string {
  const place = [{ Ref: 'AWS::Partition' }, `:${service}:`, { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }]
  return JSON.stringify({ 'Fn::Join': ['', ['arn:', ...place, ...name]] })
}

const DEFAULT_BUS = ownArn('events', ':event-bus/default')

/** All that each role may do, by what it may do it to. */
export const POWERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  CountKeyUsageRole: {
    KeyUsageQueue: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    UsageTable: ['dynamodb:PutItem'],
    ContextDigestSecret: ['secretsmanager:GetSecretValue'],
    CountKeyUsageLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  RollUpUsageRole: {
    UsageTable: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
    RollUpDeadLetterQueue: ['sqs:SendMessage'],
    RollUpUsageLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  AuditChangeRole: {
    AuditQueue: [...FEED, 'sqs:SendMessage'],
    AnnounceQueue: ['sqs:SendMessage'],
    EnforceQueue: ['sqs:SendMessage'],
    FindingsTable: READ_AND_WRITE,
    UsageTable: ['dynamodb:Query'],
    AuditChangeLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ...AUDIT_POWERS,
  },
  SweepRole: {
    AuditQueue: ['sqs:SendMessage'],
    AnnounceQueue: ['sqs:SendMessage'],
    EnforceQueue: ['sqs:SendMessage'],
    SweepDeadLetterQueue: ['sqs:SendMessage'],
    FindingsTable: READ_AND_WRITE,
    UsageTable: ['dynamodb:Query'],
    SweepLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ...AUDIT_POWERS,
  },
  AnnounceRole: {
    AnnounceQueue: FEED,
    FindingsTable: READ_AND_WRITE,
    FindingsTopic: ['sns:Publish'],
    [ownArn('securityhub', ':product/', { Ref: 'AWS::AccountId' }, '/default')]: ['securityhub:BatchImportFindings'],
    [DEFAULT_BUS]: ['events:PutEvents'],
    AnnounceDeadLetterQueue: ['sqs:SendMessage'],
    AnnounceLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  EnforceRole: {
    EnforceQueue: FEED,
    ControlTable: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
    FindingsTable: ['dynamodb:Query'],
    FindingsTopic: ['sns:Publish'],
    [DEFAULT_BUS]: ['events:PutEvents'],
    EnforceLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ...grantedPowers('EnforceRole'),
  },
  CleanUpRole: {
    ControlTable: READ_AND_WRITE,
    UsageTable: ['dynamodb:Query'],
    KeyUsageRule: ['events:DescribeRule', 'events:ListTargetsByRule'],
    FindingsTopic: ['sns:Publish'],
    [DEFAULT_BUS]: ['events:PutEvents'],
    CleanUpDeadLetterQueue: ['sqs:SendMessage'],
    CleanUpLogGroup: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ...grantedPowers('CleanUpRole'),
  },
}
