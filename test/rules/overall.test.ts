import { describe, expect, it } from 'vitest'
import { overall } from '../../shared/rules/overall.ts'
import { fail, notApplicable, pass, unjudged, type Verdict } from '../../shared/rules/verdict.ts'

const unknown = unjudged('kms:DescribeKey', 'KeyStateNotKnown')

describe('the verdict on all parts of a resource', () => {
  it.each<readonly [title: string, parts: readonly Verdict[], whole: Verdict]>([
    ['passes if all pass', [pass, pass], pass],
    ['passes if there is none', [], pass],
    ['is unknown if one is', [pass, unknown, pass], unknown],
    ['fails if one fails', [pass, fail('a'), pass], fail('a')],
    ['fails if one fails, whatever is unknown', [unknown, fail('a')], fail('a')],
    ['says why in the order of the parts', [fail('b'), fail('a')], fail('b; a')],
    ['says the same once', [fail('a'), fail('a')], fail('a')],
    ['says three reasons at most', ['a', 'b', 'c', 'd'].map(fail), fail('a; b; c')],
    ['passes if a part is out of scope', [notApplicable('x'), pass], pass],
  ])('%s', (_, parts, whole) => {
    expect(overall(parts)).toEqual(whole)
  })
})
