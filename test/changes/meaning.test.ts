import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AspectState, DefaultEncryption } from '../../shared/changes/aspect.ts'
import { differenceLines, meansTheSame, stateText } from '../../shared/changes/meaning.ts'
import { encryptionState } from './plans-ground.ts'

const rotation = (isEnabled: boolean, periodDays: number | null): AspectState => ({
  aspect: 'key-rotation',
  value: { isEnabled, periodDays },
})
const policy = (value: string | null): AspectState => ({ aspect: 'bucket-policy', value })
const written = (document: unknown): AspectState => policy(JSON.stringify(document))

const names = fc.constantFrom('s3:GetObject', 's3:PutObject', 's3:*', 'arn:aws:s3:::a', 'arn:aws:s3:::a/*', '111122223333', 'true')
const many = fc.uniqueArray(names, { minLength: 1, maxLength: 4 })
const statement = fc.record({
  Sid: fc.constantFrom('A', 'B'),
  Effect: fc.constantFrom('Allow', 'Deny'),
  Principal: fc.record({ AWS: many }),
  Action: many,
  Resource: many,
  Condition: fc.record({ Bool: fc.record({ 'aws:SecureTransport': many }) }),
})
const document = fc.record({
  Version: fc.constantFrom('2008-10-17', '2012-10-17'),
  Statement: fc.array(statement, { minLength: 1, maxLength: 3 }),
})

/** The same with every list turned round, lists of one without a list, and members in another order. */
function otherwise(value: unknown, isStatements = false): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => otherwise(item))
    if (items.length === 1) return items[0]
    return isStatements ? items : items.toReversed()
  }
  if (typeof value !== 'object' || value === null) return value
  const turned = Object.entries(value).toReversed()
  return Object.fromEntries(turned.map(([name, inner]) => [name, otherwise(inner, name === 'Statement')]))
}

describe('two bucket policies', () => {
  it('mean the same however they are written down', () => {
    fc.assert(
      fc.property(document, (one) => {
        expect(meansTheSame(written(one), written(otherwise(one)))).toBe(true)
      }),
    )
  })

  it('mean something else once anything in them is', () => {
    fc.assert(
      fc.property(document, fc.nat(), (one, at) => {
        const text = JSON.stringify(one)
        const places = [...text.matchAll(/(Allow|Deny|s3:GetObject|s3:PutObject|111122223333|2012-10-17)"/g)].map(({ index }) => index)
        fc.pre(places.length > 0)
        const place = places[at % places.length] ?? 0
        const changed = `${text.slice(0, place)}x${text.slice(place)}`
        expect(meansTheSame(policy(text), policy(changed))).toBe(false)
      }),
    )
  })

  it.each([
    ['{"Statement":[{"Principal":"*"}]}', '{"Statement":[{"Principal":{"AWS":"*"}}]}', true],
    ['{"Statement":[{"Condition":{"Bool":{"a":true}}}]}', '{"Statement":[{"Condition":{"Bool":{"a":"true"}}}]}', true],
    ['{"Statement":[{"Principal":"*"}]}', '{"Statement":[{"NotPrincipal":"*"}]}', false],
    ['{"Statement":[{"Sid":"A"},{"Sid":"B"}]}', '{"Statement":[{"Sid":"A"}]}', false],
    ['no JSON', 'no JSON', true],
    ['no JSON', 'no  JSON', false],
    [null, null, true],
    [null, '{"Statement":[]}', false],
    [null, 'none', false],
  ])('%s and %s: %s', (one, other, isSame) => {
    expect([meansTheSame(policy(one), policy(other)), meansTheSame(policy(other), policy(one))]).toEqual([isSame, isSame])
  })
})

describe('two settings of rotation', () => {
  it.each([
    [rotation(true, 365), rotation(true, 365), true],
    [rotation(true, 365), rotation(true, 90), false],
    [rotation(true, 365), rotation(false, 365), false],
    [rotation(false, null), rotation(false, 365), true],
  ])('%j and %j: %s', (one, other, isSame) => expect(meansTheSame(one, other)).toBe(isSame))
})

const sse = (...rules: readonly Partial<DefaultEncryption>[]): AspectState => encryptionState(...rules)

describe('two default encryptions', () => {
  it.each<[string, AspectState, AspectState, boolean]>([
    ['nothing blocked, said or not', sse({ blockedTypes: ['NONE'] }), sse({}), true],
    ['no algorithm and SSE-S3', sse({ algorithm: null, key: null }), sse({ algorithm: 'AES256', key: null }), true],
    ['blocked or not', sse({ blockedTypes: ['SSE-C'] }), sse({}), false],
    ['another key', sse({ key: 'alias/a' }), sse({}), false],
    ['with a Bucket Key or without', sse({ isBucketKeyEnabled: true }), sse({}), false],
    ['another algorithm', sse({ algorithm: 'aws:kms:dsse' }), sse({}), false],
    ['one rule more', sse({}, {}), sse({}), false],
    ['rules in another order', sse({}, { key: 'a' }), sse({ key: 'a' }, {}), false],
  ])('%s', (_, one, other, isSame) => expect(meansTheSame(one, other)).toBe(isSame))
})

describe('states of different aspects', () => {
  it('never mean the same', () => {
    expect(meansTheSame(policy('[]'), { aspect: 'bucket-encryption', value: [] })).toBe(false)
  })
})

describe('for people', () => {
  it('a state is a line', () => {
    expect(stateText(rotation(true, 90))).toBe('automatic rotation is on, every 90 days')
    expect(stateText(rotation(false, null))).toBe('automatic rotation is off')
    expect(stateText(policy(null))).toBe('no bucket policy')
    expect(stateText(encryptionState({ algorithm: 'AES256', key: null, blockedTypes: ['SSE-C'] }))).toBe('AES256, blocked: SSE-C')
    expect(stateText(encryptionState({ key: 'alias/a', isBucketKeyEnabled: true }))).toBe('aws:kms, under alias/a, with a Bucket Key')
  })

  it('a difference is what was expected beside what was found, and none where both mean the same', () => {
    expect(differenceLines(rotation(true, 90), rotation(false, null))).toEqual([
      'expected: automatic rotation is on, every 90 days',
      'found:    automatic rotation is off',
    ])
    expect(differenceLines(rotation(false, null), rotation(false, 90))).toEqual([])
  })
})
