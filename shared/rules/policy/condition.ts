import type { Condition } from './document.ts'
import { coversPattern } from './pattern.ts'

/** What is known of a condition key in the requests that are asked about. */
export type Known =
  | { readonly kind: 'is'; readonly value: string }
  | { readonly kind: 'absent' }
  /** The value, or the key is not there: requests of both kinds are asked about. */
  | { readonly kind: 'is_or_absent'; readonly value: string }
  /** Not there, or a value that no fixed value of a policy names: what an outsider has where we would have our own. */
  | { readonly kind: 'foreign'; isFixed(value: string, hasWildcards: boolean): boolean }
  /** There, with any of several values. */
  | { readonly kind: 'one_of'; canBe(value: string, hasWildcards: boolean): boolean }
  /** Whatever suits the caller. */
  | { readonly kind: 'any' }

/** Whether a condition holds. `either`: the caller decides; `unclear`: this code cannot tell. */
export type Answer = 'yes' | 'no' | 'either' | 'unclear'

/** What is known of a key, by its name in lower case; undefined: nothing. */
export type Context = (key: string) => Known | undefined

type Family = 'string' | 'string_like' | 'arn' | 'bool' | 'ip' | 'number'
type Operator = {
  readonly set: 'ForAllValues' | 'ForAnyValue' | null
  readonly family: Family
  readonly isNegated: boolean
  readonly ignoresCase: boolean
  readonly holdsIfAbsent: boolean
  compare(found: number, wanted: number): boolean
}

const FAMILIES: readonly (readonly [plain: string, negated: string | null, family: Family])[] = [
  ['StringEquals', 'StringNotEquals', 'string'],
  ['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'string'],
  ['StringLike', 'StringNotLike', 'string_like'],
  ['ArnEquals', 'ArnNotEquals', 'arn'],
  ['ArnLike', 'ArnNotLike', 'arn'],
  ['Bool', null, 'bool'],
  ['IpAddress', 'NotIpAddress', 'ip'],
  ['NumericEquals', 'NumericNotEquals', 'number'],
  ['NumericLessThan', null, 'number'],
  ['NumericLessThanEquals', null, 'number'],
  ['NumericGreaterThan', null, 'number'],
  ['NumericGreaterThanEquals', null, 'number'],
]
const COMPARISONS: Readonly<Record<string, (found: number, wanted: number) => boolean>> = {
  NumericEquals: (found, wanted) => found === wanted,
  NumericLessThan: (found, wanted) => found < wanted,
  NumericLessThanEquals: (found, wanted) => found <= wanted,
  NumericGreaterThan: (found, wanted) => found > wanted,
  NumericGreaterThanEquals: (found, wanted) => found >= wanted,
}
/** Every operator as AWS writes it and in lower case, for IAM reads them in any; those on dates and bytes are not judged here. */
const OPERATORS: ReadonlyMap<string, Operator> = new Map(FAMILIES.flatMap(writtenForms))
/** Policy variables: what they stand for is known at the request only. */
const VARIABLE = '${'

/**
 * Conditions of one statement judged together: all of them have to hold.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
 */
export function answerOfAll(conditions: readonly Condition[], context: Context): Answer {
  let together: Answer = 'yes'
  for (const condition of conditions) {
    const answer = answerOf(condition, context)
    if (answer === 'no') return 'no'
    if (answer === 'unclear' || together === 'yes') together = answer
  }
  return together
}

/**
 * Whether one condition holds in the requests that the context describes.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function answerOf(condition: Condition, context: Context): Answer {
  const known = context(condition.key)
  if (known === undefined || condition.values.length === 0) return 'unclear'
  const operator = OPERATORS.get(condition.operator) ?? OPERATORS.get(condition.operator.toLowerCase())
  if (operator === undefined) return condition.operator.toLowerCase() === 'null' ? answerOfNull(condition, known) : 'unclear'
  switch (known.kind) {
    case 'any':
      return 'either'
    case 'absent':
      return ifAbsent(operator)
    case 'is':
      return ifPresent(operator, condition, known.value)
    case 'is_or_absent':
      return both(ifAbsent(operator), ifPresent(operator, condition, known.value))
    case 'foreign':
      return both(ifAbsent(operator), ifForeign(operator, condition, known.isFixed))
    case 'one_of':
      return ifOneOf(operator, condition, known.canBe)
  }
}

/** `Null`: `true` asks for a key that is not there. */
function answerOfNull({ values }: Condition, known: Known): Answer {
  const [value = ''] = values
  const wantsAbsent = value.toLowerCase()
  if (values.length !== 1 || (wantsAbsent !== 'true' && wantsAbsent !== 'false')) return 'unclear'
  switch (known.kind) {
    case 'absent':
      return wantsAbsent === 'true' ? 'yes' : 'no'
    case 'is':
    case 'one_of':
      return wantsAbsent === 'false' ? 'yes' : 'no'
    case 'is_or_absent':
    case 'foreign':
    case 'any':
      return 'either'
  }
}

function writtenForms([plain, negated, family]: (typeof FAMILIES)[number]): readonly (readonly [name: string, operator: Operator])[] {
  const names = negated === null ? [plain] : [plain, negated]
  return names.flatMap((name) =>
    ([null, 'ForAllValues', 'ForAnyValue'] as const).flatMap((set) =>
      ['', 'IfExists'].flatMap((suffix) => {
        const shape = { set, family, isNegated: name === negated, holdsIfAbsent: suffix !== '' }
        const operator = { ...shape, ignoresCase: plain.endsWith('IgnoreCase'), compare: COMPARISONS[plain] ?? Object.is }
        const written = `${set === null ? '' : `${set}:`}${name}${suffix}`
        return [
          [written, operator],
          [written.toLowerCase(), operator],
        ] as const
      }),
    ),
  )
}

/**
 * A key that is not there: `IfExists` and `ForAllValues` hold, `ForAnyValue` does not, a plain operator holds if it is negated.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
function ifAbsent({ holdsIfAbsent, set, isNegated }: Operator): Answer {
  if (holdsIfAbsent || set === 'ForAllValues') return 'yes'
  return set === null && isNegated ? 'yes' : 'no'
}

function ifPresent(operator: Operator, { values }: Condition, found: string): Answer {
  if (operator.family === 'ip' || values.some((value) => value.includes(VARIABLE))) return 'unclear'
  return values.some((value) => matches(operator, value, found)) === operator.isNegated ? 'no' : 'yes'
}

function matches({ family, ignoresCase, compare }: Operator, value: string, found: string): boolean {
  switch (family) {
    case 'string':
      return ignoresCase ? value.toLowerCase() === found.toLowerCase() : value === found
    case 'string_like':
    case 'arn':
      return coversPattern(value, found)
    case 'bool':
      return value.toLowerCase() === found.toLowerCase()
    case 'number':
      return compare(Number(found), Number(value))
    case 'ip':
      return false
  }
}

function ifForeign(operator: Operator, { values }: Condition, isFixed: (value: string, hasWildcards: boolean) => boolean): Answer {
  if (values.some((value) => value.includes(VARIABLE))) return 'unclear'
  if (operator.family === 'bool' || operator.family === 'number') return 'unclear'
  // One value that an outsider may have as well is enough to let him in.
  if (!values.every((value) => isFixed(value, takesWildcards(operator)))) return 'either'
  return operator.isNegated ? 'yes' : 'no'
}

function ifOneOf(operator: Operator, { values }: Condition, canBe: (value: string, hasWildcards: boolean) => boolean): Answer {
  if (values.some((value) => value.includes(VARIABLE))) return 'unclear'
  if (operator.family === 'bool' || operator.family === 'number' || operator.family === 'ip') return 'unclear'
  if (values.some((value) => canBe(value, takesWildcards(operator)))) return 'either'
  return operator.isNegated ? 'yes' : 'no'
}

function takesWildcards({ family }: Operator): boolean {
  return family === 'string_like' || family === 'arn'
}

function both(one: Answer, other: Answer): Answer {
  if (one === 'unclear' || other === 'unclear') return 'unclear'
  return one === other ? one : 'either'
}
