import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coversPattern, overlaps } from '../../shared/rules/policy/pattern.ts'

const COVERED: readonly (readonly [outer: string, inner: string, isCovered: boolean])[] = [
  ['*', 'kms:decrypt', true],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['kms:*', 'kms:decrypt', true],
  ['kms:*', 'kms:*', true],
  ['kms:*', '*', false],
  ['kms:de*', 'kms:d*', false],
  ['kms:d*', 'kms:de*', true],
  ['kms:*crypt', 'kms:re*crypt', true],
  ['kms:*crypt', 'kms:decrypt*', false],
  ['kms:?ecrypt', 'kms:decrypt', true],
  ['kms:?ecrypt', 'kms:*ecrypt', false],
  ['kms:?*', 'kms:??', true],
  ['kms:?*', 'kms:*', false],
  ['a*b*c', 'aXbXbXc', true],
  ['a*b*c', 'aXbXb', false],
  ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket/*', true],
  ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket', false],
  ['arn:aws:s3:::bucket*', 'arn:aws:s3:::bucket/*', true],
]

const OVERLAPPING: readonly (readonly [one: string, other: string, doOverlap: boolean])[] = [
  ['*', '', true],
  ['a', 'a', true],
  ['a', 'b', false],
  ['a*', '*b', true],
  ['a*', 'b*', false],
  ['*a', '*b', false],
  ['a?', 'a', false],
  ['a?', '?b', true],
  ['s3:get*', 's3:*object', true],
  ['s3:get*', 's3:put*', false],
  ['', '', true],
  ['', '*', true],
  ['a*c', 'ab', false],
]

describe('a pattern', () => {
  it.each(COVERED)('%j covers %j: %s', (outer, inner, isCovered) => {
    expect(coversPattern(outer, inner)).toBe(isCovered)
  })

  it.each(OVERLAPPING)('%j overlaps %j: %s', (one, other, doOverlap) => {
    expect(overlaps(one, other)).toBe(doOverlap)
    expect(overlaps(other, one)).toBe(doOverlap)
  })

  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 7 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 7 })

  it('matches as a regular expression does', () => {
    fc.assert(
      fc.property(pattern, text, (some, plain) => {
        const expression = new RegExp(`^${some.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(coversPattern(some, plain)).toBe(expression.test(plain))
        expect(overlaps(some, plain)).toBe(expression.test(plain))
      }),
      { numRuns: 2000 },
    )
  })

  it('that covers another matches whatever the other matches', () => {
    let witnesses = 0
    fc.assert(
      fc.property(pattern, pattern, text, (outer, inner, plain) => {
        if (!coversPattern(outer, inner) || !coversPattern(inner, plain)) return
        witnesses++
        expect(coversPattern(outer, plain)).toBe(true)
        expect(overlaps(outer, inner)).toBe(true)
      }),
      { numRuns: 5000 },
    )
    expect(witnesses).toBeGreaterThan(50)
  })

  it('that takes long is still judged at once', () => {
    expect(coversPattern('*a'.repeat(2000), 'a'.repeat(4000))).toBe(true)
    expect(coversPattern(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false)
    expect(overlaps('*a'.repeat(2000), 'b*'.repeat(2000))).toBe(true)
  })
})
