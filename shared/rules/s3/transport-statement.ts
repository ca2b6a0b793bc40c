import { answerOf, answerOfAll } from '../policy/condition.ts'
import type { Requests } from '../policy/denial.ts'
import type { Condition, PolicyDocument, PolicyStatement } from '../policy/document.ts'
import { reachesAction, reachesResource } from '../policy/reach.ts'

const IS_SECURE = 'aws:securetransport'
const TLS_VERSION = 's3:tlsversion'
const TYPED: ReadonlyMap<string, RegExp> = new Map([
  [IS_SECURE, /^(?:for(?:all|any)values?:)?bool(?:ifexists)?$|^null$/i],
  ['aws:principalisawsservice', /^(?:for(?:all|any)values?:)?bool(?:ifexists)?$|^null$/i],
  [TLS_VERSION, /^(?:for(?:all|any)values?:)?numeric\w+$|^null$/i],
])

/** Whether a statement says something of how requests come. */
export function bearsOnTransport({ conditions }: PolicyStatement): boolean {
  return conditions.some(({ key }) => key === IS_SECURE || key === TLS_VERSION)
}

/**
 * The same policy, in which an operator that does not fit the type of its key, such as `StringEquals` on `aws:SecureTransport`, is one that
 * nobody knows: IAM Access Analyzer calls it an error, and what becomes of it is nowhere written.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
 */
export function withTypedConditions(policy: PolicyDocument): PolicyDocument {
  if (policy.statements.every(({ conditions }) => conditions.every(isTyped))) return policy
  return { statements: policy.statements.map((statement) => ({ ...statement, conditions: statement.conditions.map(typed) })) }
}

function typed(condition: Condition): Condition {
  return isTyped(condition) ? condition : { ...condition, operator: 'TypeMismatch' }
}

function isTyped({ key, operator }: Condition): boolean {
  return TYPED.get(key)?.test(operator) !== false
}

/** Why a statement on transport denies none of the requests, after `statement 1 `. */
export function faultOf(statement: PolicyStatement, { actions, resources, context }: Requests): string {
  const { effect, principals, conditions } = statement
  if (effect === 'Allow') return 'allows, which denies nothing'
  if (principals.negated || !principals.aws.includes('*')) return 'is not for everybody'
  if (!actions.every((action) => reachesAction(statement, action))) return 'is for some actions only'
  if (!resources.some((resource) => reachesResource(statement, resource))) return 'is for other resources'
  if (conditions.some((condition) => condition.key === IS_SECURE && answerOf(condition, context) === 'no')) return 'is not for plain HTTP'
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html: a key that is
  // not there matches nothing.
  if (conditions.some((condition) => condition.key === TLS_VERSION && answerOf(condition, context) === 'no'))
    return 'is for requests that have a TLS version, and plain HTTP has none'
  return answerOfAll(conditions, context) === 'no' ? 'is for AWS services' : 'depends on more than the transport'
}
