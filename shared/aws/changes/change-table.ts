import { createHash } from 'node:crypto'
import type { ChangeRecord, ChangeStore } from '../../changes/record.ts'
import { type ControlTable, type Item, itemAt, numberAttribute, textAttribute, textOf } from '../table.ts'
import { kept, ownItem, secondText, valueIn } from './own-item.ts'

const RECORDS = 'change'
const RECORD_S = 400 * 86_400

/**
 * Records of changes in the control table. Partition and sort keys by kind of item:
 * `change` `<record>` · `change-of#<account>#<Region>#<digest of the ARN>` `<second>#<record>`
 *
 * What a record says stands in the first alone, so that there is one truth; the second, which leads to it, is written before it and never
 * changes: one that leads to nothing is of a record that was not written.
 */
export function createChangeTable(table: ControlTable, newToken: () => string): ChangeStore {
  async function find(id: string): Promise<ChangeRecord | null> {
    const item = await itemAt(table, RECORDS, id)
    return item === null ? null : recordIn(item)
  }

  return {
    find,
    async write(record, over) {
      if (over === null) await table.put(leadItem(record))
      const item = ownItem({ pk: RECORDS, sk: record.id, value: record, token: newToken() })
      const condition =
        over === null
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: '#state = :over',
              ExpressionAttributeNames: { '#state': 'state' },
              ExpressionAttributeValues: { ':over': textAttribute(over) },
            }
      return kept(table, { ...item, state: textAttribute(record.state), expiresAt: endOf(record) }, condition)
    },
    async ofResource(resource, since) {
      const records: ChangeRecord[] = []
      for await (const lead of table.last(leadKey(resource), secondText(since))) {
        const record = await find(textOf(lead, 'record'))
        if (record !== null) records.push(record)
      }
      return records
    },
    async *newestFirst() {
      for await (const item of table.last(RECORDS)) yield recordIn(item)
    },
  }
}

function leadItem(record: ChangeRecord): Item {
  return {
    pk: textAttribute(leadKey(record.resource)),
    sk: textAttribute(`${secondText(record.plannedAt)}#${record.id}`),
    record: textAttribute(record.id),
    expiresAt: endOf(record),
  }
}

function leadKey({ accountId, region, arn }: Pick<ChangeRecord['resource'], 'accountId' | 'region' | 'arn'>): string {
  return `change-of#${accountId}#${region}#${createHash('sha256').update(arn).digest('hex').slice(0, 32)}`
}

function endOf({ plannedAt }: ChangeRecord): Item[string] {
  return numberAttribute(plannedAt + RECORD_S)
}

/** @throws if somebody else wrote the item */
function recordIn(item: Item): ChangeRecord {
  return valueIn(item, 'resource') as ChangeRecord
}
