import { strengthOf } from '../../rules/s3/algorithms.ts'
import { epochS, type EpochS } from '../../time.ts'
import { type Item, numberAttribute, numberOf, type Table, textAttribute, textOf } from '../table.ts'
import type { AliasScope, SeenStore } from './seen-store.ts'

const ENCRYPTION = 'encryption'
const AWS_MANAGED_ALIAS = /(?:^|:)alias\/aws\//
/** Far more aliases than an account's keys can have in practice: what is beyond is a fault, not a part. */
const ITEMS_MAX = 1_000_000

/**
 * What was seen, in a table of Keytrail's. Partition and sort keys by kind of item:
 * `seen#alias#<account>#<Region>` `<alias>` · `seen#bucket#<ARN>` `encryption` · `seen#code#<stack ARN>` `<function>`
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
    firstKeys: (scope) =>
      all(aliasKey(scope), (item) => ({ alias: textOf(item, 'sk'), keyArn: textOf(item, 'keyArn'), seenAt: secondOf(item, 'seenAt') })),
    async noteKey(scope, { alias, keyArn, seenAt }) {
      await table.put(
        { pk: textAttribute(aliasKey(scope)), sk: textAttribute(alias), keyArn: textAttribute(keyArn), seenAt: numberAttribute(seenAt) },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      )
    },
    async strongest(bucketArn) {
      const [seen = null] = await all(bucketKey(bucketArn), (item) => {
        const { key } = item
        return { algorithm: textOf(item, 'algorithm'), key: key?.S ?? null, seenAt: secondOf(item, 'seenAt') }
      })
      return seen
    },
    async noteEncryption(bucketArn, { algorithm, key, seenAt }) {
      const strength = rankOf(algorithm, key)
      if (strength === null) return
      const item = {
        pk: textAttribute(bucketKey(bucketArn)),
        sk: textAttribute(ENCRYPTION),
        strength: numberAttribute(strength),
        algorithm: textAttribute(algorithm),
        seenAt: numberAttribute(seenAt),
        ...(key === null ? {} : { key: textAttribute(key) }),
      }
      await table.put(item, {
        ConditionExpression: 'attribute_not_exists(pk) OR strength < :strength',
        ExpressionAttributeValues: { ':strength': item.strength },
      })
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

/** By algorithm; of the same algorithm, a key of the account's own before one that AWS manages. */
function rankOf(algorithm: string, key: string | null): number | null {
  const strength = strengthOf(algorithm)
  return strength === null ? null : 2 * strength + (key === null || AWS_MANAGED_ALIAS.test(key) ? 0 : 1)
}

function aliasKey({ accountId, region }: AliasScope): string {
  return `seen#alias#${accountId}#${region}`
}

function bucketKey(bucketArn: string): string {
  return `seen#bucket#${bucketArn}`
}

function codeKey(stackArn: string): string {
  return `seen#code#${stackArn}`
}

/** @throws if the item has no such time: somebody else wrote to the table */
function secondOf(item: Item, name: string): EpochS {
  const second = epochS(1000 * numberOf(item, name))
  if (second === null) throw new Error(`an item of the table holds no time in ${name}`)
  return second
}
