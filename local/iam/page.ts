import { type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Refusal, refusal } from '../recorded-operation.ts'

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html */
const ITEMS_MAX = 1000
const ITEMS_USUAL = 100
const PREFIX = 'after:'

export type Page<Item> = {
  /** `member` lists the items; `nameOf` is what the next page goes on after. */
  output(member: string, nameOf: (item: Item) => string, outputOf: (item: Item) => unknown): JsonObject
}

/** The page that `Marker` and `MaxItems` ask for; `read` is asked for one item more than that. */
export function pageOf<Item>(input: JsonObject, read: (after: string, limit: number) => readonly Item[]): Page<Item> | Refusal {
  const limit = Number(memberOf(input, 'MaxItems') ?? ITEMS_USUAL)
  if (!Number.isInteger(limit) || limit < 1 || limit > ITEMS_MAX) return refusal('ValidationError', `MaxItems must be 1 to ${ITEMS_MAX}.`)
  const marker = textOf(input, 'Marker')
  const position = marker === null ? PREFIX : Buffer.from(marker, 'base64url').toString('utf8')
  if (!position.startsWith(PREFIX)) return refusal('ValidationError', 'Invalid Marker.')
  const items = read(position.slice(PREFIX.length), limit + 1)
  return {
    output(member, nameOf, outputOf) {
      const page = items.slice(0, limit)
      const last = page.at(-1)
      const isTruncated = items.length > limit && last !== undefined
      const next = isTruncated ? { Marker: Buffer.from(PREFIX + nameOf(last), 'utf8').toString('base64url') } : {}
      return { [member]: page.map(outputOf), IsTruncated: isTruncated, ...next }
    },
  }
}
