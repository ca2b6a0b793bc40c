import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { arnsOf, type Caller } from './caller.ts'
import { type Context, isKnownAbsent } from './condition-keys.ts'

/** What a statement is judged against. */
export type Question = {
  readonly action: string
  readonly caller: Caller
  readonly accountId: string
  readonly context: Context
  readonly conflicting: ReadonlySet<string>
  /** Whether the evaluator looks at this condition key for this action. */
  isApplicable(key: string): boolean
}

/** A statement with what can be judged of it, and why the rest cannot be. */
export type Read = { readonly isDeny: boolean; readonly judged: JsonObject; readonly doubts: readonly string[] }

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html; BinaryEquals has no key here. */
const OPERATOR =
  /^(?:(?<set>ForAnyValue|ForAllValues):)?(?<base>String(?:Not)?(?:Equals|EqualsIgnoreCase|Like)|Numeric(?:Equals|NotEquals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)|Date(?:Equals|NotEquals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)|Bool|(?:Not)?IpAddress|Arn(?:Not)?(?:Equals|Like)|Null)(?:IfExists)?$/i
const VARIABLE = /\$\{(?<name>[^},]*)[^}]*\}/g
/** `${*}`, `${?}` and `${$}` are those characters. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
const CHARACTERS = ['*', '?', '$']
/** Only policies of this version have variables; in older ones they are plain text, which the evaluator does not know. */
const VERSION_WITH_VARIABLES = '2012-10-17'
/** Forms of an AWS principal. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
const AWS_PRINCIPAL = /^(?:\*|\d{12}|arn:[\w-]+:(?:iam|sts)::\d{12}:(?:root|(?:user|role|assumed-role|federated-user)\/[^*?]+))$/

/** Reads one statement: its doubtful conditions are left out of `judged`, and a doubtful resource or principal stands there as anything. */
export function readStatement(statement: JsonObject, version: string | null, question: Question): Read {
  const conditions = readConditions(statement, version, question)
  const resources = readResources(statement, version, question)
  const principals = readPrincipals(statement, question)
  const isDeny = textOf(statement, 'Effect') === 'Deny'
  const doubts = [...conditions.doubts, ...resources.doubts, ...principals.doubts]
  const { Condition: _condition, Resource: _resource, NotResource: _notResource, ...others } = statement
  const { Principal: _principal, NotPrincipal: _notPrincipal, ...rest } = others
  return { isDeny, judged: { ...rest, ...conditions.judged, ...resources.judged, ...principals.judged }, doubts }
}

type Part = { readonly judged: JsonObject; readonly doubts: readonly string[] }

function readConditions(statement: JsonObject, version: string | null, question: Question): Part {
  const block = memberOf(statement, 'Condition')
  if (block === undefined) return { judged: {}, doubts: [] }
  if (!isJsonObject(block)) return { judged: { Condition: block }, doubts: [] }
  const doubts: string[] = []
  const judged: Record<string, JsonObject> = {}
  for (const [operator, keys] of Object.entries(block)) {
    const members: Record<string, unknown> = {}
    for (const [key, values] of Object.entries(isJsonObject(keys) ? keys : {})) {
      const doubt = doubtOfCondition(operator, key, question) ?? doubtOfVariables(values, version, question)
      if (doubt === null) members[spelled(key)] = withSpelledVariables(values)
      else doubts.push(doubt)
    }
    if (Object.keys(members).length > 0) judged[operator] = members
  }
  return { judged: Object.keys(judged).length > 0 ? { Condition: judged } : {}, doubts }
}

function doubtOfCondition(operator: string, name: string, question: Question): string | null {
  const { set, base } = OPERATOR.exec(operator)?.groups ?? {}
  if (base === undefined) return `the condition operator ${operator} is not known`
  const key = name.toLowerCase()
  if (question.conflicting.has(key)) return `the condition key ${name} has several values that differ in the case of their keys`
  const value = question.context.get(key)
  if (value === undefined) return doubtOfAbsence(name, question)
  if (!question.isApplicable(key)) return `the condition key ${name} is not known for ${question.action}`
  const isList = typeof value !== 'string'
  return isList && set === undefined && base.toLowerCase() !== 'null'
    ? `the condition key ${name} has many values, and ${operator} compares one`
    : null
}

function doubtOfAbsence(name: string, { action, context }: Question): string | null {
  return isKnownAbsent(name.toLowerCase(), action, context) ? null : `the condition key ${name} is not known for this request`
}

function doubtOfVariables(value: unknown, version: string | null, question: Question): string | null {
  for (const text of [value].flat().map(String)) {
    for (const { groups } of text.matchAll(VARIABLE)) {
      const name = groups?.['name']?.trim() ?? ''
      if (version !== VERSION_WITH_VARIABLES) return `the policy has a variable ${name}, and its version has none`
      if (CHARACTERS.includes(name)) continue
      const known = question.context.get(name.toLowerCase())
      const doubt = known === undefined ? doubtOfAbsence(name, question) : null
      if (doubt !== null) return doubt
      if (typeof known === 'object') return `the variable ${name} has many values`
      if (question.conflicting.has(name.toLowerCase())) return `the variable ${name} has several values`
      if (known !== undefined && !question.isApplicable(name.toLowerCase())) return `the variable ${name} is not known for this request`
    }
  }
  return null
}

function readResources(statement: JsonObject, version: string | null, question: Question): Part {
  const named = ['Resource', 'NotResource'].filter((name) => memberOf(statement, name) !== undefined)
  const doubts = named.map((name) => doubtOfVariables(statement[name], version, question)).filter((doubt) => doubt !== null)
  if (doubts.length > 0) return { judged: { Resource: '*' }, doubts }
  return { judged: Object.fromEntries(named.map((name) => [name, withSpelledVariables(statement[name])])), doubts: [] }
}

/**
 * Whom a NotPrincipal leaves out is clear only if it names all that stands for the caller (account, role and session), or nothing of it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 */
function readPrincipals(statement: JsonObject, question: Question): Part {
  const principal = memberOf(statement, 'Principal')
  const notPrincipal = memberOf(statement, 'NotPrincipal')
  const strange = awsPrincipals(principal ?? notPrincipal).find((value) => !AWS_PRINCIPAL.test(value))
  if (strange !== undefined) return { judged: { Principal: '*' }, doubts: [`the principal ${strange} is of no form that is known`] }
  if (notPrincipal === undefined) return { judged: principal === undefined ? {} : { Principal: principal }, doubts: [] }
  const named = awsPrincipals(notPrincipal)
  const { caller, accountId } = question
  const standing = caller.kind === 'anonymous' ? [] : [[accountId, `:${accountId}:root`], ...arnsOf(caller).map((arn) => [arn])]
  const found = standing.filter((forms) => named.some((value) => forms.some((form) => value === form || value.endsWith(form))))
  if (found.length === 0) return { judged: { Principal: '*' }, doubts: [] }
  if (found.length === standing.length) return { judged: { NotPrincipal: notPrincipal }, doubts: [] }
  return { judged: { Principal: '*' }, doubts: ['NotPrincipal names a part of what stands for the caller'] }
}

function awsPrincipals(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return isJsonObject(value) ? [memberOf(value, 'AWS') ?? []].flat().map(String) : []
}

const CONTEXT_KEY = /^kms:EncryptionContext:(?<key>.+)$/i

/**
 * The evaluator takes any name of an encryption context for one key, and looks at none: they are told it as tags, whose names are free. The
 * key of a pair has no case in a condition. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
 */
export function spelled(key: string): string {
  const contextKey = CONTEXT_KEY.exec(key)?.groups?.['key']
  return contextKey === undefined
    ? key
    : `aws:PrincipalTag/kms-encryption-context-${Buffer.from(contextKey.toLowerCase(), 'utf8').toString('hex')}`
}

function withSpelledVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSpelledVariables)
  if (typeof value !== 'string') return typeof value === 'boolean' || typeof value === 'number' ? String(value) : value
  return value.replaceAll(VARIABLE, (whole: string, name: string) => whole.replace(name, spelled(name)))
}
