import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../shared/json.ts'
import { type Dynalite, type DynamoAnswer, outputOf } from './dynalite.ts'

/** Time to live of DynamoDB's items, which dynalite lacks: which attribute of which table, and the removal of what is past. */
export type TimeToLive = {
  update(input: JsonObject): Promise<DynamoAnswer>
  describe(input: JsonObject): Promise<DynamoAnswer>
  /** After its table was deleted. */
  forget(tableName: string): void
  /** Removes what is past at that time and answers how many items that were. */
  expire(nowMs: number): Promise<number>
}

const SCHEMA = 'CREATE TABLE IF NOT EXISTS dynamodb_ttl (table_name TEXT PRIMARY KEY, attribute TEXT NOT NULL) STRICT'
/** Items whose time is longer past than five years are kept. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html */
const PAST_S_MAX = 5 * 365 * 24 * 3600
const ATTRIBUTE_LENGTH_MAX = 255

export function timeToLive(db: DatabaseSync, dynalite: Dynalite): TimeToLive {
  db.exec(SCHEMA)
  const read = db.prepare('SELECT attribute FROM dynamodb_ttl WHERE table_name = ?')
  const readAll = db.prepare('SELECT table_name, attribute FROM dynamodb_ttl ORDER BY table_name')
  const write = db.prepare('INSERT INTO dynamodb_ttl (table_name, attribute) VALUES (?, ?)')
  const erase = db.prepare('DELETE FROM dynamodb_ttl WHERE table_name = ?')

  function attributeOf(tableName: string): string | null {
    const attribute = read.get(tableName)?.['attribute']
    return typeof attribute === 'string' ? attribute : null
  }

  /** dynalite checks the name and that the table is there. */
  async function withTable(input: JsonObject, then: (tableName: string) => DynamoAnswer): Promise<DynamoAnswer> {
    const table = await dynalite.run('DescribeTable', { TableName: memberOf(input, 'TableName') })
    return 'failure' in table ? table : then(textOf(input, 'TableName') ?? '')
  }

  return {
    update: (input) =>
      withTable(input, (tableName) => {
        const wanted = specificationOf(input)
        if (wanted === null) return refusedInput('TimeToLiveSpecification needs Enabled and an AttributeName of 1 to 255 characters')
        const attribute = attributeOf(tableName)
        if (wanted.enabled === (attribute !== null)) {
          return refusedInput(`TimeToLive is already ${attribute === null ? 'disabled' : 'enabled'}`)
        }
        if (wanted.enabled) write.run(tableName, wanted.attribute)
        else erase.run(tableName)
        return { output: { TimeToLiveSpecification: { Enabled: wanted.enabled, AttributeName: wanted.attribute } } }
      }),
    describe: (input) =>
      withTable(input, (tableName) => {
        const attribute = attributeOf(tableName)
        const status = attribute === null ? { TimeToLiveStatus: 'DISABLED' } : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute }
        return { output: { TimeToLiveDescription: status } }
      }),
    forget: (tableName) => void erase.run(tableName),
    async expire(nowMs) {
      let removed = 0
      for (const row of readAll.all()) {
        removed += await expireTable(dynalite, { tableName: String(row['table_name']), attribute: String(row['attribute']), nowMs })
      }
      return removed
    },
  }
}

function specificationOf(input: JsonObject): { readonly enabled: boolean; readonly attribute: string } | null {
  const specification = memberOf(input, 'TimeToLiveSpecification')
  if (!isJsonObject(specification)) return null
  const enabled = memberOf(specification, 'Enabled')
  const attribute = textOf(specification, 'AttributeName')
  return typeof enabled !== 'boolean' || attribute === null || attribute.length > ATTRIBUTE_LENGTH_MAX ? null : { enabled, attribute }
}

function refusedInput(message: string): DynamoAnswer {
  return { failure: { status: 400, body: { __type: 'com.amazon.coral.validate#ValidationException', message } } }
}

type Expiry = { readonly tableName: string; readonly attribute: string; readonly nowMs: number }

/** Each delete is under the condition it was found by: an item that was given more time meanwhile stays. */
async function expireTable(dynalite: Dynalite, expiry: Expiry): Promise<number> {
  const { tableName, attribute, nowMs } = expiry
  const nowS = Math.floor(nowMs / 1000)
  const condition = {
    ExpressionAttributeNames: { '#ttl': attribute },
    ExpressionAttributeValues: { ':now': { N: String(nowS) }, ':oldest': { N: String(nowS - PAST_S_MAX) } },
  }
  const PAST = '#ttl < :now AND #ttl > :oldest'
  const keys = await keyNames(dynalite, tableName)
  let removed = 0
  let start: unknown
  do {
    const from = start === undefined ? {} : { ExclusiveStartKey: start }
    const page = outputOf(await dynalite.run('Scan', { TableName: tableName, FilterExpression: PAST, ...condition, ...from }))
    if (!page.ok) throw new Error(`the items of ${tableName} that are past their time could not be read: ${page.reason}`)
    const items = memberOf(page.value, 'Items')
    for (const item of Array.isArray(items) ? items.filter(isJsonObject) : []) {
      const Key = Object.fromEntries(keys.map((name) => [name, memberOf(item, name)]))
      const answer = await dynalite.run('DeleteItem', { TableName: tableName, Key, ConditionExpression: PAST, ...condition })
      if ('output' in answer) removed++
    }
    start = memberOf(page.value, 'LastEvaluatedKey')
  } while (start !== undefined)
  return removed
}

async function keyNames(dynalite: Dynalite, tableName: string): Promise<readonly string[]> {
  const described = outputOf(await dynalite.run('DescribeTable', { TableName: tableName }))
  const table = described.ok ? memberOf(described.value, 'Table') : null
  const schema = isJsonObject(table) ? memberOf(table, 'KeySchema') : null
  const names = Array.isArray(schema) ? schema.filter(isJsonObject).map((key) => textOf(key, 'AttributeName')) : []
  return names.filter((name) => name !== null)
}
