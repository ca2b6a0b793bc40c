import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defaultPolicy, POLICY_BYTES_MAX, readPolicy, rulesUnder } from '../../shared/policy-file/policy-file.ts'
import { problemText, PROBLEMS_MAX } from '../../shared/policy-file/problem.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import { type EpochS, parseEventTime } from '../../shared/time.ts'
import { FULL, PROJECT_FILE, shownInProject } from './samples.ts'

const NOW = instant('2026-10-20T06:00:00Z')

function instant(text: string): EpochS {
  const second = parseEventTime(text)
  if (second === null) throw new Error(`${text} is no time`)
  return second
}

function read(text: string | Uint8Array): ReturnType<typeof readPolicy> {
  return readPolicy(typeof text === 'string' ? Buffer.from(text) : text, { rules: ALL_RULES, now: NOW })
}

/** `line:column: message` of every problem. */
function problems(text: string | Uint8Array): readonly string[] {
  const outcome = read(text)
  return outcome.ok ? [] : outcome.problems.map((problem) => problemText('k', problem).slice(2))
}

function accepted(text: string): Extract<ReturnType<typeof readPolicy>, { ok: true }> {
  const outcome = read(text)
  if (!outcome.ok) throw new Error(problems(text).join('\n'))
  return outcome
}

describe('a policy file', () => {
  it('says what differs from the defaults', () => {
    const { policy, warnings } = accepted(FULL)
    expect(warnings).toEqual([])
    expect(policy.expectations).toEqual({
      rotationPeriodDays: { min: 90, max: 180 },
      trustedAccounts: ['444455556666', 'o-a1b2c3d4e5'],
      plannedDeletions: ['alias/old/app', 'arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab'],
      unusedDays: 30,
      failureBurst: 5,
      buckets: {
        ...DEFAULT_EXPECTATIONS.buckets,
        algorithms: ['aws:kms'],
        requiresTls: false,
        overrides: [{ bucket: 'logs-*', algorithms: ['AES256'], blocksSseC: false }],
      },
    })
    expect([...policy.modes]).toEqual([
      ['kms-key-rotation-enabled', 'enforce'],
      ['kms-key-in-use', 'report'],
    ])
    expect(policy.exemptions).toEqual([
      {
        ruleId: 'kms-key-in-use',
        resource: 'arn:aws:kms:*:111122223333:key/*',
        reason: 'archive: read once a year',
        approver: 'security@example.com',
        until: instant('2027-01-31T00:00:00Z'),
      },
    ])
    expect(policy.owners).toEqual([
      { resource: 'arn:aws:s3:::platform-*', tool: 'terraform', place: null },
      { resource: 'arn:aws:s3:::*', tool: 'pulumi', place: 'https://git.example.com' },
    ])
    expect([policy.changes, policy.cleanUp]).toEqual([
      { perHourMax: 5 },
      { afterDays: 7, watchHours: 168, pendingDays: 7, perRunMax: 20, exclude: ['alias/keytrail-demo-*', 'arn:aws:kms:*:key/1234*'] },
    ])
  })

  it('overrides severities, and nothing else of the rules', () => {
    const rules = rulesUnder(accepted(FULL).policy, ALL_RULES)
    const changed = rules.filter(({ severity }, index) => severity !== ALL_RULES[index]?.severity)
    expect(changed.map(({ id, severity }) => [id, severity])).toEqual([['kms-key-rotation-enabled', 'critical']])
    expect(rules.map(({ id }) => id)).toEqual(ALL_RULES.map(({ id }) => id))
  })

  it('has the digest of its bytes; without one, of no bytes', () => {
    expect(accepted(FULL).policy.digest).toBe(createHash('sha256').update(FULL).digest('hex'))
    expect(defaultPolicy().digest).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })

  it.each(['', '\n', '# nothing yet\n', '{}', '\u{feff}'])('may say nothing: %j', (text) => {
    const { policy } = accepted(text)
    expect({ ...policy, digest: '' }).toEqual({ ...defaultPolicy(), digest: '' })
  })

  it('of the project says what the defaults are', () => {
    const text = readFileSync(PROJECT_FILE, 'utf8')
    const { policy, warnings } = accepted(text)
    expect(warnings).toEqual([])
    expect({ ...policy, digest: '' }).toEqual({ ...defaultPolicy(), digest: '' })
    expect(text).toContain('$schema=docs/keytrail.schema.json')
  })

  it('of the project shows in its comments what would be accepted', () => {
    const { policy } = accepted(shownInProject())
    const { exemptions, owners, modes, expectations, cleanUp } = policy
    const shown = [exemptions.length, owners.length, modes.size, expectations.buckets.overrides.length, cleanUp.exclude.length]
    expect(shown).toEqual([1, 1, 1, 1, 1])
  })

  it('may repeat a part by an alias', () => {
    const { policy } = accepted('expectations:\n  buckets: { algorithms: &some [AES256], overrides: [{ bucket: a, algorithms: *some }] }')
    expect(policy.expectations.buckets.overrides).toEqual([{ bucket: 'a', algorithms: ['AES256'] }])
  })
})

function exemption(changes: Readonly<Record<string, string>>): string {
  const members = { rule: 'kms-key-in-use', resource: 'arn:aws:kms:*', reason: 'why', approver: 'who', until: '2027-01-01', ...changes }
  return `exemptions: [${JSON.stringify(members)}]`
}

describe('an exemption', () => {
  it.each([
    ['has ended', { until: '2026-10-20' }, 'has ended'],
    ['covers everything', { resource: '*' }, 'exempts every resource'],
  ])('that %s is warned of, and holds as it stands', (_, changes, words) => {
    const { policy, warnings } = accepted(exemption(changes))
    expect(policy.exemptions).toHaveLength(1)
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining(words)])
    expect(accepted(exemption({ until: '2026-10-21' })).warnings).toEqual([])
  })

  it.each(['2026-02-30', '2027-1-1', 'tomorrow', '2027-01-01T00:00:00Z', '01.02.2027'])('does not end on %s', (until) => {
    expect(problems(exemption({ until }))).toEqual([expect.stringContaining('write the first day on which')])
  })
})

it('a change of nothing and a clean-up of nothing may be asked for', () => {
  const { policy } = accepted('changes: { perHourMax: 0 }\ncleanUp: { perRunMax: 0 }')
  expect([policy.changes.perHourMax, policy.cleanUp.perRunMax]).toEqual([0, 0])
})

describe('every problem of a file is listed at once', () => {
  const BAD = readFileSync(new URL('bad.yml', import.meta.url), 'utf8')

  it('with line, column and what to write instead', async () => {
    const text = problems(BAD).map((problem) => `bad.yml:${problem}\n`)
    await expect(text.join('')).toMatchFileSnapshot('../golden/bad-policy.txt')
    // Each line of the file that has a problem says how many.
    const told = BAD.split('\n').map((line) => Number(/# (\d+) wrong$/.exec(line)?.[1] ?? 0))
    const counts = told.map((_, index) => text.filter((line) => line.startsWith(`bad.yml:${index + 1}:`)).length)
    expect(counts).toEqual(told)
    expect(text.length).toBeGreaterThan(20)
  })

  it('also where a word stands for what is to be done about a rule', () => {
    expect(problems('rules: { kms-key-in-use: enforce }')).toEqual([
      '1:26: "enforce" stands here: write what differs for the rule, such as { mode: report }, as a mapping with mode, severity',
    ])
  })

  it('and once, however often the parser comes to it', () => {
    expect(problems('{{{{')).toEqual([
      expect.stringContaining('must be sufficiently indented'),
      expect.stringContaining('must end with a }'),
    ])
  })

  it('and nothing of the file holds', () => {
    expect(read(`${FULL}\nrulez: {}\n`).ok).toBe(false)
  })
})

describe('what is no policy file is refused in a sentence', () => {
  it.each([
    ['not YAML', 'a: [', /^1:5: this is not YAML: /],
    ['two documents', '---\n{}\n---\n{}\n', /^3:1: this is not YAML: /],
    ['a list', '- a', /^1:1: a list stands here: write the policy of Keytrail, as a mapping/],
    ['a word', 'null', /^1:1: nothing stands here/],
    ['an alias of nothing', 'rules: *all', /^1:8: there is no anchor &all before this$/],
    ['a key that is a list', '? [a]\n: b', /^1:3: a list is unknown here/],
    ['a merge key', '<<: { rules: {} }', /^1:1: "<<" is unknown here/],
    ['a key that every object has', 'constructor: {}', /^1:1: "constructor" is unknown here/],
    ['another one', '__proto__: {}', /^1:1: "__proto__" is unknown here/],
    ['an unknown tag', 'rules: !secret {}', /^1:8: /],
  ])('%s', (_, text, words) => {
    expect(problems(text)).toEqual([expect.stringMatching(words)])
  })

  it('bytes that are no text', () => {
    expect(problems(Uint8Array.of(0x72, 0xff))).toEqual(['1:1: the file is not UTF-8 text'])
  })

  it('a long one: 256 KiB may be, and no byte more', () => {
    const long = `#${'x'.repeat(POLICY_BYTES_MAX - 1)}`
    expect(problems(long)).toEqual([])
    expect(problems(`${long}x`)).toEqual([`1:1: the file has ${POLICY_BYTES_MAX + 1} bytes: ${POLICY_BYTES_MAX} at most`])
  })
})

function aliases(each: string): string {
  const entries = Array(900).fill(`{ bucket: a, algorithms: [${each}, ${each}], keyArns: [${each}] }`)
  return `expectations: { buckets: { algorithms: [&a AES256], overrides: [${entries.join(', ')}] } }`
}

describe('what grows without end', () => {
  it.each([
    ['lists in lists', '['.repeat(5_000)],
    ['mappings in mappings', '{a: '.repeat(2_000)],
    ['quotes', '"'.repeat(5_000)],
    ['unknown keys', Array.from({ length: 1_000 }, (_, index) => `k${index}: 1\n`).join('')],
  ])('is refused, with so many problems and the number of the others: %s', (_, text) => {
    const outcome = read(text)
    if (outcome.ok) throw new Error('it was taken')
    expect(outcome.problems.length).toBeLessThanOrEqual(PROBLEMS_MAX)
    expect(outcome.problems.length + outcome.unlisted).toBeGreaterThan(0)
  })

  it('is refused where aliases multiply it', () => {
    const overrides = `[${Array.from({ length: 900 }, () => '*o').join(',')}]`
    const keys = Array.from({ length: 900 }, () => 'arn:aws:kms:eu-central-1:111122223333:key/a').join(', ')
    const text = `expectations: { buckets: { keyArns: &k [${keys}], overrides: [&o { bucket: a, keyArns: *k }, ${overrides.slice(1)} } }`
    expect(problems(text).at(-1)).toContain('more than 20000 values')
  })

  // A walk of the document for each of them would take minutes.
  it('is read where there are thousands of aliases, whatever they mean', () => {
    expect(problems(aliases('*a')).filter((problem) => !problem.includes('write the ARN of a KMS key'))).toEqual([])
    expect(problems(aliases('*b')).filter((problem) => !problem.includes('there is no anchor &b before this'))).toEqual([])
  })

  it('means by an anchor that is set twice the last one before', () => {
    const { policy } = accepted('expectations: { unusedDays: &a 1, failureBurst: *a, rotationPeriodDays: { min: &a 100, max: *a } }')
    expect([policy.expectations.failureBurst, policy.expectations.rotationPeriodDays]).toEqual([1, { min: 100, max: 100 }])
  })

  it('is refused where an alias names what it stands in', () => {
    expect(problems('rules: &r { kms-key-in-use: *r }')).toEqual([expect.stringContaining('"kms-key-in-use" is unknown here')])
  })

  it('is cut where it is quoted', () => {
    const [only = ''] = problems(`${'x'.repeat(500)}: 1`)
    expect(only.length).toBeLessThan(250)
    expect(only).toContain('xxx…"')
  })
})
