import type { Retirement, RetirementStore } from '../../changes/retire/retirement.ts'
import { type Item, itemAt, numberAttribute, type Table, textAttribute } from '../table.ts'
import { kept, ownItem, valueIn } from './own-item.ts'

const RETIREMENTS = 'retirement'
/** What is over is kept as evidence, as long as records of changes are. */
const OVER_S = 400 * 86_400
const OVER: readonly Retirement['stage'][] = ['deleted', 'saved']

/** Retirements in the control table: partition key `retirement`, sort key the key's ARN. */
export function createRetirementTable(table: Table, newToken: () => string): RetirementStore {
  return {
    async find(keyArn) {
      const item = await itemAt(table, RETIREMENTS, keyArn)
      return item === null ? null : retirementIn(item)
    },
    write(retirement, over) {
      const { keyArn, version, stage, since } = retirement
      const item = {
        ...ownItem({ pk: RETIREMENTS, sk: keyArn, value: retirement, token: newToken() }),
        version: numberAttribute(version),
        stage: textAttribute(stage),
        ...(OVER.includes(stage) && { expiresAt: numberAttribute(since + OVER_S) }),
      }
      const condition =
        over === null
          ? {
              ConditionExpression: 'attribute_not_exists(pk) OR stage IN (:deleted, :saved)',
              ExpressionAttributeValues: { ':deleted': textAttribute('deleted'), ':saved': textAttribute('saved') },
            }
          : { ConditionExpression: 'version = :over', ExpressionAttributeValues: { ':over': numberAttribute(over) } }
      return kept(table, item, condition)
    },
    async *all() {
      for await (const item of table.query(RETIREMENTS)) yield retirementIn(item)
    },
  }
}

/** @throws if somebody else wrote the item */
function retirementIn(item: Item): Retirement {
  return valueIn(item, 'snapshot') as Retirement
}
