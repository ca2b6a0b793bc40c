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
  const { Sid: sid, Effect: effect, Condition: conditions } = item
  const principals = principalsOf(item)
  const actions = patternsOf(item, 'Action')
  const resources = patternsOf(item, 'Resource')
  const read = conditionsOf(conditions)
  if ((effect !== 'Allow' && effect !== 'Deny') || principals === null || actions === null || resources === null || read === null)
    return null
  return { sid: typeof sid === 'string' ? sid : null, effect, principals, actions, resources, conditions: read }
}

function patternsOf(item: JsonObject, name: 'Action' | 'Resource'): Patterns | null {
  const plain = textsOf(memberOf(item, name))
  if (plain !== null) return { negated: false, patterns: plain }
  const negated = textsOf(memberOf(item, `Not${name}`))
  return negated === null ? null : { negated: true, patterns: negated }
}

function principalsOf(item: JsonObject): Principals | null {
  const negated = memberOf(item, 'Principal') === undefined
  const value = memberOf(item, negated ? 'NotPrincipal' : 'Principal')
  const none = { negated, aws: [], services: [], federated: [], canonicalUsers: [] }
  if (value === '*') return { ...none, aws: ['*'] }
  if (!isJsonObject(value)) return null
  const [aws, services, federated, canonicalUsers] = ['AWS', 'Service', 'Federated', 'CanonicalUser'].map((name) => {
    const member = memberOf(value, name)
    return member === undefined ? [] : textsOf(member)
  })
  if (!aws || !services || !federated || !canonicalUsers) return null
  return { negated, aws, services, federated, canonicalUsers }
}

function conditionsOf(value: unknown): readonly Condition[] | null {
  if (value === undefined) return []
  if (!isJsonObject(value)) return null
  const conditions: Condition[] = []
  for (const [operator, keys] of Object.entries(value)) {
    if (!isJsonObject(keys)) return null
    for (const [key, given] of Object.entries(keys)) {
      const values = textsOf(given)
      if (values === null) return null
      conditions.push({ operator, key: key.toLowerCase(), values })
    }
  }
  return conditions
}

/** A text or a list of texts; numbers and booleans are taken as text, as IAM takes them. */
function textsOf(value: unknown): readonly string[] | null {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  const texts = items.map((item) => (['string', 'number', 'boolean'].includes(typeof item) ? String(item) : null))
  return texts.every((text) => text !== null) ? texts : null
}
