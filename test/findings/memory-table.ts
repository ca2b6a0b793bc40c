import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Condition, Item, Table } from '../../shared/aws/table.ts'

/** A table that knows just the conditions that the table of findings sets; any other is an error. */
export function createMemoryTable(): Table & { readonly items: ReadonlyMap<string, Item> } {
  const items = new Map<string, Item>()
  return {
    name: 'memory',
    items,
    async put(item, condition) {
      const name = keyOf(item['pk']?.S ?? '', item['sk']?.S ?? '')
      const there = items.get(name)
      if (!holds(there, condition)) return 'refused'
      items.set(name, item)
      return there ?? null
    },
    async remove(pk, sk, condition) {
      const name = keyOf(pk, sk)
      if (!holds(items.get(name), condition)) return 'refused'
      items.delete(name)
      return 'removed'
    },
    async *query(pk, skPrefix = '') {
      yield* partition(pk).filter((item) => sortKeyOf(item).startsWith(skPrefix))
    },
    async *last(pk, from = '') {
      yield* partition(pk)
        .filter((item) => sortKeyOf(item) >= from)
        .toReversed()
    },
  }

  function partition(pk: string): readonly Item[] {
    const found = [...items.values()].filter((item) => item['pk']?.S === pk)
    return found.toSorted((one, other) => (sortKeyOf(one) < sortKeyOf(other) ? -1 : 1))
  }
}

function sortKeyOf(item: Item): string {
  return item['sk']?.S ?? ''
}

function holds(there: Item | undefined, condition: Condition | undefined): boolean {
  const expression = condition?.ConditionExpression
  if (expression === undefined) return true
  if (expression === 'attribute_not_exists(pk)') return there === undefined
  const [, name = '', value = ''] = /^(#?\w+) = (:\w+)$/.exec(expression) ?? []
  const attribute = condition?.ExpressionAttributeNames?.[name] ?? name
  const wanted = condition?.ExpressionAttributeValues?.[value]
  if (wanted === undefined) throw new Error(`the table of the tests does not know ${expression}`)
  return same(there?.[attribute], wanted)
}

function same(one: AttributeValue | undefined, other: AttributeValue): boolean {
  return one !== undefined && one.S === other.S && one.N === other.N
}

function keyOf(pk: string, sk: string): string {
  return JSON.stringify([pk, sk])
}
