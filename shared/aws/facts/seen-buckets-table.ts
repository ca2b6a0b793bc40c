import type { Resource } from '../../rules/rule.ts'
import { strengthOf } from '../../rules/s3/algorithms.ts'
import { epochS, type EpochS } from '../../time.ts'
import { type Item, numberAttribute, numberOf, type Table, textAttribute, textOf } from '../table.ts'
import type { AliasScope, SeenBucket, SeenBuckets, SeenEncryption } from './seen-store.ts'

const ENCRYPTION = 'encryption'
const DEFAULT_KEY = 'default-key'
const WHOLE = 'whole'
const UNREAD = 'unread#'
const AWS_MANAGED_ALIAS = /(?:^|:)alias\/aws\//

/**
 * What was seen of buckets, in a table of Keytrail's. Partition and sort keys by kind of item:
 * `seen#bucket#<ARN>` `encryption` and `default-key` · `seen#key#<key ARN>` `<bucket ARN>` ·
 * `seen#logs#<account>#<Region>#<target>` `<source>` · `seen#logging#<account>#<Region>` `whole` and `unread#<source>`
 */
export function createSeenBucketsTable(table: Table): SeenBuckets {
  /** Of a partition, so many items at most. */
  async function some<Value>(pk: string, itemsMax: number, read: (item: Item) => Value): Promise<readonly Value[]> {
    const values: Value[] = []
    for await (const item of table.query(pk)) {
      if (values.length === itemsMax) break
      values.push(read(item))
    }
    return values
  }
  const put = async (pk: string, sk: string, more: Item = {}): Promise<void> =>
    void (await table.put({ pk: textAttribute(pk), sk: textAttribute(sk), ...more }))
  const remove = async (pk: string, sk: string): Promise<void> => void (await table.remove(pk, sk))

  async function bucket(bucketArn: string): Promise<SeenBucket> {
    let [strongest, keyArn]: [SeenEncryption | null, string | null] = [null, null]
    for await (const item of table.query(bucketKey(bucketArn))) {
      if (textOf(item, 'sk') === DEFAULT_KEY) keyArn = textOf(item, 'keyArn')
      else strongest = { algorithm: textOf(item, 'algorithm'), key: item['key']?.S ?? null, seenAt: secondOf(item, 'seenAt') }
    }
    return { strongest, keyArn }
  }

  return {
    bucket,
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
    async noteDefaultKey({ arn, accountId, region }, keyArn, before) {
      if (keyArn === before) return
      // In this order: who is stopped in between leaves a note too many, never one too few.
      await put(keyKey(keyArn), arn, { accountId: textAttribute(accountId), region: textAttribute(region) })
      await put(bucketKey(arn), DEFAULT_KEY, { keyArn: textAttribute(keyArn) })
      if (before !== null) await remove(keyKey(before), arn)
    },
    bucketsUnder: (keyArn, bucketsMax) =>
      some(keyKey(keyArn), bucketsMax, (item): Resource => ({
        kind: 's3_bucket',
        arn: textOf(item, 'sk'),
        accountId: textOf(item, 'accountId'),
        region: textOf(item, 'region'),
      })),
    async forgetBucket(bucketArn) {
      const { strongest, keyArn } = await bucket(bucketArn)
      if (strongest !== null) await remove(bucketKey(bucketArn), ENCRYPTION)
      if (keyArn === null) return
      await remove(keyKey(keyArn), bucketArn)
      await remove(bucketKey(bucketArn), DEFAULT_KEY)
    },
    logSources: (scope, target, sourcesMax) => some(logsKey(scope, target), sourcesMax, (item) => textOf(item, 'sk')),
    noteLogSource: (scope, target, source) => put(logsKey(scope, target), source),
    forgetLogSource: (scope, target, source) => remove(logsKey(scope, target), source),
    async logging(scope) {
      const names: string[] = []
      for await (const item of table.query(loggingKey(scope))) names.push(textOf(item, 'sk'))
      return {
        isWhole: names.includes(WHOLE),
        unread: names.filter((name) => name.startsWith(UNREAD)).map((name) => name.slice(UNREAD.length)),
      }
    },
    noteLoggingWhole: (scope) => put(loggingKey(scope), WHOLE),
    noteLoggingUnread: (scope, source) => put(loggingKey(scope), `${UNREAD}${source}`),
    noteLoggingRead: (scope, source) => remove(loggingKey(scope), `${UNREAD}${source}`),
  }
}

/** By algorithm; of the same algorithm, a key of the account's own before one that AWS manages. */
function rankOf(algorithm: string, key: string | null): number | null {
  const strength = strengthOf(algorithm)
  return strength === null ? null : 2 * strength + (key === null || AWS_MANAGED_ALIAS.test(key) ? 0 : 1)
}

function bucketKey(bucketArn: string): string {
  return `seen#bucket#${bucketArn}`
}

function keyKey(keyArn: string): string {
  return `seen#key#${keyArn}`
}

function logsKey({ accountId, region }: AliasScope, target: string): string {
  return `seen#logs#${accountId}#${region}#${target}`
}

function loggingKey({ accountId, region }: AliasScope): string {
  return `seen#logging#${accountId}#${region}`
}

/** @throws if the item has no such time: somebody else wrote to the table */
export function secondOf(item: Item, name: string): EpochS {
  const second = epochS(1000 * numberOf(item, name))
  if (second === null) throw new Error(`an item of the table holds no time in ${name}`)
  return second
}
