import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { GRANT_OPERATIONS, type GrantOperation, grantIdOf, type GrantTerms } from './grant-rules.ts'
import type { GrantConstraint } from './grants.ts'
import { choice, list, required, text, wrongType } from './input.ts'
import { accepted, type Checked, refuse, refuseRequest } from './outcome.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html */
const TOKENS_MAX = 10
const PAIRS_MAX = 8
const PAIR_LENGTH_MAX = 384
const PRINCIPAL_LENGTH_MAX = 256
const GRANT_ID = { lengthMax: 128, pattern: /^[0-9a-f]+$/i }
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns */
const PRINCIPAL =
  /^arn:[\w-]+:(?:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::\d{12}:(?:assumed-role|federated-user)\/[\w+=,.@/-]+)$/
const CONSTRAINT_TYPES = ['EncryptionContextEquals', 'EncryptionContextSubset'] as const

export function principal(input: JsonObject, name: string): Checked<string | null> {
  const value = text(input, name, { lengthMax: PRINCIPAL_LENGTH_MAX })
  if (!value.ok || value.value === null) return value
  return PRINCIPAL.test(value.value) ? value : refuse('InvalidArnException', `ARN does not refer to a valid principal: ${value.value}`)
}

export function grantId(input: JsonObject): Checked<string | null> {
  return text(input, 'GrantId', GRANT_ID)
}

/** Grants to services by their names, which no service here would use. */
export function withoutServicePrincipals(input: JsonObject): Checked<null> {
  const isNamed = ['GranteeServicePrincipal', 'RetiringServicePrincipal'].some((name) => (memberOf(input, name) ?? null) !== null)
  return isNamed ? refuse('UnsupportedOperationException', 'The local cloud has no grants to service principals.') : accepted(null)
}

/** What a grant would give. */
export function terms(input: JsonObject): Checked<GrantTerms> {
  const operations = grantOperations(input)
  if (!operations.ok) return operations
  const constraints = grantConstraints(input)
  return constraints.ok ? accepted({ operations: operations.value, constraints: constraints.value }) : constraints
}

function grantOperations(input: JsonObject): Checked<readonly GrantOperation[]> {
  const items = required('Operations', list(input, 'Operations', { countMax: GRANT_OPERATIONS.length * 2 }))
  if (!items.ok) return items
  const operations = new Set<GrantOperation>()
  for (const item of items.value) {
    const operation = required('Operations', choice({ Operations: item }, 'Operations', GRANT_OPERATIONS))
    if (!operation.ok) return operation
    operations.add(operation.value)
  }
  return operations.size === 0
    ? refuseRequest('ValidationException', 'A grant must have operations.')
    : accepted([...operations].toSorted())
}

function grantConstraints(input: JsonObject): Checked<readonly GrantConstraint[]> {
  const value = memberOf(input, 'Constraints') ?? {}
  if (!isJsonObject(value)) return wrongType('Constraints')
  if ((memberOf(value, 'SourceArn') ?? null) !== null)
    return refuse('UnsupportedOperationException', 'The local cloud has no grants with a source.')
  const constraints: GrantConstraint[] = []
  for (const type of CONSTRAINT_TYPES) {
    const context = constraintContext(memberOf(value, type) ?? {})
    if (!context.ok) return context
    if (Object.keys(context.value).length > 0) constraints.push({ type, context: context.value })
  }
  return accepted(constraints)
}

function constraintContext(value: unknown): Checked<Readonly<Record<string, string>>> {
  if (!isJsonObject(value)) return wrongType('Constraints')
  const pairs: [string, string][] = []
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== 'string') return wrongType('Constraints')
    pairs.push([key, member])
  }
  const length = pairs.reduce((sum, [key, member]) => sum + key.length + member.length, 0)
  if (pairs.length > PAIRS_MAX || length > PAIR_LENGTH_MAX) {
    return refuseRequest('ValidationException', `A constraint can have ${PAIRS_MAX} pairs and ${PAIR_LENGTH_MAX} characters at most.`)
  }
  return accepted(Object.fromEntries(pairs))
}

/** The grant IDs in the grant tokens of any request. */
export function tokenGrantIds(input: JsonObject): Checked<readonly string[]> {
  const items = list(input, 'GrantTokens', { countMax: TOKENS_MAX })
  if (!items.ok) return items
  const grantIds: string[] = []
  for (const token of items.value ?? []) {
    const found = grantIdOf(token)
    if (found === null) return refuse('InvalidGrantTokenException', 'The grant token is not valid.')
    grantIds.push(found)
  }
  return accepted(grantIds)
}
