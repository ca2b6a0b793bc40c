import type { JsonObject } from '../../shared/json.ts'
import { isJsonObject } from '../../shared/json.ts'
import type { Parsed } from '../../shared/parsed.ts'
import { parsed, refused } from '../../shared/parsed.ts'
import type { ValueTest } from './pattern-values.ts'
import { addressOf, lettersOf, millionthsOf, numberMax } from './pattern-values.ts'

// What is refused here, EventBridge refuses with InvalidEventPatternException, and mostly in the same words: they come from
// https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/JsonRuleCompiler.java
// Operators: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

/** The alternatives of one leaf: one test passed by one value is enough, or no value at all where `absent` is allowed. */
export type LeafTests = { readonly absent: boolean; readonly tests: readonly ValueTest[] }

/** Reads the array at a leaf of a pattern. */
export function parseLeaf(alternatives: readonly unknown[]): Parsed<LeafTests> {
  if (alternatives.length === 0) return refused('Empty arrays are not allowed')
  const tests: ValueTest[] = []
  let absent = false
  for (const alternative of alternatives) {
    if (isAbsence(alternative)) {
      absent = true
      continue
    }
    const test = isJsonObject(alternative) ? parseExpression(alternative) : parseLiteral(alternative)
    if (!test.ok) return test
    tests.push(test.value)
  }
  return parsed({ absent, tests })
}

function isAbsence(alternative: unknown): boolean {
  if (!isJsonObject(alternative)) return false
  const [member, ...others] = Object.entries(alternative)
  return member !== undefined && others.length === 0 && member[0] === 'exists' && member[1] === false
}

function parseLiteral(value: unknown): Parsed<ValueTest> {
  if (value === null || typeof value === 'boolean') return parsed({ kind: 'exactly', value })
  if (typeof value === 'number') {
    // 300, 300.0 and 3.0e2 are one number. What EventBridge cannot compare as one, such as an account ID, is compared as it stands.
    const millionths = millionthsOf(value)
    return parsed(millionths === null ? { kind: 'exactly', value } : { kind: 'numeric', lowest: millionths, highest: millionths })
  }
  if (typeof value !== 'string') return refused('Match value must be String, number, true, false, or null')
  // A text that is an IP address matches the address however it is written (JsonRuleCompiler.java, ipToRangeIfPossible).
  const address = addressOf(value)
  if (address === null) return parsed({ kind: 'exactly', value })
  return parsed({ kind: 'addresses', bits: address.bits, lowest: address.value, highest: address.value })
}

/** The only member of an object: every operator stands alone. */
function onlyMember(object: JsonObject): Parsed<readonly [name: string, operand: unknown]> {
  const [member, ...others] = Object.entries(object)
  if (member === undefined) return refused('Match expression name not found')
  return others.length === 0 ? parsed(member) : refused('Only one key allowed in match expression')
}

function parseExpression(expression: JsonObject): Parsed<ValueTest> {
  const member = onlyMember(expression)
  if (!member.ok) return member
  const [operator, operand] = member.value
  switch (operator) {
    case 'exists':
      return operand === true ? parsed({ kind: 'exists' }) : refused('exists match pattern must be either true or false')
    case 'exactly':
      return typeof operand === 'string' ? parsed({ kind: 'exactly', value: operand }) : refused('exact match pattern must be a string')
    case 'prefix':
    case 'suffix':
      return parseAffix(operator, operand)
    case 'equals-ignore-case':
      return parseAnyCase('anyCase', operand)
    case 'wildcard':
      return parseWildcard(operand)
    case 'numeric':
      return parseNumeric(operand)
    case 'cidr':
      return parseCidr(operand)
    case 'anything-but':
      return parseAnythingBut(operand)
    default:
      return refused('Unrecognized match type')
  }
}

function parseAffix(kind: 'prefix' | 'suffix', operand: unknown): Parsed<ValueTest> {
  // An empty one is allowed: it matches every text and nothing else.
  if (typeof operand === 'string') return parsed({ kind, text: operand })
  if (!isJsonObject(operand)) return refused(`${kind} match pattern must be a string`)
  const member = onlyMember(operand)
  if (!member.ok) return member
  if (member.value[0] !== 'equals-ignore-case') return refused(`Unsupported ${kind} pattern`)
  return parseAnyCase(kind === 'prefix' ? 'prefixAnyCase' : 'suffixAnyCase', member.value[1])
}

function parseAnyCase(kind: 'anyCase' | 'prefixAnyCase' | 'suffixAnyCase', operand: unknown): Parsed<ValueTest> {
  if (typeof operand !== 'string') return refused('equals-ignore-case match pattern must be a string')
  return parsed({ kind, letters: lettersOf(operand) })
}

/**
 * `\*` and `\\` stand for themselves. EventBridge also refuses what it finds too complex, without saying what that is
 * (eb-create-pattern-operators.html#eb-filtering-wildcard-matching-complexity): that is not refused here, matching is fast without it.
 */
function parseWildcard(operand: unknown): Parsed<ValueTest> {
  if (typeof operand !== 'string') return refused('wildcard match pattern must be a string')
  if (operand.replaceAll(/\\[*\\]/g, '').includes('\\')) return refused('Invalid escape character in wildcard')
  const tokens = operand.match(/\\[*\\]|[^]/g) ?? []
  let part = ''
  let before: string | undefined
  const ended: string[] = []
  for (const token of tokens) {
    if (token === '*' && before === '*') return refused('Consecutive wildcard characters')
    if (token === '*') {
      ended.push(part)
      part = ''
    } else {
      part += token.length === 2 ? token.slice(1) : token
    }
    before = token
  }
  const [first, ...rest] = ended
  return parsed({ kind: 'wildcard', parts: first === undefined ? [part] : [first, ...rest, part] })
}

const numericEnds = new Set<unknown>(['<', '<='])
const numericStarts = new Set<unknown>(['>', '>='])

/** One comparison, or a lower bound followed by an upper one: no other order is accepted. */
function parseNumeric(operand: unknown): Parsed<ValueTest> {
  if (!Array.isArray(operand)) return refused('Value of numeric must be an array')
  const terms: readonly unknown[] = operand
  const [first, firstBound, second, secondBound] = terms
  if (first !== '=' && !numericStarts.has(first) && !numericEnds.has(first)) return refused('Unrecognized numeric range operator')
  const bound = parseBound(firstBound)
  if (!bound.ok) return bound
  if (terms.length === 2) {
    if (first === '=') return parsed({ kind: 'numeric', lowest: bound.value, highest: bound.value })
    return numericStarts.has(first)
      ? parseRange(first, bound.value, '<=', numberMax * 1_000_000)
      : parseRange('>=', numberMax * -1_000_000, first, bound.value)
  }
  if (!numericStarts.has(first) || terms.length > 4) return refused('Too many elements in numeric expression')
  if (!numericEnds.has(second)) return refused('Bad numeric range operator')
  const end = parseBound(secondBound)
  return end.ok ? parseRange(first, bound.value, second, end.value) : end
}

function parseBound(value: unknown): Parsed<number> {
  if (typeof value !== 'number') return refused('Value of a numeric comparison must be numeric')
  const millionths = millionthsOf(value)
  return millionths === null ? refused('Value must be between -5.0E9 and 5.0E9, inclusive, with at most 6 decimals') : parsed(millionths)
}

function parseRange(start: unknown, bottom: number, end: unknown, top: number): Parsed<ValueTest> {
  if (bottom >= top) return refused('Bottom must be less than top')
  return parsed({ kind: 'numeric', lowest: start === '>' ? bottom + 1 : bottom, highest: end === '<' ? top - 1 : top })
}

/** The range begins at the address as written, even if the mask would reach further down (CIDR.java, cidr). */
function parseCidr(operand: unknown): Parsed<ValueTest> {
  // EventBridge says prefix here; naming the operator helps more.
  if (typeof operand !== 'string') return refused('cidr match pattern must be a string')
  const [text = '', mask, ...others] = operand.split('/')
  if (mask === undefined || mask === '' || others.length > 0) return refused("Malformed CIDR, one '/' required")
  if (!/^[+-]?\d{1,9}$/.test(mask)) return refused('Malformed CIDR, mask bits must be an integer')
  if (Number(mask) < 0) return refused('Malformed CIDR, mask bits must not be negative')
  const address = addressOf(text)
  if (address === null) return refused('Nonstandard IP address')
  const { bits, value } = address
  if (Number(mask) >= bits) return refused(bits === 32 ? 'IPv4 mask bits must be < 32' : 'IPv6 mask bits must be < 128')
  return parsed({ kind: 'addresses', bits, lowest: value, highest: value | ((1n << BigInt(bits - Number(mask))) - 1n) })
}

function parseAnythingBut(operand: unknown): Parsed<ValueTest> {
  if (!isJsonObject(operand)) return parseAnythingButValues(operand)
  const member = onlyMember(operand)
  if (!member.ok) return member
  const [operator, inner] = member.value
  switch (operator) {
    case 'prefix':
    case 'suffix':
      return excluding(inner, (value) => {
        if (value === '') return refused('Null prefix/suffix not allowed')
        return typeof value === 'string' ? parsed({ kind: operator, text: value }) : refused('prefix/suffix match pattern must be a string')
      })
    case 'equals-ignore-case':
      return excluding(inner, (value) => parseAnyCase('anyCase', value))
    case 'wildcard':
      return excluding(inner, parseWildcard)
    default:
      return refused('Unsupported anything-but pattern')
  }
}

/** Texts or numbers, never both, and no booleans and nulls. A text is no address here: it is excluded as it stands. */
function parseAnythingButValues(operand: unknown): Parsed<ValueTest> {
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand]
  if (values.some((value) => typeof value !== 'string' && typeof value !== 'number')) {
    return refused('Value of anything-but must be an array or single string/number value')
  }
  if (new Set(values.map((value) => typeof value)).size !== 1) {
    return refused('Inside anything but list, either all values are number or string, mixed type is not supported')
  }
  return excluding(operand, (value) => {
    if (typeof value === 'string') return parsed({ kind: 'exactly', value })
    const bound = parseBound(value)
    return bound.ok ? parsed({ kind: 'numeric', lowest: bound.value, highest: bound.value }) : bound
  })
}

function excluding(operand: unknown, parse: (value: unknown) => Parsed<ValueTest>): Parsed<ValueTest> {
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand]
  const tests: ValueTest[] = []
  for (const value of values) {
    const test = parse(value)
    if (!test.ok) return test
    tests.push(test.value)
  }
  // event-ruler lets an empty list of prefixes pass; it excludes nothing, so it can only be a mistake.
  return tests.length === 0 ? refused('Empty arrays are not allowed') : parsed({ kind: 'anythingBut', tests })
}
