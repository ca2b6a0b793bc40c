import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  paginateQuery,
  PutItemCommand,
  type PutItemCommandInput,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'

export type Item = Readonly<Record<string, AttributeValue>>
/** What must hold of the item that is there, in DynamoDB's words. */
export type Condition = Pick<PutItemCommandInput, 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>

/** A table whose items have a partition key `pk` and a sort key `sk`, both texts. Reads are strongly consistent. */
export type Table = {
  readonly name: string
  /** @returns what the item replaced; null: nothing was there; `refused`: the condition does not hold */
  put(item: Item, condition?: Condition): Promise<Item | 'refused' | null>
  remove(pk: string, sk: string, condition?: Condition): Promise<'removed' | 'refused'>
  /** The items of a partition whose sort keys begin so, in their order. */
  query(pk: string, skPrefix?: string): AsyncIterable<Item>
  /** The items of a partition whose sort keys are not less than `from`, the last first. */
  last(pk: string, from?: string): AsyncIterable<Item>
}

/** What the control table is asked for besides. */
export type ControlTable = Table & {
  /**
   * Takes one of `max` pieces that an item counts; the first makes the item. False: all are taken. However many ask at once, no more than
   * `max` are told true; one whose answer was lost on the way may be taken twice.
   */
  take(pk: string, sk: string, pieces: { readonly max: number; readonly expiresAt: number }): Promise<boolean>
}

/** A client that gives up on a silent server long before the invocation's time is over; it tries three times. */
export function createDynamoDBClient(): DynamoDBClient {
  return new DynamoDBClient({ maxAttempts: 3, requestHandler: { connectionTimeout: 2000, requestTimeout: 5000 } })
}

export function createTable(client: DynamoDBClient, name: string): ControlTable {
  async function* query(keys: Partial<QueryCommandInput>, pk: string, sk: string): AsyncGenerator<Item> {
    // An empty text is no value of a key.
    const sortKey = sk === '' ? {} : { ':sk': { S: sk } }
    const ExpressionAttributeValues = { ':pk': { S: pk }, ...sortKey }
    const pages = paginateQuery({ client }, { TableName: name, ...keys, ExpressionAttributeValues, ConsistentRead: true })
    for await (const page of pages) yield* page.Items ?? []
  }

  return {
    name,
    async put(item, condition = {}) {
      try {
        const { Attributes } = await client.send(new PutItemCommand({ TableName: name, Item: item, ReturnValues: 'ALL_OLD', ...condition }))
        return Attributes ?? null
      } catch (error) {
        return refusedOrThrow(error)
      }
    },
    async remove(pk, sk, condition = {}) {
      try {
        await client.send(new DeleteItemCommand({ TableName: name, Key: { pk: { S: pk }, sk: { S: sk } }, ...condition }))
        return 'removed'
      } catch (error) {
        return refusedOrThrow(error)
      }
    },
    query(pk, skPrefix = '') {
      return query({ KeyConditionExpression: skPrefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :sk)' }, pk, skPrefix)
    },
    last(pk, from = '') {
      const KeyConditionExpression = from === '' ? 'pk = :pk' : 'pk = :pk AND sk >= :sk'
      return query({ KeyConditionExpression, ScanIndexForward: false }, pk, from)
    },
    async take(pk, sk, { max, expiresAt }) {
      // The condition asks what is there, and there is nothing at first.
      if (max < 1) return false
      const command = new UpdateItemCommand({
        TableName: name,
        Key: { pk: { S: pk }, sk: { S: sk } },
        UpdateExpression: 'ADD taken :one SET expiresAt = :end',
        ConditionExpression: 'attribute_not_exists(taken) OR taken < :max',
        ExpressionAttributeValues: { ':one': numberAttribute(1), ':max': numberAttribute(max), ':end': numberAttribute(expiresAt) },
      })
      try {
        await client.send(command)
        return true
      } catch (error) {
        refusedOrThrow(error)
        return false
      }
    },
  }
}

/** The item under two keys; null: there is none. */
export async function itemAt(table: Table, pk: string, sk: string): Promise<Item | null> {
  for await (const item of table.query(pk, sk)) if (textOf(item, 'sk') === sk) return item
  return null
}

function refusedOrThrow(error: unknown): 'refused' {
  if (error instanceof ConditionalCheckFailedException) return 'refused'
  throw error
}

export function textAttribute(value: string): AttributeValue {
  return { S: value }
}

export function numberAttribute(value: number): AttributeValue {
  return { N: String(value) }
}

/** @throws if the item has no such text: somebody else wrote to the table */
export function textOf(item: Item, name: string): string {
  const value = item[name]?.S
  if (value === undefined) throw new Error(`an item of the table lacks ${name}`)
  return value
}

/** @throws if the item has no such number */
export function numberOf(item: Item, name: string): number {
  const value = Number(item[name]?.N)
  if (!Number.isFinite(value)) throw new Error(`an item of the table lacks ${name}`)
  return value
}

/** @throws if the item has no such bytes */
export function bytesOf(item: Item, name: string): Uint8Array {
  const value = item[name]?.B
  if (value === undefined) throw new Error(`an item of the table lacks ${name}`)
  return value
}
