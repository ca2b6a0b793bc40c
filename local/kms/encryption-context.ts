import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { wrongType } from './input.ts'
import { accepted, type Checked, refuseRequest } from './outcome.ts'

/** The pairs, sorted by the code units of their keys. No context and an empty one are the same. */
export type EncryptionContext = readonly (readonly [key: string, value: string])[]

/**
 * "Up to 8151 characters, including the = or : separator": the developer guide told it for some years, and tells no other limit today.
 * https://github.com/awsdocs/aws-kms-developer-guide/blob/main/doc_source/concepts.md
 */
const CONTEXT_LENGTH_MAX = 8151

/**
 * The encryption context of a request. Numbers and booleans are taken as text.
 * https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html#encryption-context-rules
 */
export function encryptionContext(input: JsonObject, name: string): Checked<EncryptionContext> {
  const value = memberOf(input, name) ?? {}
  if (!isJsonObject(value)) return wrongType(name)
  const pairs: [string, string][] = []
  let length = 0
  for (const key of Object.keys(value).toSorted(byCodeUnits)) {
    const member = value[key]
    if (typeof member !== 'string' && typeof member !== 'number' && typeof member !== 'boolean') return wrongType(name)
    const pair: [string, string] = [key, String(member)]
    length += pair[0].length + 1 + pair[1].length
    pairs.push(pair)
  }
  if (length > CONTEXT_LENGTH_MAX) {
    return refuseRequest('ValidationException', `The encryption context cannot be longer than ${CONTEXT_LENGTH_MAX} characters.`)
  }
  return accepted(pairs)
}

/** One text for one context: the pairs as JSON, which keeps every key and value apart. */
export function canonicalText(context: EncryptionContext): string {
  return JSON.stringify(context)
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
