import { describe, expect, it } from 'vitest'
import { matchesPattern } from '../shared/text-pattern.ts'

describe('a text pattern', () => {
  it.each([
    ['orders', 'orders', true],
    ['orders', 'orders-2', false],
    ['orders', 'my-orders', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['', '', true],
    ['', 'a', false],
    ['northwind-*', 'northwind-orders', true],
    ['northwind-*', 'northwind-', true],
    ['northwind-*', 'northwind', false],
    ['*-logs', 'access-logs', true],
    ['*-logs', 'access-logs-2', false],
    ['*-prod-*', 'a-prod-b', true],
    ['*-prod-*', '-prod-', true],
    ['*-prod-*', 'a-prodb', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['a*ba', 'aba', true],
    ['ab*ba', 'aba', false],
    ['a**b', 'ab', true],
    ['a.c', 'abc', false],
    ['a?c', 'abc', false],
    ['[a]', '[a]', true],
  ])('%s and %s: %s', (pattern, text, isMatch) => {
    expect(matchesPattern(pattern, text)).toBe(isMatch)
  })

  it('takes no time that explodes', () => {
    expect(matchesPattern('*a'.repeat(500), 'a'.repeat(499))).toBe(false)
    expect(matchesPattern(`${'*a'.repeat(500)}*`, `${'a'.repeat(5000)}b`)).toBe(true)
  })
})
