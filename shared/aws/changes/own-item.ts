import { isJsonObject, memberOf, parsedJson } from '../../json.ts'
import type { EpochS } from '../../time.ts'
import { type Condition, type Item, itemAt, type Table, textAttribute, textOf } from '../table.ts'

/** An item of the control table that holds one value as JSON, with a token that no other writing of it has. */
export function ownItem(of: { readonly pk: string; readonly sk: string; readonly value: object; readonly token: string }): Item {
  const { pk, sk, value, token } = of
  return { pk: textAttribute(pk), sk: textAttribute(sk), token: textAttribute(token), value: textAttribute(JSON.stringify(value)) }
}

/** Writes an item. A refusal may be of a write that was done and whose answer was lost on the way: the client tries again by itself. */
export async function kept(table: Table, item: Item, condition: Condition): Promise<'written' | 'conflict'> {
  if ((await table.put(item, condition)) !== 'refused') return 'written'
  const there = await itemAt(table, textOf(item, 'pk'), textOf(item, 'sk'))
  return there !== null && textOf(there, 'token') === textOf(item, 'token') ? 'written' : 'conflict'
}

/** What `ownItem` wrote; an object of ours has this member. @throws if somebody else wrote the item */
export function valueIn(item: Item, member: string): unknown {
  const value = parsedJson(textOf(item, 'value'))
  if (!isJsonObject(value) || memberOf(value, member) === undefined)
    throw new Error('the control table holds an item that is none of its own')
  return value
}

/** In the order of time as text. */
export function secondText(second: EpochS): string {
  return String(second).padStart(10, '0')
}
