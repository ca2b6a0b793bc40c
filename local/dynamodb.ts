import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type JsonObject, textOf } from '../shared/json.ts'
import { type DynamoAnswer, type Dynalite, openDynalite } from './dynalite.ts'
import type { HttpAnswer, HttpService } from './http.ts'
import { jsonBody } from './json-body.ts'
import { DYNAMODB_FOLDER, type LocalState, StateUnreadable } from './state.ts'
import { type TimeToLive, timeToLive } from './time-to-live.ts'

export type DynamoDb = HttpService & {
  /** Removes the items whose time to live is past and answers how many. AWS does so within days; here it is done when asked. */
  expire(): Promise<number>
  /** Waits for running operations, 10 seconds at most. Before the state is closed. */
  close(): Promise<void>
}

export type DynamoDbOptions = {
  readonly state: LocalState
  readonly clock: { nowMs(): number }
  readonly accountId: string
  /** In the ARNs of tables; calls signed for any Region meet the same tables. */
  readonly region: string
  /** Told of what the database throws. */
  onFault(error: unknown): void
}

const CONTENT_TYPE = 'application/x-amz-json-1.0'
const TABLE_CHANGES = ['CreateTable', 'UpdateTable', 'DeleteTable']
const UNSETTLED = /"(?:Table|Index)Status":"(?:CREATING|UPDATING|DELETING)"/
const SETTLED_TRIES = 1000
const SETTLED_TRY_MS = 2
const UNKNOWN = { __type: 'com.amazon.coral.service#UnknownOperationException', message: 'The local cloud does not have this operation.' }
const UNREADABLE = { __type: 'com.amazon.coral.service#SerializationException', message: 'The body is not a JSON object.' }
const INTERNAL = { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message: 'The local cloud failed at this call.' }

/**
 * DynamoDB: dynalite, on disk if the state is, and time to live by the local clock. It has no transactions, streams and PartiQL.
 * Throws `StateUnreadable`.
 */
export async function openDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const { state, clock, accountId, region, onFault } = options
  const folder = state.folder === null ? null : path.join(state.folder, DYNAMODB_FOLDER)
  const dynalite = openDynalite({ path: folder, accountId, region })
  try {
    // Opening is put off to the first operation, and its failure with it. There is no such table.
    await dynalite.run('DescribeTable', { TableName: 'keytrail' })
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new StateUnreadable(state.folder ?? 'memory', `cannot be read (${reason})`)
  }
  const ttl = timeToLive(state.db, dynalite)
  return {
    async answer(request) {
      const operation = operationOf(request.headers['x-amz-target'])
      const input = jsonBody(request.body)
      if (input === null) return answerOf(400, UNREADABLE)
      try {
        const answer = await run({ dynalite, ttl, operation, input })
        if (answer === null) return answerOf(400, UNKNOWN)
        return 'failure' in answer ? answerOf(answer.failure.status, answer.failure.body) : answerOf(200, answer.output)
      } catch (error) {
        onFault(error)
        return answerOf(500, INTERNAL)
      }
    },
    expire: () => ttl.expire(clock.nowMs()),
    close: () => dynalite.close(),
  }
}

function operationOf(target: unknown): string {
  const [api, operation] = typeof target === 'string' ? target.split('.') : []
  return api === 'DynamoDB_20120810' ? (operation ?? '') : ''
}

/** Null for an operation that the local cloud does not have. */
async function run(parts: {
  readonly dynalite: Dynalite
  readonly ttl: TimeToLive
  readonly operation: string
  readonly input: JsonObject
}): Promise<DynamoAnswer | null> {
  const { dynalite, ttl, operation, input } = parts
  if (operation === 'UpdateTimeToLive') return ttl.update(input)
  if (operation === 'DescribeTimeToLive') return ttl.describe(input)
  if (!dynalite.has(operation)) return null
  const answer = await dynalite.run(operation, input)
  if ('failure' in answer) return answer
  const tableName = textOf(input, 'TableName') ?? ''
  if (TABLE_CHANGES.includes(operation)) await settled(dynalite, tableName)
  if (operation === 'DeleteTable') ttl.forget(tableName)
  return answer
}

/** Who asks a moment too early whether a table is there waits 20 seconds before asking again: the SDK's waiters do so. */
async function settled(dynalite: Dynalite, tableName: string): Promise<void> {
  for (let tries = 0; tries < SETTLED_TRIES; tries++) {
    const described = await dynalite.run('DescribeTable', { TableName: tableName })
    if ('failure' in described || !UNSETTLED.test(JSON.stringify(described.output))) return
    await sleep(SETTLED_TRY_MS)
  }
}

function answerOf(status: number, body: JsonObject): HttpAnswer {
  return { status, headers: { 'content-type': CONTENT_TYPE }, body: JSON.stringify(body) }
}
