/** The table of usage in dynalite, in this process or, run as a program, in one of its own; and what writes to it cost. */
import { ConditionalCheckFailedException, CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { createClients } from '../local/clients.ts'
import { openClock } from '../local/clock.ts'
import { openDynamoDb } from '../local/dynamodb.ts'
import { startEndpoint } from '../local/endpoint.ts'
import { createPrincipals } from '../local/principals.ts'
import { openQueues } from '../local/queues.ts'
import { memoryState } from '../local/state.ts'
import { parseAccountId } from '../shared/arn.ts'
import { REGION, TABLE } from './live-child.ts'

export type LocalTable = { readonly url: string; close(): Promise<void> }

function onFault(error: unknown): void {
  process.stderr.write(`${String(error)}\n`)
}

/** An empty table in memory, behind the local cloud's endpoint. */
export async function openTable(): Promise<LocalTable> {
  const accountId = parseAccountId('000000000000')
  if (accountId === null) throw new Error('twelve digits are an account')
  const state = memoryState()
  const clock = openClock({ db: state.db, onFault })
  const dynamodb = await openDynamoDb({ state, clock, accountId, region: REGION, onFault })
  const queues = await openQueues({ state, onFault })
  const principals = createPrincipals(accountId)
  const endpoint = await startEndpoint({ port: 0, services: [], dynamodb, queues, principals, clock, onCall: () => undefined, onFault })
  const clients = createClients({ url: endpoint.url, region: REGION })
  await clients.dynamodb.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  clients.destroy()
  return {
    url: endpoint.url,
    async close() {
      await endpoint.close()
      await clock.close()
      await queues.close()
      await dynamodb.close()
      state.close()
    },
  }
}

/** Write units by what was written: the first word of the partition key, behind `removed` for deletions. */
export type Meter = { readonly writes: ReadonlyMap<string, { readonly requests: number; readonly units: number }> }

type Written = { readonly Item?: Keyed; readonly Key?: Keyed; ReturnConsumedCapacity?: 'TOTAL' }
type Keyed = { readonly pk?: { readonly S?: string } }

/** Has the client ask of each call what it consumed. */
export function meterOf(client: DynamoDBClient): Meter {
  const writes = new Map<string, { requests: number; units: number }>()
  function note(input: Written, units: number): void {
    const key = input.Item ?? input.Key
    if (key === undefined) return
    const [kind = ''] = (key.pk?.S ?? '').split('#')
    const name = input.Item === undefined ? `removed ${kind}` : kind
    const { requests, units: before } = writes.get(name) ?? { requests: 0, units: 0 }
    writes.set(name, { requests: requests + 1, units: before + units })
  }
  client.middlewareStack.add(
    (next) => async (args) => {
      const input = args.input as Written
      input.ReturnConsumedCapacity = 'TOTAL'
      try {
        const result = await next(args)
        const { ConsumedCapacity } = result.output as { readonly ConsumedCapacity?: { readonly CapacityUnits?: number } }
        note(input, ConsumedCapacity?.CapacityUnits ?? Number.NaN)
        return result
      } catch (error) {
        // A refused write costs what the item that is there would: heads and marks, all below 1 KB, are written on a condition.
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
        if (error instanceof ConditionalCheckFailedException) note(input, 1)
        throw error
      }
    },
    { step: 'initialize', name: 'meter' },
  )
  return { writes }
}

if (import.meta.main) {
  const { url } = await openTable()
  process.send?.(url)
  process.once('disconnect', () => process.exit())
}
