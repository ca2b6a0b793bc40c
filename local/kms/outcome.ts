import type { JsonObject } from '../../shared/json.ts'
import type { Elsewhere } from '../service.ts'

/** Why a call was refused. */
export type Refusal = {
  /** As the SDK names it. */
  readonly code: string
  readonly message: string
  /** The ARNs of the keys that were known by then, in the order of a record's `resources`. */
  readonly resourceArns: readonly string[]
  /** CloudTrail has a record of the call. */
  readonly isLogged: boolean
}

export type Refused = { readonly ok: false; readonly refusal: Refusal }
export type Checked<Value> = { readonly ok: true; readonly value: Value } | Refused

/** What a call did. */
export type Done = {
  readonly output: JsonObject
  /** Keys and aliases, in the order of a record's `resources`. */
  readonly resourceArns: readonly string[]
  readonly responseElements?: JsonObject
  readonly additionalEventData?: JsonObject
  readonly elsewhere?: Elsewhere
}

export function accepted<Value>(value: Value): Checked<Value> {
  return { ok: true, value }
}

export function refuse(code: string, message: string, resourceArns: readonly string[] = []): Refused {
  return { ok: false, refusal: { code, message, resourceArns, isLogged: true } }
}

/**
 * A request that breaks the API's own model. "Failed calls are logged only in some scenarios"; no example of AWS shows such a one.
 * https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
 */
export function refuseRequest(code: 'ValidationException' | 'SerializationException', message: string): Refused {
  return { ok: false, refusal: { code, message, resourceArns: [], isLogged: false } }
}

/** The same refusal, its record naming these keys. */
export function withResources(refused: Refused, resourceArns: readonly string[]): Refused {
  return { ok: false, refusal: { ...refused.refusal, resourceArns } }
}

type Values<Fields> = { readonly [Name in keyof Fields]: Fields[Name] extends Checked<infer Value> ? Value : never }

/** All values, or a refusal: one of the request's form before one of its meaning, so that what is recorded has the form it should have. */
export function together<Fields extends Readonly<Record<string, Checked<unknown>>>>(fields: Fields): Checked<Values<Fields>> {
  const refused = Object.values(fields).filter((checked) => !checked.ok)
  const first = refused.find(({ refusal }) => !refusal.isLogged) ?? refused[0]
  if (first !== undefined) return first
  const values = Object.entries(fields).map(([name, checked]) => [name, checked.ok ? checked.value : undefined])
  return accepted(Object.fromEntries(values) as Values<Fields>)
}
