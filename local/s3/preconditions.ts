import type { IncomingHttpHeaders } from 'node:http'
import type { ObjectRecord } from './object-records.ts'
import { refuse, type Refused } from './outcome.ts'
import { headerText } from './place.ts'
import type { Stored } from './storage.ts'

const FAILED = refuse('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412)

/** What conditional headers make of a read. https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2 */
export function readCondition(
  headers: IncomingHttpHeaders,
  { tag }: Pick<ObjectRecord, 'tag'>,
  { modifiedMs }: Pick<Stored, 'modifiedMs'>,
  prefix = '',
): 'read' | 'unchanged' | Refused {
  const ifMatch = headerText(headers, `${prefix}if-match`)
  const ifNoneMatch = headerText(headers, `${prefix}if-none-match`)
  const unmodifiedMs = timeOf(headers, `${prefix}if-unmodified-since`)
  const modifiedSinceMs = timeOf(headers, `${prefix}if-modified-since`)
  if (ifMatch !== null ? !names(ifMatch, tag) : unmodifiedMs !== null && modifiedMs > unmodifiedMs) return FAILED
  if (ifNoneMatch !== null) return names(ifNoneMatch, tag) ? 'unchanged' : 'read'
  return modifiedSinceMs !== null && modifiedMs <= modifiedSinceMs ? 'unchanged' : 'read'
}

/** Null if a write may go on; `tag` is that of the object it replaces. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export function refusedWrite(headers: IncomingHttpHeaders, tag: string | null): Refused | null {
  const ifMatch = headerText(headers, 'if-match')
  if (ifMatch !== null && tag === null) return refuse('NoSuchKey', 'The specified key does not exist.', 404)
  if (ifMatch !== null && tag !== null && !names(ifMatch, tag)) return FAILED
  return headerText(headers, 'if-none-match') === '*' && tag !== null ? FAILED : null
}

/** Whether a write has to look at what it replaces. */
export function isConditionalWrite(headers: IncomingHttpHeaders): boolean {
  return headerText(headers, 'if-match') !== null || headerText(headers, 'if-none-match') !== null
}

function names(condition: string, tag: string): boolean {
  const bare = tag.replaceAll('"', '')
  return condition.split(',').some((each) => each.trim() === '*' || each.trim().replaceAll('"', '') === bare)
}

function timeOf(headers: IncomingHttpHeaders, name: string): number | null {
  const timeMs = Date.parse(headerText(headers, name) ?? '')
  return Number.isNaN(timeMs) ? null : timeMs
}
