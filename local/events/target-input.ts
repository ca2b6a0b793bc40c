import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import type { Target } from './rules.ts'

const PATH = /^\$(?:\.[\w-]+)*$/

/** Why the local cloud cannot make what a target is to get; null where it can. */
export function unsupportedInput(target: JsonObject): string | null {
  if (Object.hasOwn(target, 'InputTransformer')) return 'The local cloud has no InputTransformer.'
  const path = textOf(target, 'InputPath')
  return path !== null && !PATH.test(path) ? 'The local cloud reads an InputPath of names only, such as $.detail.' : null
}

/** What a target gets of an event: the whole event, a part of it, or a text of its own. */
export function targetBody(target: Target, event: JsonObject): string {
  const constant = textOf(target, 'Input')
  if (constant !== null) return constant
  let value: unknown = event
  for (const name of (textOf(target, 'InputPath') ?? '$').split('.').slice(1))
    value = isJsonObject(value) ? memberOf(value, name) : undefined
  return JSON.stringify(value ?? null)
}
