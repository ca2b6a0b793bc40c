import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type JsonObject, textOf } from '../shared/json.ts'
import type { HttpService } from './http.ts'
import { queryProtocol } from './iam/query-protocol.ts'
import type { ServiceRoom } from './json-protocol.ts'
import { answerOf, type Outcome, type RecordedOperation, type Refusal, refusal } from './recorded-operation.ts'
import type { Service, ServiceCall } from './service.ts'
import type { Made, Stack } from './stack/template.ts'

/** The stack that the local cloud was provisioned with. */
export type ProvisionedStack = {
  readonly description: Stack
  /** What its logical IDs stand for. */
  readonly made: ReadonlyMap<string, Made>
  readonly region: string
  /** Another one for another description or other code: what makes a start a change of the stack. */
  readonly digest: string
}

/** CloudFormation that tells of one stack and changes none. */
export type CloudFormation = HttpService & {
  /** The ID of the stack that is there or is to be told. */
  stackId(region: string, nowMs: number): string
  /** From now on this is the stack. It is as old as the first one of this database, and was changed when its digest last was. */
  tell(stack: ProvisionedStack, nowMs: number): void
}

type Resource = { readonly logicalId: string; readonly physicalId: string; readonly type: string }
type Told = {
  readonly id: string
  readonly region: string
  readonly createdAt: string
  /** Null: it is as it was made. */
  readonly updatedAt: string | null
  readonly parameters: readonly JsonObject[]
  readonly resources: readonly Resource[]
}

/** serverless.yml: `stackName`. */
const STACK_NAME = 'keytrail'
const NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/'
const STATUS = 'CREATE_COMPLETE'
const UPDATED = 'UPDATE_COMPLETE'
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cloudformation_stacks (name TEXT PRIMARY KEY, id TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS cloudformation_changes (name TEXT PRIMARY KEY, digest TEXT NOT NULL, updated_ms INTEGER) STRICT;
`

export function createCloudFormation(options: {
  readonly db: DatabaseSync
  readonly accountId: string
  readonly room: ServiceRoom
}): CloudFormation {
  const { db, accountId, room } = options
  db.exec(SCHEMA)
  const insert = db.prepare('INSERT OR IGNORE INTO cloudformation_stacks VALUES (?, ?, ?)')
  const select = db.prepare('SELECT id, created_ms FROM cloudformation_stacks WHERE name = ?')
  const insertFirst = db.prepare('INSERT OR IGNORE INTO cloudformation_changes VALUES (?, ?, NULL)')
  const noteChange = db.prepare('UPDATE cloudformation_changes SET digest = ?2, updated_ms = ?3 WHERE name = ?1 AND digest <> ?2')
  const selectChange = db.prepare('SELECT updated_ms FROM cloudformation_changes WHERE name = ?')
  let told: Told | null = null
  const operations = new Map<string, RecordedOperation>([
    ['DescribeStacks', { readOnly: true, run: (call) => describeStacks(told, call) }],
    ['DescribeStackResources', { readOnly: true, run: (call) => describeStackResources(told, call) }],
    ['DescribeStackResource', { readOnly: true, run: (call) => describeStackResource(told, call) }],
    ['ListStackResources', { readOnly: true, run: (call) => listStackResources(told, call) }],
  ])
  function stackId(region: string, nowMs: number): string {
    insert.run(STACK_NAME, `arn:aws:cloudformation:${region}:${accountId}:stack/${STACK_NAME}/${randomUUID()}`, Math.floor(nowMs))
    return String(select.get(STACK_NAME)?.['id'])
  }

  const service: Service = {
    signingName: 'cloudformation',
    // The operation stands in a form.
    targetPrefixes: [],
    eventSource: 'cloudformation.amazonaws.com',
    async call(call) {
      const answer = await answerOf(operations, call)
      if (operations.has(call.operation) || !('failure' in answer)) return answer
      return { ...answer, failure: { ...answer.failure, code: 'InvalidAction' } }
    },
  }
  return {
    ...queryProtocol(service, room, { namespace: NAMESPACE }),
    stackId,
    tell({ description, made, region, digest }, nowMs) {
      const id = stackId(region, nowMs)
      insertFirst.run(STACK_NAME, digest)
      noteChange.run(STACK_NAME, digest, Math.floor(nowMs))
      const updatedMs = selectChange.get(STACK_NAME)?.['updated_ms']
      const row = select.get(STACK_NAME)
      told = {
        id,
        region,
        createdAt: new Date(Number(row?.['created_ms'])).toISOString(),
        updatedAt: typeof updatedMs === 'number' ? new Date(updatedMs).toISOString() : null,
        parameters: Array.from(description.parameters.keys(), (name) => ({
          ParameterKey: name,
          ParameterValue: made.get(name)?.ref ?? '',
        })),
        resources: [
          ...description.functions.map(({ logicalId }) => ({ logicalId, type: 'AWS::Lambda::Function' })),
          ...description.resources,
          // What the local cloud has no use for, and made none of, has a name all the same.
        ].map(({ logicalId, type }) => ({ logicalId, type, physicalId: made.get(logicalId)?.ref ?? `${STACK_NAME}-${logicalId}` })),
      }
    },
  }
}

function describeStacks(told: Told | null, call: ServiceCall): Outcome {
  const stack = stackNamed(told, call)
  if (textOf(call.input, 'StackName') === null) return { output: { Stacks: stack === null ? [] : [described(stack)] } }
  return stack === null ? unknownStack(call) : { output: { Stacks: [described(stack)] } }
}

/**
 * "If PhysicalResourceId is specified, the associated resources of the stack that the resource belongs to are returned."
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
 */
function describeStackResources(told: Told | null, call: ServiceCall): Outcome {
  const physicalId = textOf(call.input, 'PhysicalResourceId')
  const logicalId = textOf(call.input, 'LogicalResourceId')
  const stack = stackNamed(told, call)
  if ((physicalId === null) === (textOf(call.input, 'StackName') === null))
    return refusal('ValidationError', 'Either StackName or PhysicalResourceId must be specified, and not both.')
  if (physicalId === null && stack === null) return unknownStack(call)
  const isOwned = stack !== null && (physicalId === null || stack.resources.some((resource) => resource.physicalId === physicalId))
  if (!isOwned) return refusal('ValidationError', `Stack for ${physicalId ?? ''} does not exist`)
  const resources = stack.resources.filter((resource) => logicalId === null || resource.logicalId === logicalId)
  return {
    output: { StackResources: resources.map((resource) => ({ ...ofStack(stack), ...withStatus(resource), Timestamp: stack.createdAt })) },
  }
}

function describeStackResource(told: Told | null, call: ServiceCall): Outcome {
  const stack = stackNamed(told, call)
  const [name, logicalId] = [textOf(call.input, 'StackName') ?? '', textOf(call.input, 'LogicalResourceId') ?? '']
  if (name === '' || stack === null) return refusal('ValidationError', `Stack '${name}' does not exist`)
  const resource = stack.resources.find((each) => each.logicalId === logicalId)
  if (resource === undefined) return refusal('ValidationError', `Resource ${logicalId} does not exist for stack ${name}`)
  return { output: { StackResourceDetail: { ...ofStack(stack), ...withStatus(resource), LastUpdatedTimestamp: stack.createdAt } } }
}

/** All of them in one page. */
function listStackResources(told: Told | null, call: ServiceCall): Outcome {
  const stack = stackNamed(told, call)
  if (textOf(call.input, 'StackName') === null || stack === null) return unknownStack(call)
  const summaries = stack.resources.map((resource) => ({ ...withStatus(resource), LastUpdatedTimestamp: stack.createdAt }))
  return { output: { StackResourceSummaries: summaries } }
}

/** The stack if it is the one that is named, by name or ID, or none is named; in its own Region. */
function stackNamed(told: Told | null, { input, region }: ServiceCall): Told | null {
  const name = textOf(input, 'StackName')
  return told?.region === region && (name === null || name === STACK_NAME || name === told.id) ? told : null
}

function unknownStack({ input }: ServiceCall): Refusal {
  return refusal('ValidationError', `Stack with id ${textOf(input, 'StackName') ?? ''} does not exist`)
}

function described({ id, createdAt, updatedAt, parameters }: Told): JsonObject {
  return {
    StackId: id,
    StackName: STACK_NAME,
    Parameters: parameters,
    CreationTime: createdAt,
    ...(updatedAt !== null && { LastUpdatedTime: updatedAt }),
    StackStatus: updatedAt === null ? STATUS : UPDATED,
    DisableRollback: false,
    Capabilities: ['CAPABILITY_IAM'],
    DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
  }
}

function ofStack({ id }: Told): JsonObject {
  return { StackName: STACK_NAME, StackId: id }
}

function withStatus({ logicalId, physicalId, type }: Resource): JsonObject {
  return {
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId,
    ResourceType: type,
    ResourceStatus: STATUS,
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  }
}
