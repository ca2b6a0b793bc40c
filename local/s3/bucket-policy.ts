import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { accepted, type Checked, refuse } from './outcome.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html: "Bucket policies are limited to 20 KB in size." */
const POLICY_BYTES_MAX = 20 * 1024
const VERSIONS = ['2008-10-17', '2012-10-17']
const FIELDS = ['Version', 'Id', 'Statement']
const STATEMENT_FIELDS = ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']
const ACTION = /^(?:\*|s3:[\w*?]+)$/i
/**
 * Conditions that leave a policy for everyone not public, where their values are fixed.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
const LIMITING = [
  'aws:sourceip',
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:sourceowner',
  'aws:sourceaccount',
  'aws:userid',
  'aws:principalorgid',
  'aws:principalaccount',
  'aws:principalarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:dataaccesspointarn',
  's3:dataaccesspointaccount',
]

/** A policy that S3 would keep, as it was sent; what its statements come to, others judge. */
export function checkedPolicy(text: string, bucket: string): Checked<string> {
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) return malformed(`Policies are limited to ${POLICY_BYTES_MAX / 1024} KB`)
  const policy = policyOf(text)
  if (policy === null) return malformed("Policies must be valid JSON and the first byte must be '{'")
  if (Object.keys(policy).some((name) => !FIELDS.includes(name))) return malformed('Unknown field in the policy')
  const version = memberOf(policy, 'Version')
  if (version !== undefined && !VERSIONS.some((known) => known === version))
    return malformed('The policy must contain a valid version string')
  const statements = statementsOf(policy)
  if (statements.length === 0) return malformed('Missing required field Statement')
  for (const statement of statements) {
    const reason = isJsonObject(statement) ? statementFault(statement, bucket) : 'Invalid policy syntax.'
    if (reason !== null) return malformed(reason)
  }
  return accepted(text)
}

function statementFault(statement: JsonObject, bucket: string): string | null {
  const has = (name: string): boolean => memberOf(statement, name) !== undefined
  if (Object.keys(statement).some((name) => !STATEMENT_FIELDS.includes(name))) return 'Unknown field in a statement'
  if (!['Allow', 'Deny'].includes(String(memberOf(statement, 'Effect')))) return 'Missing required field Effect'
  for (const name of ['Principal', 'Action', 'Resource']) {
    if (has(name) === has(`Not${name}`)) return has(name) ? 'Invalid policy syntax.' : `Missing required field ${name}`
  }
  if (!textsOf(memberOf(statement, 'Action') ?? memberOf(statement, 'NotAction')).every((action) => ACTION.test(action))) {
    return 'Policy has invalid action'
  }
  const resources = textsOf(memberOf(statement, 'Resource') ?? memberOf(statement, 'NotResource'))
  return resources.length > 0 && resources.every((resource) => isOf(resource, bucket)) ? null : 'Policy has invalid resource'
}

function isOf(resource: string, bucket: string): boolean {
  const named = /^arn:[\w*-]*:s3:::(?<bucket>[^/]+)/.exec(resource)?.groups?.['bucket']
  return resource === '*' || named === bucket || /[*?]/.test(named ?? '')
}

/** Whether a policy lets in everyone. */
export function isPublic(text: string): boolean {
  const policy = policyOf(text)
  return policy !== null && statementsOf(policy).some((statement) => isJsonObject(statement) && letsEveryoneIn(statement))
}

function letsEveryoneIn(statement: JsonObject): boolean {
  if (memberOf(statement, 'Effect') !== 'Allow') return false
  const principal = memberOf(statement, 'Principal')
  const everyone =
    principal === undefined ||
    principal === '*' ||
    (isJsonObject(principal) && Object.values(principal).some((each) => textsOf(each).includes('*')))
  const condition = memberOf(statement, 'Condition')
  const operators = isJsonObject(condition) ? Object.values(condition).filter(isJsonObject) : []
  const isLimited = operators.some((keys) =>
    Object.entries(keys).some(
      ([key, values]) => LIMITING.includes(key.toLowerCase()) && textsOf(values).every((value) => !/^\*|\$\{/.test(value)),
    ),
  )
  return everyone && !isLimited
}

function policyOf(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null
  try {
    const policy: unknown = JSON.parse(text)
    return isJsonObject(policy) ? policy : null
  } catch {
    return null
  }
}

function statementsOf(policy: JsonObject): readonly unknown[] {
  const statements = memberOf(policy, 'Statement')
  return Array.isArray(statements) ? statements : isJsonObject(statements) ? [statements] : []
}

function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string')
}

function malformed(message: string): Checked<never> {
  return refuse('MalformedPolicy', message)
}
