import { type Item, numberAttribute, type Table, textAttribute, textOf } from '../table.ts'
import { createSeenBucketsTable, secondOf } from './seen-buckets-table.ts'
import type { AliasScope, SeenStore } from './seen-store.ts'

/** Far more aliases than an account's keys can have in practice: what is beyond is a fault, not a part. */
const ITEMS_MAX = 1_000_000

/**
 * What was seen, in a table of Keytrail's. Partition and sort keys by kind of item:
 * `seen#alias#<account>#<Region>` `<alias>` · `seen#code#<stack ARN>` `<function>` · and those of buckets
 */
export function createSeenTable(table: Table): SeenStore {
  async function all<Value>(pk: string, read: (item: Item) => Value): Promise<readonly Value[]> {
    const values: Value[] = []
    for await (const item of table.query(pk)) {
      if (values.length === ITEMS_MAX) throw new Error(`table ${table.name}: more than ${ITEMS_MAX} items under one key`)
      values.push(read(item))
    }
    return values
  }

  return {
    ...createSeenBucketsTable(table),
    firstKeys: (scope) =>
      all(aliasKey(scope), (item) => ({ alias: textOf(item, 'sk'), keyArn: textOf(item, 'keyArn'), seenAt: secondOf(item, 'seenAt') })),
    async noteKey(scope, { alias, keyArn, seenAt }) {
      await table.put(
        { pk: textAttribute(aliasKey(scope)), sk: textAttribute(alias), keyArn: textAttribute(keyArn), seenAt: numberAttribute(seenAt) },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      )
    },
    codes: (stackArn) =>
      all(codeKey(stackArn), (item) => ({
        functionName: textOf(item, 'sk'),
        digest: textOf(item, 'digest'),
        stackChangedAt: secondOf(item, 'stackChangedAt'),
      })),
    async noteCode(stackArn, { functionName, digest, stackChangedAt }) {
      const item = {
        pk: textAttribute(codeKey(stackArn)),
        sk: textAttribute(functionName),
        digest: textAttribute(digest),
        stackChangedAt: numberAttribute(stackChangedAt),
      }
      await table.put(item, {
        ConditionExpression: 'attribute_not_exists(pk) OR stackChangedAt < :changedAt',
        ExpressionAttributeValues: { ':changedAt': item.stackChangedAt },
      })
    },
  }
}

function aliasKey({ accountId, region }: AliasScope): string {
  return `seen#alias#${accountId}#${region}`
}

function codeKey(stackArn: string): string {
  return `seen#code#${stackArn}`
}
