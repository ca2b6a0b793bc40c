import { isJsonObject, type JsonObject, memberOf, parsedJson } from '../../json.ts'

/** A resource policy, read: every element a list. */
export type PolicyDocument = { readonly statements: readonly PolicyStatement[] }

export type PolicyStatement = {
  readonly sid: string | null
  readonly effect: 'Allow' | 'Deny'
  readonly principals: Principals
  /** `negated`: `NotAction`. */
  readonly actions: Patterns
  /** `negated`: `NotResource`. */
  readonly resources: Patterns
  readonly conditions: readonly Condition[]
}

export type Patterns = { readonly negated: boolean; readonly patterns: readonly string[] }

export type Principals = {
  /** `NotPrincipal`. */
  readonly negated: boolean
  /** ARNs, account IDs, or `*`, of `AWS`. */
  readonly aws: readonly string[]
  readonly services: readonly string[]
  readonly federated: readonly string[]
  readonly canonicalUsers: readonly string[]
}

/** `operator` as written, such as `ForAllValues:StringEquals` or `BoolIfExists`; `key` in lower case. */
export type Condition = { readonly operator: string; readonly key: string; readonly values: readonly string[] }

/** Far more than fits in a key policy of 32 KB. */
const STATEMENTS_MAX = 1000
const NONE: readonly string[] = []
const EVERYBODY: readonly string[] = ['*']

/** Null: the text is no policy document. */
export function parsePolicy(text: string): PolicyDocument | null {
  const document = parsedJson(text)
  if (!isJsonObject(document)) return null
  const found = memberOf(document, 'Statement')
  const items: readonly unknown[] = Array.isArray(found) ? found : [found]
  if (items.length > STATEMENTS_MAX) return null
  const statements: PolicyStatement[] = []
  for (const item of items) {
    const statement = isJsonObject(item) ? statementOf(item) : null
    if (statement === null) return null
    statements.push(statement)
  }
  return { statements }
}

function statementOf(item: JsonObject): PolicyStatement | null {
  const { Sid: sid, Effect: effect } = item
  const principals = principalsOf(item)
  const actions = patternsOf(item, 'Action', 'NotAction')
  const resources = patternsOf(item, 'Resource', 'NotResource')
  const conditions = conditionsOf(item['Condition'])
  if ((effect !== 'Allow' && effect !== 'Deny') || principals === null || actions === null || resources === null || conditions === null)
    return null
  return { sid: typeof sid === 'string' ? sid : null, effect, principals, actions, resources, conditions }
}

function patternsOf(item: JsonObject, plain: string, negated: string): Patterns | null {
  const found = textsOf(memberOf(item, plain))
  if (found !== null) return { negated: false, patterns: found }
  const left = textsOf(memberOf(item, negated))
  return left === null ? null : { negated: true, patterns: left }
}

function principalsOf(item: JsonObject): Principals | null {
  const plain = memberOf(item, 'Principal')
  const negated = plain === undefined
  const value = negated ? memberOf(item, 'NotPrincipal') : plain
  if (value === '*') return { negated, aws: EVERYBODY, services: NONE, federated: NONE, canonicalUsers: NONE }
  if (!isJsonObject(value)) return null
  const aws = textsUnder(value, 'AWS')
  const services = textsUnder(value, 'Service')
  const federated = textsUnder(value, 'Federated')
  const canonicalUsers = textsUnder(value, 'CanonicalUser')
  if (aws === null || services === null || federated === null || canonicalUsers === null) return null
  return { negated, aws, services, federated, canonicalUsers }
}

function textsUnder(principals: JsonObject, name: string): readonly string[] | null {
  const member = memberOf(principals, name)
  return member === undefined ? NONE : textsOf(member)
}

function conditionsOf(value: unknown): readonly Condition[] | null {
  if (value === undefined) return []
  if (!isJsonObject(value)) return null
  const conditions: Condition[] = []
  for (const operator of Object.keys(value)) {
    const keys = value[operator]
    if (!isJsonObject(keys)) return null
    for (const key of Object.keys(keys)) {
      const values = textsOf(keys[key])
      if (values === null) return null
      conditions.push({ operator, key: key.toLowerCase(), values })
    }
  }
  return conditions
}

/** A text or a list of texts; numbers and booleans are taken as text, as IAM takes them. */
function textsOf(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return isTextual(value) ? [String(value)] : null
  const items: readonly unknown[] = value
  if (items.every((item) => typeof item === 'string')) return items
  return items.every(isTextual) ? items.map(String) : null
}

function isTextual(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
