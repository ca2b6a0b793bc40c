import type { JsonObject } from '../../shared/json.ts'
import { integer, text } from './input.ts'
import { accepted, type Checked, refuse } from './outcome.ts'

export type PageRequest = {
  readonly limit: number
  /** The name of the last item of the page before; empty for the first page. */
  readonly after: string
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html: 1024 characters. */
const MARKER_LENGTH_MAX = 1024
const MARKER_PREFIX = 'after:'

export function pageRequest(input: JsonObject, limits: { readonly limitMax: number; readonly limitDefault: number }): Checked<PageRequest> {
  const limit = integer(input, 'Limit', { min: 1, max: limits.limitMax })
  if (!limit.ok) return limit
  const marker = text(input, 'Marker', { lengthMax: MARKER_LENGTH_MAX })
  if (!marker.ok) return marker
  const position = marker.value === null ? MARKER_PREFIX : Buffer.from(marker.value, 'base64url').toString('utf8')
  if (!position.startsWith(MARKER_PREFIX)) return refuse('InvalidMarkerException', 'The marker is not valid.')
  return accepted({ limit: limit.value ?? limits.limitDefault, after: position.slice(MARKER_PREFIX.length) })
}

/** The members of an answer that lists `items`, of which one more than the limit was asked for. */
export function pageOutput<Item>(
  member: string,
  items: readonly Item[],
  limit: number,
  { nameOf, outputOf }: { readonly nameOf: (item: Item) => string; readonly outputOf: (item: Item) => JsonObject },
): JsonObject {
  const page = items.slice(0, limit)
  const last = page.at(-1)
  if (items.length <= limit || last === undefined) return { [member]: page.map(outputOf), Truncated: false }
  const marker = Buffer.from(MARKER_PREFIX + nameOf(last), 'utf8').toString('base64url')
  return { [member]: page.map(outputOf), Truncated: true, NextMarker: marker }
}
