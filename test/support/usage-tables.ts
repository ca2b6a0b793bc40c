import { type AttributeValue, CreateTableCommand, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { createTable, type Table } from '../../shared/aws/table.ts'

export type StoredItem = Readonly<Record<string, AttributeValue>>

export type UsageTables = {
  readonly client: DynamoDBClient
  newTable(): Promise<Table>
  itemsOf(table: Table): Promise<readonly StoredItem[]>
  destroy(): void
}

/** Tables as serverless.yml describes the table of usage, at a local DynamoDB. */
export function createUsageTables(config: ConstructorParameters<typeof DynamoDBClient>[0]): UsageTables {
  const client = new DynamoDBClient({ ...config })
  let tables = 0
  return {
    client,
    async newTable() {
      const name = `usage-${tables++}`
      await client.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
        }),
      )
      return createTable(client, name)
    },
    async itemsOf({ name }) {
      const items: StoredItem[] = []
      for await (const page of paginateScan({ client }, { TableName: name })) items.push(...(page.Items ?? []))
      return items
    },
    destroy: () => client.destroy(),
  }
}
