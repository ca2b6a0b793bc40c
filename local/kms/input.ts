import { type JsonObject, memberOf } from '../../shared/json.ts'
import { accepted, type Checked, type Refused, refuseRequest } from './outcome.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A member's name as messages and CloudTrail spell it: `KeyId` as `keyId`, `AWSAccountId` as `aWSAccountId`. */
export function trailName(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1)
}

/** What was sent, JSON's null being nothing. */
function sent(input: JsonObject, name: string): unknown {
  return memberOf(input, name) ?? undefined
}

export function wrongType(name: string): Refused {
  return refuseRequest('SerializationException', `The value of ${name} has the wrong type.`)
}

function unmet(name: string, constraint: string): Refused {
  return refuseRequest(
    'ValidationException',
    `1 validation error detected: Value at '${trailName(name)}' failed to satisfy constraint: Member must ${constraint}`,
  )
}

export function required<Value>(name: string, checked: Checked<Value | null>): Checked<Value> {
  if (!checked.ok) return checked
  return checked.value === null ? unmet(name, 'not be null') : accepted(checked.value)
}

type TextLimits = { readonly lengthMin?: number; readonly lengthMax: number; readonly pattern?: RegExp }

export function text(input: JsonObject, name: string, { lengthMin = 1, lengthMax, pattern }: TextLimits): Checked<string | null> {
  const value = sent(input, name)
  if (value === undefined) return accepted(null)
  if (typeof value !== 'string') return wrongType(name)
  const lengthRefused = outOfRange(name, value.length, lengthMin, lengthMax)
  if (lengthRefused !== null) return lengthRefused
  return pattern === undefined || pattern.test(value)
    ? accepted(value)
    : unmet(name, `satisfy regular expression pattern: ${pattern.source}`)
}

export function choice<Choice extends string>(input: JsonObject, name: string, choices: readonly Choice[]): Checked<Choice | null> {
  const value = sent(input, name)
  if (value === undefined) return accepted(null)
  if (typeof value !== 'string') return wrongType(name)
  const chosen = choices.find((known) => known === value)
  return chosen === undefined ? unmet(name, `satisfy enum value set: [${choices.join(', ')}]`) : accepted(chosen)
}

export function integer(
  input: JsonObject,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): Checked<number | null> {
  const value = sent(input, name)
  if (value === undefined) return accepted(null)
  if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType(name)
  if (value < min) return unmet(name, `have value greater than or equal to ${min}`)
  return value > max ? unmet(name, `have value less than or equal to ${max}`) : accepted(value)
}

/** False if it was not sent. */
export function flag(input: JsonObject, name: string): Checked<boolean> {
  const value = sent(input, name)
  if (value === undefined) return accepted(false)
  return typeof value === 'boolean' ? accepted(value) : wrongType(name)
}

/** Bytes sent as base64. */
export function blob(
  input: JsonObject,
  name: string,
  { bytesMin, bytesMax }: { readonly bytesMin: number; readonly bytesMax: number },
): Checked<Buffer | null> {
  const value = sent(input, name)
  if (value === undefined) return accepted(null)
  if (typeof value !== 'string' || !BASE64.test(value)) return wrongType(name)
  const bytes = Buffer.from(value, 'base64')
  return outOfRange(name, bytes.length, bytesMin, bytesMax) ?? accepted(bytes)
}

export function list(input: JsonObject, name: string, { countMax }: { readonly countMax: number }): Checked<readonly unknown[] | null> {
  const value = sent(input, name)
  if (value === undefined) return accepted(null)
  if (!Array.isArray(value)) return wrongType(name)
  return outOfRange(name, value.length, 0, countMax) ?? accepted(value)
}

function outOfRange(name: string, length: number, min: number, max: number): Refused | null {
  if (length < min) return unmet(name, `have length greater than or equal to ${min}`)
  return length > max ? unmet(name, `have length less than or equal to ${max}`) : null
}
