import { describe, expect, it } from 'vitest'
import { exitCode } from '../../cli/commands/audit.ts'
import { sweep, type Swept } from '../../cli/commands/audit-sweep.ts'
import { auditJson } from '../../cli/output/audit-json.ts'
import { auditTable } from '../../cli/output/audit-table.ts'
import { findingsAsff } from '../../cli/output/findings-asff.ts'
import { shown } from '../../cli/output/shown.ts'
import { ocsfLines } from '../../shared/findings/ocsf.ts'
import { observed, type Unread, unread } from '../../shared/observed.ts'
import { defaultPolicy, type Policy } from '../../shared/policy-file/policy-file.ts'
import type { FactReader } from '../../shared/rules/audit.ts'
import type { ResourceKind } from '../../shared/rules/facts.ts'
import { type AnyFacts, defineRule, type Resource, type Severity } from '../../shared/rules/rule.ts'
import { fail, notApplicable, pass } from '../../shared/rules/verdict.ts'
import { type EpochS, parseEventTime } from '../../shared/time.ts'

const ACCOUNT = '111122223333'
const CALLER = { accountId: ACCOUNT, region: 'eu-central-1', partition: 'aws' }
const NOW = parseEventTime('2026-10-20T06:00:00Z') ?? (0 as EpochS)
/** Clears the screen, sets the title of the window, turns the writing direction. */
const HOSTILE = '\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\r\n<script>|=cmd()'

const RULES = [
  defineRule({
    id: 'kms-key-rotates',
    title: 'Key rotates',
    severity: 'medium',
    resource: 'kms_key',
    controls: ['CIS-5.0.0:3.6'],
    source: 'https://example.com/rotation',
    watches: [],
    advice: 'Turn on rotation.',
    scope: { facts: ['manager'], outOfScope: [], exclude: ({ manager }) => (manager === 'AWS' ? 'AWS manages it' : null) },
    facts: ['rotation'],
    evaluate: ({ rotation }) => (rotation.isEnabled ? pass : fail('rotation is off')),
  }),
  defineRule({
    id: 'kms-key-has-no-alias',
    title: 'Key has no alias',
    severity: 'critical',
    resource: 'kms_key',
    controls: [],
    source: 'https://example.com/alias',
    watches: [],
    advice: 'Take the alias away.',
    scope: { facts: [], outOfScope: [], exclude: () => null },
    facts: ['aliases'],
    evaluate: ({ aliases }) => (aliases.length === 0 ? pass : fail(`it has ${aliases.join(', ')}`)),
  }),
  defineRule({
    id: 's3-bucket-is-here',
    title: 'Bucket is here',
    severity: 'low',
    resource: 's3_bucket',
    controls: [],
    source: 'https://example.com/bucket',
    watches: [],
    advice: 'Move the bucket.',
    scope: { facts: [], outOfScope: [], exclude: () => null },
    facts: ['region'],
    evaluate: ({ region }) =>
      region === 'nowhere' ? notApplicable('it is nowhere') : region === 'here' ? pass : fail(`it is in ${region}`),
  }),
]

type Account = {
  readonly facts: Readonly<Record<string, AnyFacts | 'gone' | 'unready' | Error>>
  readonly unlisted?: Partial<Record<ResourceKind, Unread>>
}

const key = (name: string): string => `arn:aws:kms:eu-central-1:${ACCOUNT}:key/${name}`
const bucket = (name: string): string => `arn:aws:s3:::${name}`
const rotation = (isEnabled: boolean): AnyFacts[string] => observed({ isEnabled, periodDays: 365, nextAt: null })
const ordinary: AnyFacts = { manager: observed('CUSTOMER'), rotation: rotation(true), aliases: observed([]) }
const denied = (action: string): Unread => unread(action, 'denied', 'AccessDeniedException')

const MIXED: Account = {
  facts: {
    [key('ordinary')]: ordinary,
    [key('unrotated')]: { ...ordinary, rotation: rotation(false) },
    [key('excused')]: { ...ordinary, rotation: rotation(false) },
    [key('managed')]: { ...ordinary, manager: observed('AWS'), rotation: denied('kms:GetKeyRotationStatus') },
    [key('hidden')]: { ...ordinary, rotation: denied('kms:GetKeyRotationStatus') },
    [key('hidden-too')]: {
      ...ordinary,
      rotation: denied('kms:GetKeyRotationStatus'),
      aliases: unread('kms:ListAliases', 'failed', 'InternalError'),
    },
    [key('named')]: { ...ordinary, aliases: observed([`alias/${HOSTILE}`]) },
    [key('gone')]: 'gone',
    [key('coming')]: 'unready',
    [bucket(HOSTILE)]: { region: observed(HOSTILE) },
    [bucket('nowhere')]: { region: observed('nowhere') },
  },
  unlisted: { s3_bucket: denied('s3:ListAllMyBuckets') },
}

const POLICY: Policy = {
  ...defaultPolicy(),
  exemptions: [
    {
      ruleId: 'kms-key-rotates',
      resource: '*:key/excused',
      reason: `soon gone ${HOSTILE}`,
      approver: 'security',
      until: (NOW + 1) as EpochS,
    },
    { ruleId: 'kms-key-rotates', resource: '*:key/unrotated', reason: 'ended', approver: 'security', until: NOW },
    { ruleId: 'kms-key-rotates', resource: '*:key/unknown', reason: 'a typing error', approver: 'security', until: (NOW + 1) as EpochS },
    // Buckets could not be listed: nobody knows whether these are there.
    { ruleId: 's3-bucket-is-here', resource: '*:::other', reason: 'why', approver: 'security', until: (NOW + 1) as EpochS },
  ],
}

async function swept(
  { facts, unlisted = {} }: Account,
  policy = defaultPolicy(),
  order: 'as it is' | 'reversed' = 'as it is',
): Promise<Swept> {
  const resources = Object.keys(facts).map((arn): Resource => ({
    kind: arn.startsWith('arn:aws:s3') ? 's3_bucket' : 'kms_key',
    arn,
    accountId: ACCOUNT,
    region: CALLER.region,
  }))
  const listed = order === 'reversed' ? resources.toReversed() : resources
  const reader: FactReader =
    ({ arn }) =>
    (names) => {
      const known = facts[arn] ?? 'gone'
      if (known instanceof Error) return Promise.reject(known)
      return Promise.resolve(typeof known === 'string' ? known : Object.fromEntries(names.map((name) => [name, known[name]])))
    }
  return sweep({
    rules: order === 'reversed' ? RULES.toReversed() : RULES,
    policy,
    now: NOW,
    reader,
    async *list(kind) {
      for (const resource of listed) if (resource.kind === kind) yield await Promise.resolve({ resources: [resource], unread: null })
      yield { resources: [], unread: unlisted[kind] ?? null }
    },
    onDone: () => undefined,
  })
}

describe('an audit', () => {
  it('is told to a person', async () => {
    const text = auditTable({ swept: await swept(MIXED, POLICY), caller: CALLER, policy: POLICY }, RULES, { isColored: false })
    await expect(text).toMatchFileSnapshot('../golden/audit.txt')
  })

  it('is told to programs', async () => {
    const text = auditJson({ swept: await swept(MIXED, POLICY), caller: CALLER, policy: POLICY })
    await expect(text).toMatchFileSnapshot('../golden/audit.json')
  })

  it('is the same whatever the order of what was read', async () => {
    const [one, other] = [await swept(MIXED, POLICY), await swept(MIXED, POLICY, 'reversed')]
    expect(auditJson({ swept: other, caller: CALLER, policy: POLICY })).toBe(auditJson({ swept: one, caller: CALLER, policy: POLICY }))
    expect(ocsfLines(other.findings, RULES)).toBe(ocsfLines(one.findings, RULES))
  })

  it('of an empty account says that there was nothing to judge', async () => {
    const nothing = await swept({ facts: {} })
    expect(auditTable({ swept: nothing, caller: CALLER, policy: POLICY }, RULES, { isColored: false })).toBe(
      'Account 111122223333, Region eu-central-1: there was nothing to judge.\n0 failing, 0 unknown, 0 exempt, 0 passing, 0 not applicable.\n',
    )
    expect(exitCode(nothing, 'low')).toBe(0)
  })

  it('judges on where the program fails on one resource', async () => {
    const broken = await swept({ facts: { ...MIXED.facts, [key('breaks')]: new Error('broken') } })
    expect(broken.faults.map(({ resource }) => resource.arn)).toEqual([key('breaks')])
    expect(broken.findings).toEqual((await swept(MIXED)).findings)
    expect(exitCode(broken, 'low')).toBe(70)
  })

  it('names a few of many resources, and counts the others', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [key(`k${index}`), { ...ordinary, rotation: rotation(false) }]),
    )
    const text = auditTable({ swept: await swept({ facts: many }), caller: CALLER, policy: POLICY }, RULES, { isColored: false })
    expect(text).toContain('and 10 more; --format json lists all')
    expect(text.match(/rotation is off/g)).toHaveLength(20)
  })
})

describe('what strangers named', () => {
  it('does nothing, wherever it is shown', async () => {
    const audited = { swept: await swept(MIXED, POLICY), caller: CALLER, policy: POLICY }
    const table = auditTable(audited, RULES, { isColored: false })
    const texts = [table, auditJson(audited), findingsAsff(audited, RULES, NOW), ocsfLines(audited.swept.findings, RULES)]
    // Line ends are those of the table and the JSON; nothing else acts.
    expect(texts.filter((text) => shown(text.replaceAll('\n', '')) !== text.replaceAll('\n', ''))).toEqual([])
    expect(texts.filter((text) => !text.includes('owned'))).toEqual([])
    // A line break within a name makes no line of its own.
    expect(table.split('\n').filter((line) => line.startsWith('<script>'))).toEqual([])
  })
})

describe('the exit code', () => {
  const failing = (severity: Severity): Promise<Swept> => {
    const rule = { 'kms-key-rotates': 'medium', 'kms-key-has-no-alias': 'critical' } as const
    const facts = severity === rule['kms-key-rotates'] ? { rotation: rotation(false) } : { aliases: observed(['alias/a']) }
    return swept({ facts: { [key('a')]: { ...ordinary, ...facts } } })
  }

  it.each([
    ['medium', 'low', 1],
    ['medium', 'medium', 1],
    ['medium', 'high', 0],
    ['medium', 'critical', 0],
    ['critical', 'critical', 1],
    ['critical', 'low', 1],
  ] as const)('of a %s failure under --fail-on %s is %i', async (severity, failOn, code) => {
    expect(exitCode(await failing(severity), failOn)).toBe(code)
  })

  it.each([
    ['a denied fact', { facts: { [key('a')]: { ...ordinary, rotation: denied('kms:GetKeyRotationStatus') } } }],
    ['a resource that is being made', { facts: { [key('a')]: 'unready' as const } }],
    ['a kind that cannot be listed', { facts: {}, unlisted: { kms_key: denied('kms:ListKeys') } }],
    ['the same beside a failure', { facts: { [key('a')]: { ...ordinary, aliases: observed(['alias/a']), rotation: denied('kms:x') } } }],
  ])('is 3 for %s', async (_, account) => {
    expect(exitCode(await swept(account), 'low')).toBe(3)
  })

  it('is 0 for what is exempt, gone or out of scope', async () => {
    const facts = { [key('excused')]: { ...ordinary, rotation: rotation(false) }, [key('gone')]: 'gone' as const }
    expect(exitCode(await swept({ facts }, POLICY), 'low')).toBe(0)
  })
})
