import { isJsonObject, type JsonObject, parsedJson } from '../json.ts'
import type { AspectState, BucketPolicy, DefaultEncryption, RotationSetting } from './aspect.ts'

/** What S3 does where a rule names no algorithm. https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
const ALGORITHM_IF_NONE = 'AES256'
/** Says that nothing is blocked. https://docs.aws.amazon.com/AmazonS3/latest/API/API_BlockedEncryptionTypes.html */
const NOTHING_BLOCKED = 'NONE'

/** Whether two states of an aspect do the same, however they are written down. States of different aspects never do. */
export function meansTheSame(one: AspectState, other: AspectState): boolean {
  return one.aspect === other.aspect && meaningOf(one) === meaningOf(other)
}

/** What is wanted beside what was found, line by line, for people; empty: they mean the same. What strangers wrote is in it as it is. */
export function differenceLines(wanted: AspectState, found: AspectState): readonly string[] {
  if (meansTheSame(wanted, found)) return []
  return [...stateLines(wanted).map((line) => `expected: ${line}`), ...stateLines(found).map((line) => `found:    ${line}`)]
}

/** A state in a line, for people. What strangers wrote is in it as it is. */
export function stateText(state: AspectState): string {
  return stateLines(state).join('; ')
}

function stateLines(state: AspectState): readonly string[] {
  switch (state.aspect) {
    case 'key-rotation':
      return [rotationText(state.value)]
    case 'bucket-encryption':
      return state.value.map(encryptionText)
    case 'bucket-policy':
      return [state.value ?? 'no bucket policy']
  }
}

function rotationText({ isEnabled, periodDays }: RotationSetting): string {
  if (!isEnabled) return 'automatic rotation is off'
  return `automatic rotation is on${periodDays === null ? '' : `, every ${periodDays} days`}`
}

function encryptionText({ algorithm, key, isBucketKeyEnabled, blockedTypes }: DefaultEncryption): string {
  return [
    algorithm ?? ALGORITHM_IF_NONE,
    key === null ? null : `under ${key}`,
    isBucketKeyEnabled ? 'with a Bucket Key' : null,
    blockedTypes.length === 0 ? null : `blocked: ${blockedTypes.join(' and ')}`,
  ]
    .filter((part) => part !== null)
    .join(', ')
}

/** Equal texts mean the same. */
function meaningOf(state: AspectState): string {
  switch (state.aspect) {
    case 'key-rotation':
      return JSON.stringify(state.value.isEnabled ? state.value : { isEnabled: false })
    case 'bucket-encryption':
      return JSON.stringify(state.value.map(encryptionMeaning))
    case 'bucket-policy':
      return policyMeaning(state.value)
  }
}

function encryptionMeaning({ algorithm, key, isBucketKeyEnabled, blockedTypes }: DefaultEncryption): readonly unknown[] {
  const blocked = [...new Set(blockedTypes)].filter((type) => type !== NOTHING_BLOCKED).toSorted()
  return [algorithm ?? ALGORITHM_IF_NONE, key, isBucketKeyEnabled, blocked]
}

/** Elements of which one may be written without a list around it, and whose order says nothing. */
const LISTS = ['Action', 'NotAction', 'Resource', 'NotResource']

/** A text that is no JSON means itself only. */
function policyMeaning(policy: BucketPolicy): string {
  if (policy === null) return 'none'
  const document = parsedJson(policy)
  if (!isJsonObject(document)) return `text ${policy}`
  return `policy ${JSON.stringify(sorted({ ...document, Statement: listOf(document['Statement']).map(statementMeaning) }))}`
}

function statementMeaning(statement: unknown): unknown {
  if (!isJsonObject(statement)) return statement
  const lists = LISTS.filter((name) => name in statement).map((name) => [name, setOf(statement[name])])
  return { ...statement, ...Object.fromEntries(lists), ...principalsMeaning(statement), ...conditionMeaning(statement) }
}

function principalsMeaning(statement: JsonObject): JsonObject {
  const named = ['Principal', 'NotPrincipal'].filter((name) => name in statement)
  return Object.fromEntries(named.map((name) => [name, setsOf(statement[name] === '*' ? { AWS: '*' } : statement[name])]))
}

function conditionMeaning({ Condition: condition }: JsonObject): JsonObject {
  if (!isJsonObject(condition)) return {}
  return { Condition: Object.fromEntries(Object.entries(condition).map(([operator, keys]) => [operator, setsOf(keys)])) }
}

/** The values of each member as a set. */
function setsOf(value: unknown): unknown {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, members]) => [name, setOf(members)])) : value
}

/** As texts, the way IAM takes them, without repeats, in one order. */
function setOf(value: unknown): readonly string[] {
  const texts = listOf(value).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))
  return [...new Set(texts)].toSorted()
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

/** The same with the members of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  )
}
