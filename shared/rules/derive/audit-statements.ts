import { FACT_ACTIONS, type ResourceKind } from '../facts.ts'
import type { Rule } from '../rule.ts'

/** A text, or what stands for one in a template. */
type Part = string | { readonly Ref: string }
export type Place = { readonly partition: Part; readonly region: Part; readonly accountId: Part }
export type ArnPattern = string | { readonly 'Fn::Join': readonly ['', readonly Part[]] }
export type Statement = {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: ArnPattern
}

/** For templates of CloudFormation. */
export const STACK_PLACE: Place = {
  partition: { Ref: 'AWS::Partition' },
  region: { Ref: 'AWS::Region' },
  accountId: { Ref: 'AWS::AccountId' },
}

/** What has to be called to find the resources of a kind, as IAM names it. The stack is known by its name, the account by its ID. */
export const LIST_ACTIONS = {
  kms_key: ['kms:ListKeys'],
  s3_bucket: ['s3:ListAllMyBuckets'],
  cloudtrail_trail: ['cloudtrail:DescribeTrails'],
  aws_account: [],
  keytrail_stack: [],
} as const satisfies Record<ResourceKind, readonly string[]>

type FactActions = { [Kind in ResourceKind]: (typeof FACT_ACTIONS)[Kind][keyof (typeof FACT_ACTIONS)[Kind]] }[ResourceKind]
type Named = FactActions extends readonly (infer Action)[] ? Action : never
/** What the stack is told when it is deployed, and others have to ask for. */
type AskedAction = 'cloudformation:DescribeStackResource'
export type AuditAction = Exclude<Named | (typeof LIST_ACTIONS)[ResourceKind][number], OwnAction> | AskedAction
/** What reads Keytrail's own tables: a matter of the stack, not of the account that is audited. */
type OwnAction = `dynamodb:${string}`

/** ARNs that an action is allowed on, by the service authorization reference; `null`: it knows no resource. */
const ARNS = {
  everything: null,
  ownKeys: ({ partition, region, accountId }) => ['arn:', partition, ':kms:', region, ':', accountId, ':key/*'],
  // A bucket's default key may be of another account or, by mistake, of another Region.
  anyKey: ({ partition }) => ['arn:', partition, ':kms:*:*:key/*'],
  buckets: ({ partition }) => ['arn:', partition, ':s3:::*'],
  // A trail of all Regions is read where it is at home, and a trail of an organization is its management account's.
  trails: ({ partition }) => ['arn:', partition, ':cloudtrail:*:*:trail/*'],
  eventRules: ({ partition, region, accountId }) => ['arn:', partition, ':events:', region, ':', accountId, ':rule/keytrail-*'],
  queues: ({ partition, region, accountId }) => ['arn:', partition, ':sqs:', region, ':', accountId, ':keytrail-*'],
  functions: ({ partition, region, accountId }) => ['arn:', partition, ':lambda:', region, ':', accountId, ':function:keytrail-*'],
  stack: ({ partition, region, accountId }) => ['arn:', partition, ':cloudformation:', region, ':', accountId, ':stack/keytrail/*'],
} as const satisfies Record<string, ((place: Place) => readonly Part[]) | null>
type Arns = keyof typeof ARNS

const ARNS_OF: Readonly<Record<AuditAction, Arns>> = {
  'cloudformation:DescribeStackResource': 'stack',
  'cloudformation:DescribeStacks': 'stack',
  'cloudtrail:DescribeTrails': 'everything',
  'cloudtrail:GetEventSelectors': 'trails',
  'cloudtrail:GetTrailStatus': 'trails',
  'events:DescribeRule': 'eventRules',
  'events:ListTargetsByRule': 'eventRules',
  'kms:DescribeKey': 'anyKey',
  'kms:GetKeyLastUsage': 'ownKeys',
  'kms:GetKeyPolicy': 'ownKeys',
  'kms:GetKeyRotationStatus': 'ownKeys',
  'kms:ListAliases': 'everything',
  'kms:ListGrants': 'ownKeys',
  'kms:ListKeyRotations': 'ownKeys',
  'kms:ListKeys': 'everything',
  'kms:ListResourceTags': 'ownKeys',
  'lambda:GetFunctionConcurrency': 'functions',
  'lambda:GetFunctionConfiguration': 'functions',
  'lambda:ListEventSourceMappings': 'everything',
  's3:GetBucketLocation': 'buckets',
  's3:GetBucketLogging': 'buckets',
  's3:GetBucketPolicy': 'buckets',
  's3:GetBucketTagging': 'buckets',
  's3:GetEncryptionConfiguration': 'buckets',
  's3:ListAllMyBuckets': 'everything',
  'sqs:GetQueueAttributes': 'queues',
}

const SIDS: Readonly<Record<Arns, string>> = {
  everything: 'ListResources',
  ownKeys: 'ReadKeys',
  anyKey: 'DescribeKeys',
  buckets: 'ReadBuckets',
  trails: 'ReadTrails',
  eventRules: 'ReadOwnRules',
  queues: 'ReadOwnQueues',
  functions: 'ReadOwnFunctions',
  stack: 'ReadOwnStack',
}

/** What a fact takes to be read, as IAM names it. */
export function actionsOfFact(kind: ResourceKind, fact: string): readonly string[] {
  const facts: Readonly<Record<string, readonly string[]>> = FACT_ACTIONS[kind]
  return facts[fact] ?? []
}

/** What the audit may do in an account: nothing but read what these rules judge by, and list what they judge. */
export function auditStatements(rules: readonly Pick<Rule, 'kind' | 'facts'>[], place: Place = STACK_PLACE): readonly Statement[] {
  const kinds = [...new Set(rules.map(({ kind }) => kind))]
  return statementsFor(
    [
      ...kinds.flatMap((kind): readonly string[] => LIST_ACTIONS[kind]),
      ...rules.flatMap(({ kind, facts }) => facts.flatMap((fact) => actionsOfFact(kind, fact))),
    ],
    place,
  )
}

/** The statements that allow these actions; those that are no matter of the account that is audited are left out. */
export function statementsFor(actions: readonly string[], place: Place): readonly Statement[] {
  const known = [...new Set(actions)].filter(isAuditAction).toSorted()
  const groups = Map.groupBy(known, (action) => ARNS_OF[action])
  return [...groups]
    .map(([arns, allowed]): Statement => ({ Sid: SIDS[arns], Effect: 'Allow', Action: allowed, Resource: resourceOf(arns, place) }))
    .toSorted((a, b) => (a.Sid < b.Sid ? -1 : 1))
}

function isAuditAction(action: string): action is AuditAction {
  return Object.hasOwn(ARNS_OF, action)
}

function resourceOf(arns: Arns, place: Place): ArnPattern {
  const parts = ARNS[arns]?.(place)
  if (parts === undefined) return '*'
  const joined: Part[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (typeof last === 'string' && typeof part === 'string') joined.splice(-1, 1, `${last}${part}`)
    else joined.push(part)
  }
  const [only] = joined
  return joined.length === 1 && typeof only === 'string' ? only : { 'Fn::Join': ['', joined] }
}
