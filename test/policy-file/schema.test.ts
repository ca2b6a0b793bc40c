import { Ajv, type ErrorObject } from 'ajv'
import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parse, parseDocument } from 'yaml'
import { readPolicy } from '../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import type { EpochS } from '../../shared/time.ts'
import { FULL, PROJECT_FILE, shownInProject } from './samples.ts'

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const SCHEMA = JSON.parse(file('../../docs/keytrail.schema.json')) as { readonly $schema: string }

/** RFC 3339 `full-date`: what `format: date` means. Ajv leaves formats to others. */
function isDay(text: string): boolean {
  const instant = new Date(`${text}T00:00:00Z`)
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text)
}

// Draft 07 is what this class of Ajv speaks; in strict mode a word that it does not know is an error.
const validate = new Ajv({ allErrors: true, strict: true, formats: { date: isDay } }).compile(SCHEMA)

/** Where Ajv refuses, as JSON pointers; what is unknown is named itself. */
function refusedBySchema(value: unknown): readonly string[] {
  if (validate(value)) return []
  return unique((validate.errors ?? []).map(placeOf))
}

function placeOf({ instancePath, keyword, params }: ErrorObject): string {
  return keyword === 'additionalProperties' ? `${instancePath}/${escaped(String(params['additionalProperty']))}` : instancePath
}

/** Where the reader refuses, as JSON pointers; by places of a text in flow style, where no two things begin at the same place. */
function refusedByReader(text: string): readonly string[] {
  const read = readPolicy(Buffer.from(text), { rules: ALL_RULES, now: 0 as EpochS })
  if (read.ok) return []
  const lines = new LineCounter()
  const places = new Map<string, string>()
  walk(parseDocument(text, { lineCounter: lines, uniqueKeys: false, version: '1.2', schema: 'core' }).contents, '', (node, pointer) => {
    const { line, col } = lines.linePos(node.range?.[0] ?? 0)
    places.set(`${line}:${col}`, pointer)
  })
  return unique(read.problems.map(({ line, column, message }) => places.get(`${line}:${column}`) ?? `nowhere: ${message}`))
}

function walk(node: ParsedNode | null, pointer: string, see: (node: Node, pointer: string) => void): void {
  if (node === null) return
  see(node, pointer)
  if (isSeq<ParsedNode>(node)) for (const [index, item] of node.items.entries()) walk(item, `${pointer}/${index}`, see)
  if (!isMap<ParsedNode, ParsedNode | null>(node)) return
  for (const { key, value } of node.items) {
    const inner = `${pointer}/${escaped(isScalar(key) ? String(key.value) : '')}`
    see(key, inner)
    walk(value, inner, see)
  }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted()
}

const PERIOD = '/expectations/rotationPeriodDays'

describe('the JSON Schema takes what the reader takes', () => {
  it('in the draft that it names', () => {
    expect(SCHEMA.$schema).toBe('http://json-schema.org/draft-07/schema#')
  })

  it.each<readonly [title: string, text: string]>([
    ['the file of the project', file('../../keytrail.yml')],
    ['what its comments show', shownInProject()],
    ['a file with everything', FULL],
    ['nothing but a mapping', '{}'],
    ...Array.from(
      file('../../docs/keytrail-yml.md').matchAll(/^```yaml\n(.*?)^```/gms),
      ([, text = ''], index) => [`example ${index} of its page`, text] as const,
    ),
  ])('%s', (_, text) => {
    expect(readPolicy(Buffer.from(text), { rules: ALL_RULES, now: 0 as EpochS }).ok).toBe(true)
    expect(refusedBySchema(parse(text))).toEqual([])
  })

  it('with an example in its page', () => {
    expect(file('../../docs/keytrail-yml.md')).toMatch(/^```yaml$/m)
    expect(PROJECT_FILE.pathname).toMatch(/keytrail\.yml$/)
  })
})

const EXEMPTION = { rule: 'kms-key-in-use', resource: 'arn:aws:kms:*', reason: 'why', approver: 'who', until: '2027-01-31' }
const exempt = (changes: object): object => ({ exemptions: [{ ...EXEMPTION, ...changes }] })
const overrides = (...entries: readonly unknown[]): object => ({ expectations: { buckets: { overrides: entries } } })

/** One thing is wrong in each. */
const BROKEN: readonly (readonly [title: string, policy: unknown, place: string])[] = [
  ['a list', [], ''],
  ['a word', 'keytrail', ''],
  ['nothing', null, ''],
  ['an unknown part', { rulez: {} }, '/rulez'],
  ['what every object has', { constructor: {} }, '/constructor'],
  ['the same once more', JSON.parse('{"__proto__":{}}'), '/__proto__'],
  ['a part that is a list', { expectations: [] }, '/expectations'],
  ['a part that is nothing', { owners: null }, '/owners'],
  ['an expectation that is unknown', { expectations: { 'un/used~days': 3 } }, '/expectations/un~1used~0days'],
  ['a number below', { expectations: { unusedDays: 0 } }, '/expectations/unusedDays'],
  ['a number above', { expectations: { failureBurst: 1_000_001 } }, '/expectations/failureBurst'],
  ['a part of a number', { expectations: { unusedDays: 1.5 } }, '/expectations/unusedDays'],
  ['a number as text', { expectations: { unusedDays: '30' } }, '/expectations/unusedDays'],
  ['a period below what KMS takes', { expectations: { rotationPeriodDays: { min: 89 } } }, `${PERIOD}/min`],
  ['an account as a number', { expectations: { trustedAccounts: [111_122_223_333] } }, '/expectations/trustedAccounts/0'],
  ['an account of eleven digits', { expectations: { trustedAccounts: ['11112222333'] } }, '/expectations/trustedAccounts/0'],
  ['an organization that is too short', { expectations: { trustedAccounts: ['o-a1b2c3d4e5', 'o-a1'] } }, '/expectations/trustedAccounts/1'],
  ['a key that is a name', { expectations: { plannedDeletions: ['old-key'] } }, '/expectations/plannedDeletions/0'],
  ['an alias where an ARN must be', { expectations: { buckets: { keyArns: ['alias/app'] } } }, '/expectations/buckets/keyArns/0'],
  ['an algorithm that is none', { expectations: { buckets: { algorithms: ['aes256'] } } }, '/expectations/buckets/algorithms/0'],
  [
    'more algorithms than there are',
    { expectations: { buckets: { algorithms: Array(4).fill('AES256') } } },
    '/expectations/buckets/algorithms',
  ],
  ['a text for yes', { expectations: { buckets: { requiresTls: 'yes' } } }, '/expectations/buckets/requiresTls'],
  ['an override of nothing', overrides({ requiresTls: false }), '/expectations/buckets/overrides/0'],
  ['an override of a name with a space', overrides({ bucket: 'a' }, { bucket: 'x y' }), '/expectations/buckets/overrides/1/bucket'],
  ['an override that is a number', overrides(3), '/expectations/buckets/overrides/0'],
  ['a long name', overrides({ bucket: 'b'.repeat(256) }), '/expectations/buckets/overrides/0/bucket'],
  ['more overrides than may be', overrides(...Array.from({ length: 1001 }, () => ({ bucket: 'a' }))), '/expectations/buckets/overrides'],
  ['a rule that is none', { rules: { 'kms-key-in-us': {} } }, '/rules/kms-key-in-us'],
  ['a mode that is none', { rules: { 'kms-key-rotation-enabled': { mode: 'off' } } }, '/rules/kms-key-rotation-enabled/mode'],
  ['what cannot be enforced', { rules: { 'kms-key-in-use': { mode: 'enforce' } } }, '/rules/kms-key-in-use/mode'],
  ['a severity that is none', { rules: { 'kms-key-in-use': { severity: 'hihg' } } }, '/rules/kms-key-in-use/severity'],
  ['an exemption from no rule', exempt({ rule: 'kms-key-in-us' }), '/exemptions/0/rule'],
  ['an exemption of what is no ARN', exempt({ resource: 'bucket' }), '/exemptions/0/resource'],
  ['an exemption without a reason', exempt({ reason: ' ' }), '/exemptions/0/reason'],
  ['a reason without end', exempt({ reason: 'w'.repeat(501) }), '/exemptions/0/reason'],
  ['a day that is none', exempt({ until: '2026-02-30' }), '/exemptions/0/until'],
  ['a month that is none', exempt({ until: '2026-13-01' }), '/exemptions/0/until'],
  ['a day of another form', exempt({ until: '01.02.2027' }), '/exemptions/0/until'],
  ['a time of a day', exempt({ until: '2027-01-31T00:00:00Z' }), '/exemptions/0/until'],
  ['an exemption with members left out', { exemptions: [{ rule: 'kms-key-in-use' }] }, '/exemptions/0'],
  ['an owner without a tool', { owners: [{ resource: '*' }] }, '/owners/0'],
  ['a tool with a long name', { owners: [{ resource: '*', tool: 't'.repeat(101) }] }, '/owners/0/tool'],
  ['changes without end', { changes: { perHourMax: 1001 } }, '/changes/perHourMax'],
  ['a key that is due at once', { cleanUp: { afterDays: 0 } }, '/cleanUp/afterDays'],
  ['a watch of a weekend alone', { cleanUp: { watchHours: 71 } }, '/cleanUp/watchHours'],
  ['a deletion that waits for less than KMS takes', { cleanUp: { pendingDays: 6 } }, '/cleanUp/pendingDays'],
  ['one that waits for more', { cleanUp: { pendingDays: 31 } }, '/cleanUp/pendingDays'],
  ['a name that is no alias', { cleanUp: { exclude: ['demo'] } }, '/cleanUp/exclude/0'],
]

describe('the JSON Schema refuses what the reader refuses, at the same place', () => {
  it.each(BROKEN)('%s', (_, policy, place) => {
    expect(refusedBySchema(policy)).toEqual([place])
    expect(refusedByReader(JSON.stringify(policy))).toEqual([place])
  })

  it('and whatever is wrong in the bad file', () => {
    expect(refusedBySchema(parse(file('bad.yml').replace('  - *nothing', '  - nothing'), { uniqueKeys: false })).length).toBeGreaterThan(20)
  })

  it('counts characters as the reader does', () => {
    const [fits, long] = ['👋'.repeat(500), '👋'.repeat(501)].map((reason) => exempt({ reason }))
    expect([refusedBySchema(fits), refusedByReader(JSON.stringify(fits))]).toEqual([[], []])
    expect([refusedBySchema(long), refusedByReader(JSON.stringify(long))]).toEqual([['/exemptions/0/reason'], ['/exemptions/0/reason']])
  })
})

const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/a'
const MULTIPLIED = `expectations: { buckets: { keyArns: &k [${Array(30).fill(KEY_ARN).join(', ')}], overrides: [${Array(900).fill('{ bucket: a, keyArns: *k }').join(', ')}] } }`

describe('what no JSON Schema can say, the reader alone refuses', () => {
  it.each([
    ['a shortest period above the longest', '{"expectations":{"rotationPeriodDays":{"min":200,"max":100}}}'],
    ['one above the default of the longest', '{"expectations":{"rotationPeriodDays":{"min":400}}}'],
    ['what is written twice', '{"rules":{},"rules":{}}'],
    ['more values than may be', MULTIPLIED],
    ['a file without end', JSON.stringify(exempt({ reason: 'why' })).padEnd(262_145)],
  ])('%s', (_, text) => {
    expect(readPolicy(Buffer.from(text), { rules: ALL_RULES, now: 0 as EpochS }).ok).toBe(false)
    expect(refusedBySchema(parse(text, { uniqueKeys: false, maxAliasCount: -1 }))).toEqual([])
  })
})

const JUNK = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e21, [], {}, [null], { x: 1 }),
  fc.constantFrom('', ' ', 'x', '2026-02-30', 'AES256', '111122223333', 'o-', '*', KEY_ARN),
)
const some = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: good }, { weight: 1, arbitrary: JUNK })
const listOf = (each: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => some(fc.array(each, { maxLength: 3 }))
const words = (...texts: readonly string[]): fc.Arbitrary<unknown> => some(fc.constantFrom(...texts))
const EXTRAS = fc.oneof(
  { weight: 30, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom<object>({ extra: 1 }, { toString: {} }, JSON.parse('{"__proto__":1}') as object) },
)
const mapping = (members: Readonly<Record<string, fc.Arbitrary<unknown>>>, needed: readonly string[] = []): fc.Arbitrary<unknown> => {
  const record = fc.oneof(
    { weight: 20, arbitrary: fc.record(members, { requiredKeys: [...needed] }) },
    { weight: 1, arbitrary: fc.record(members, { requiredKeys: [] }) },
  )
  return some(fc.tuple(record, EXTRAS).map(([one, extras]) => ({ ...one, ...extras })))
}
const days = (min: number, max: number): fc.Arbitrary<unknown> =>
  some(fc.oneof({ weight: 9, arbitrary: fc.integer({ min, max }) }, { weight: 1, arbitrary: fc.constantFrom(min - 1, max + 1) }))
const yesOrNo = some(fc.boolean())
const bucketMembers = {
  algorithms: listOf(words('AES256', 'aws:kms', 'aws:kms:dsse')),
  keyArns: listOf(words(KEY_ARN, 'arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1')),
  requiresBucketKey: yesOrNo,
  blocksSseC: yesOrNo,
  requiresTls: yesOrNo,
}
const ruleIds = ALL_RULES.map(({ id }) => id)
const rule = mapping({ mode: words('report', 'report', 'report', 'enforce'), severity: words('low', 'medium', 'high', 'critical') })
const RESOURCES = words('*', 'arn:aws:s3:::demo-*', `arn:${'x'.repeat(2044)}`)
const REASONS = words('why', 'w'.repeat(500), '👋'.repeat(500), '\u{feff}x')
const POLICY = mapping({
  expectations: mapping({
    rotationPeriodDays: mapping({ min: days(90, 2560), max: days(90, 2560) }),
    trustedAccounts: listOf(words('111122223333', 'o-a1b2c3d4e5')),
    plannedDeletions: listOf(words('alias/old/app', KEY_ARN)),
    unusedDays: days(1, 3650),
    failureBurst: days(1, 1_000_000),
    buckets: mapping({ ...bucketMembers, overrides: listOf(mapping({ bucket: words('logs-*', 'b'), ...bucketMembers }, ['bucket'])) }),
  }),
  rules: some(fc.dictionary(fc.constantFrom(...ruleIds), rule, { maxKeys: 3 })),
  exemptions: listOf(
    mapping(
      {
        rule: words(...ruleIds),
        resource: RESOURCES,
        reason: REASONS,
        approver: REASONS,
        until: words('2027-01-31', '2028-02-29', '1999-12-31'),
      },
      ['rule', 'resource', 'reason', 'approver', 'until'],
    ),
  ),
  owners: listOf(mapping({ resource: RESOURCES, tool: words('terraform', 't'.repeat(100)), place: REASONS }, ['resource', 'tool'])),
  changes: mapping({ perHourMax: days(0, 1000) }),
  cleanUp: mapping({
    afterDays: days(1, 3650),
    watchHours: days(72, 8760),
    pendingDays: days(7, 30),
    perRunMax: days(0, 1000),
    exclude: listOf(words('*', 'alias/demo-*', `arn:${'x'.repeat(346)}`)),
  }),
})

describe('whatever a policy says', () => {
  it('the JSON Schema and the reader refuse it at the same places, or take it', () => {
    const seen = { taken: 0, refused: 0, crossed: 0 }
    fc.assert(
      fc.property(POLICY, (policy) => {
        const [schema, reader] = [refusedBySchema(policy), refusedByReader(JSON.stringify(policy))]
        const isCrossed = reader.includes(PERIOD) && !schema.includes(PERIOD)
        expect(!isCrossed || min(policy) > max(policy)).toBe(true)
        expect(reader.filter((place) => !isCrossed || place !== PERIOD)).toEqual(schema)
        if (isCrossed) seen.crossed++
        else if (schema.length === 0) seen.taken++
        else seen.refused++
      }),
      { numRuns: 200 },
    )
    expect(Object.entries(seen).filter(([, times]) => times === 0)).toEqual([])
  })
})

type Period = { readonly expectations: { readonly rotationPeriodDays: { readonly min?: number; readonly max?: number } } }
const min = (policy: unknown): number => (policy as Period).expectations.rotationPeriodDays.min ?? 90
const max = (policy: unknown): number => (policy as Period).expectations.rotationPeriodDays.max ?? 365
