import type { SweepLog, SweepStore } from '../audit/sweep-state.ts'
import { isJsonObject } from '../json.ts'
import { type Table, textAttribute, textOf } from './table.ts'

const SWEEP = 'sweep'

/** How far the sweep is, in the table of findings: partition key and sort key `sweep`. It never expires. */
export function createSweepTable(table: Table, newToken: () => string): SweepStore {
  return {
    async read() {
      for await (const item of table.query(SWEEP, SWEEP)) {
        const log: unknown = JSON.parse(textOf(item, 'log'))
        if (!isJsonObject(log)) throw new Error('the table holds a sweep that is none')
        // Nobody else writes this item.
        return { log: log as SweepLog, revision: textOf(item, 'revision') }
      }
      return null
    },
    async write(log, over) {
      const revision = newToken()
      const item = {
        pk: textAttribute(SWEEP),
        sk: textAttribute(SWEEP),
        revision: textAttribute(revision),
        log: textAttribute(JSON.stringify(log)),
      }
      const condition =
        over === null
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: '#revision = :revision',
              ExpressionAttributeNames: { '#revision': 'revision' },
              ExpressionAttributeValues: { ':revision': textAttribute(over) },
            }
      return (await table.put(item, condition)) === 'refused' ? 'conflict' : { revision }
    },
  }
}
