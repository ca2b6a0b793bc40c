import { type JsonObject, memberOf } from '../../shared/json.ts'
import { type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import type { Rule, Rules } from './rules.ts'

const NAME = /^[\w.-]{1,64}$/
const TOKEN_LENGTH_MAX = 2048
const PAGE_MAX = 100

export function invalid(message: string): Refusal {
  return refusal('ValidationException', message)
}

export function isRefusal(value: object): value is Refusal {
  return 'code' in value && 'message' in value
}

/** Names of rules and ids of targets. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/** The local cloud has the default bus only, by name or by ARN. */
export function refusedBus(name: unknown): Refusal | null {
  if (name === undefined || isDefaultBus(name)) return null
  return refusal('ResourceNotFoundException', 'The local cloud has the event bus default only.')
}

export function isDefaultBus(name: unknown): boolean {
  return name === 'default' || (typeof name === 'string' && /^arn:aws:events:[\w-]+:\d{12}:event-bus\/default$/.test(name))
}

export function ruleOfCall(rules: Rules, call: ServiceCall, member: 'Name' | 'Rule'): Rule | Refusal {
  const badBus = refusedBus(memberOf(call.input, 'EventBusName'))
  if (badBus !== null) return badBus
  const name = memberOf(call.input, member)
  if (!isName(name)) return invalid(`${member} must be 1 to 64 letters, digits, dots, dashes or underscores`)
  return rules.find(call.region, name) ?? refusal('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`)
}

export type Page = { readonly after: string; readonly limit: number }

/** The token is the last name of the page before, so that it holds over a restart and while rules come and go. */
export function pageOf(input: JsonObject): Page | Refusal {
  const limit = memberOf(input, 'Limit') ?? PAGE_MAX
  const token = memberOf(input, 'NextToken')
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX)
    return invalid(`Limit must be 1 to ${PAGE_MAX}`)
  if (token === undefined) return { after: '', limit }
  const after = typeof token === 'string' && token.length <= TOKEN_LENGTH_MAX ? Buffer.from(token, 'base64url').toString('utf8') : ''
  return isName(after) ? { after, limit } : invalid('NextToken is no token of an answer of this operation')
}

/** One more item than the page holds was read, to know whether there is more. */
export function pageAnswer<Item>(items: readonly Item[], page: Page, nameOf: (item: Item) => string) {
  const shown = items.slice(0, page.limit)
  const last = shown.at(-1)
  return { shown, ...(items.length > page.limit && last !== undefined && { NextToken: Buffer.from(nameOf(last)).toString('base64url') }) }
}
