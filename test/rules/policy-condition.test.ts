import { describe, expect, it } from 'vitest'
import { type Answer, answerOf, answerOfAll, type Known } from '../../shared/rules/policy/condition.ts'
import { foreignKey } from '../../shared/rules/policy/condition-keys.ts'

const ORG = 'o-a1b2c3d4e5'
const ROLE = 'arn:aws:iam::111122223333:role/a'
const is = (value: string): Known => ({ kind: 'is', value })
const ABSENT: Known = { kind: 'absent' }
const ANY: Known = { kind: 'any' }
const ONE_OF: Known = { kind: 'one_of', canBe: (value, hasWildcards) => value.startsWith(hasWildcards ? 'a' : 'ab') }

type Row = readonly [operator: string, values: readonly string[], known: Known | undefined, answer: Answer]

/** What AWS says of operators, negation, absence, IfExists and sets; the pages stand in condition.ts. */
const ROWS: readonly Row[] = [
  ['StringEquals', ['abc'], ONE_OF, 'either'],
  ['StringEquals', ['a*'], ONE_OF, 'no'],
  ['StringNotEquals', ['a*'], ONE_OF, 'yes'],
  ['StringNotLike', ['a*'], ONE_OF, 'either'],
  ['ArnNotEquals', ['b*', 'a*'], ONE_OF, 'either'],
  ['ArnNotEquals', ['b*', 'c*'], ONE_OF, 'yes'],
  ['ArnEqualsIfExists', ['b*'], ONE_OF, 'no'],
  ['ArnLike', ['b${aws:PrincipalAccount}'], ONE_OF, 'unclear'],
  ['Bool', ['true'], ONE_OF, 'unclear'],
  ['Null', ['true'], ONE_OF, 'no'],
  ['Null', ['false'], ONE_OF, 'yes'],
  ['StringEquals', ['a'], is('a'), 'yes'],
  ['StringEquals', ['b', 'a'], is('a'), 'yes'],
  ['StringEquals', ['A'], is('a'), 'no'],
  ['StringEquals', ['*'], is('a'), 'no'],
  ['StringEquals', ['a'], ABSENT, 'no'],
  ['StringEqualsIgnoreCase', ['A'], is('a'), 'yes'],
  ['StringNotEqualsIgnoreCase', ['A'], is('a'), 'no'],
  ['StringNotEquals', ['a'], is('b'), 'yes'],
  ['StringNotEquals', ['b', 'a'], is('b'), 'no'],
  ['StringNotEquals', ['a'], ABSENT, 'yes'],
  ['StringNotEqualsIfExists', ['a'], ABSENT, 'yes'],
  ['StringEqualsIfExists', ['a'], ABSENT, 'yes'],
  ['StringEqualsIfExists', ['a'], is('b'), 'no'],
  ['stringequals', ['a'], is('a'), 'yes'],
  ['StringLike', ['a*'], is('abc'), 'yes'],
  ['StringNotLike', ['a*'], is('abc'), 'no'],
  ['ArnLike', ['arn:aws:iam::111122223333:role/*'], is(ROLE), 'yes'],
  ['ArnEquals', ['arn:aws:iam::*:role/a'], is(ROLE), 'yes'],
  ['ArnNotEquals', [ROLE], is(ROLE), 'no'],
  ['ArnNotLikeIfExists', ['arn:aws:iam::444455556666:*'], is(ROLE), 'yes'],
  ['Bool', ['false'], is('false'), 'yes'],
  ['Bool', ['False'], is('false'), 'yes'],
  ['Bool', ['true'], is('false'), 'no'],
  ['Bool', ['false'], ABSENT, 'no'],
  ['BoolIfExists', ['false'], ABSENT, 'yes'],
  ['NumericLessThan', ['1.2'], is('1.1'), 'yes'],
  ['NumericLessThan', ['1.2'], is('1.2'), 'no'],
  ['NumericLessThanEquals', ['1.2'], is('1.2'), 'yes'],
  ['NumericGreaterThan', ['1.2'], is('1.3'), 'yes'],
  ['NumericGreaterThanEquals', ['1.2'], is('1.1'), 'no'],
  ['NumericEquals', ['1.20'], is('1.2'), 'yes'],
  ['NumericNotEquals', ['1.2'], is('1.2'), 'no'],
  ['NumericLessThan', ['1.2'], ABSENT, 'no'],
  ['NumericLessThan', ['x'], is('1.1'), 'no'],
  ['Null', ['true'], ABSENT, 'yes'],
  ['Null', ['true'], is('a'), 'no'],
  ['Null', ['false'], is('a'), 'yes'],
  ['Null', ['false'], ABSENT, 'no'],
  ['Null', ['perhaps'], ABSENT, 'unclear'],
  ['Null', ['true'], ANY, 'either'],
  ['ForAllValues:StringEquals', ['a'], ABSENT, 'yes'],
  ['ForAllValues:StringEquals', ['a'], is('b'), 'no'],
  ['ForAnyValue:StringEquals', ['a'], ABSENT, 'no'],
  ['ForAnyValue:StringNotEquals', ['a'], ABSENT, 'no'],
  ['ForAnyValue:StringEqualsIfExists', ['a'], ABSENT, 'yes'],
  ['StringEquals', ['a'], ANY, 'either'],
  ['StringEquals', ['a'], undefined, 'unclear'],
  ['StringEquals', [], is('a'), 'unclear'],
  ['StringEquals', ['${aws:username}'], is('a'), 'unclear'],
  ['StringResembles', ['a'], is('a'), 'unclear'],
  ['BinaryEquals', ['YQ=='], is('a'), 'unclear'],
  ['DateLessThan', ['2026-01-01T00:00:00Z'], is('2025-01-01T00:00:00Z'), 'unclear'],
  ['IpAddress', ['10.0.0.0/8'], is('10.1.2.3'), 'unclear'],
  ['Bool', ['false'], { kind: 'is_or_absent', value: 'false' }, 'either'],
  ['BoolIfExists', ['false'], { kind: 'is_or_absent', value: 'false' }, 'yes'],
  ['Bool', ['true'], { kind: 'is_or_absent', value: 'false' }, 'no'],
  ['Null', ['true'], { kind: 'is_or_absent', value: 'false' }, 'either'],
]

/** What a key is to a stranger. `no`: it keeps him out. */
const STRANGERS: readonly (readonly [operator: string, key: string, values: readonly string[], answer: Answer])[] = [
  ['StringEquals', 'aws:principalorgid', [ORG], 'no'],
  ['StringLike', 'aws:principalorgid', [ORG], 'no'],
  ['StringLike', 'aws:principalorgid', ['o-*'], 'either'],
  ['StringLike', 'aws:principalorgid', [ORG, '*'], 'either'],
  ['StringEquals', 'aws:principalorgid', ['*'], 'no'],
  ['StringEqualsIfExists', 'aws:principalorgid', [ORG], 'either'],
  ['ForAnyValue:StringEquals', 'aws:principalorgid', [ORG], 'no'],
  ['ForAllValues:StringEquals', 'aws:principalorgid', [ORG], 'either'],
  ['StringNotEquals', 'aws:principalorgid', [ORG], 'yes'],
  ['StringNotEqualsIfExists', 'aws:principalorgid', [ORG], 'yes'],
  ['ForAllValues:StringNotEquals', 'aws:principalorgid', [ORG], 'yes'],
  ['ForAnyValue:StringNotEquals', 'aws:principalorgid', [ORG], 'either'],
  ['Null', 'aws:principalorgid', ['false'], 'either'],
  ['ForAnyValue:StringLike', 'aws:principalorgpaths', [`${ORG}/r-ab12/*`], 'no'],
  ['ForAnyValue:StringLike', 'aws:principalorgpaths', ['*/r-ab12/*'], 'either'],
  ['StringEquals', 'aws:principalaccount', ['111122223333'], 'no'],
  ['StringLike', 'aws:principalaccount', ['1111*'], 'either'],
  ['StringEquals', 'kms:calleraccount', ['111122223333'], 'no'],
  ['ArnLike', 'aws:principalarn', ['arn:aws:iam::111122223333:*'], 'no'],
  ['ArnLike', 'aws:principalarn', ['arn:aws:iam::*:role/admin'], 'either'],
  ['ArnEquals', 'aws:sourcearn', ['arn:aws:s3:::our-bucket'], 'no'],
  ['ArnLike', 'aws:sourcearn', ['arn:aws:s3:::our-*'], 'either'],
  ['StringEquals', 'aws:sourcevpce', ['vpce-0123456789abcdef0'], 'no'],
  ['StringLike', 'aws:sourcevpc', ['vpc-*'], 'either'],
  ['IpAddress', 'aws:sourceip', ['203.0.113.0/24', '2001:db8::/32'], 'no'],
  ['IpAddress', 'aws:sourceip', ['203.0.113.7'], 'no'],
  ['IpAddress', 'aws:sourceip', ['0.0.0.0/1', '128.0.0.0/1'], 'either'],
  ['IpAddress', 'aws:sourceip', ['::/0'], 'either'],
  ['NotIpAddress', 'aws:sourceip', ['203.0.113.0/24'], 'yes'],
  ['StringLike', 'aws:userid', ['AROAQKEYADMINXEXAMPLE:*'], 'no'],
  ['StringLike', 'aws:userid', ['*:session'], 'either'],
  // What any caller can have, or what says something of the resource.
  ['StringEquals', 'aws:principaltag/team', ['crypto'], 'either'],
  ['StringEquals', 'aws:resourceaccount', ['111122223333'], 'either'],
  ['StringEquals', 'kms:viaservice', ['s3.eu-central-1.amazonaws.com'], 'either'],
  ['StringEquals', 'kms:encryptioncontext:tenant', ['a'], 'either'],
  ['Bool', 'aws:securetransport', ['true'], 'either'],
  ['StringEquals', 'aws:somethingnew', ['x'], 'unclear'],
  ['Bool', 'aws:principalaccount', ['true'], 'unclear'],
]

describe('a condition', () => {
  it.each(ROWS)('%s %j, the key %j: %s', (operator, values, known, answer) => {
    expect(answerOf({ operator, key: 'k', values }, () => known)).toBe(answer)
  })

  it.each(STRANGERS)('%s of %s %j to a stranger: %s', (operator, key, values, answer) => {
    expect(answerOf({ operator, key, values }, foreignKey)).toBe(answer)
  })
})

describe('conditions of a statement', () => {
  const known = { yes: is('a'), no: is('b'), either: ANY }
  const context = (key: string): Known | undefined => (Object.hasOwn(known, key) ? known[key as keyof typeof known] : undefined)

  it.each<readonly [readonly string[], Answer]>([
    [[], 'yes'],
    [['yes', 'yes'], 'yes'],
    [['yes', 'either'], 'either'],
    [['either', 'unclear'], 'unclear'],
    [['unclear', 'no'], 'no'],
    [['no', 'either'], 'no'],
  ])('%j together: %s', (keys, answer) => {
    const conditions = keys.map((key) => ({ operator: 'StringEquals', key, values: ['a'] }))
    expect(answerOfAll(conditions, context)).toBe(answer)
  })
})
