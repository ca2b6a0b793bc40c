import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { flawOfFinding } from '../../local/security-hub/asff.ts'
import { asffFinding } from '../../shared/findings/asff.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { accessEvent, findingEvent, findingsJson } from '../../shared/findings/finding-event.ts'
import { criticalMail, digestMail } from '../../shared/findings/mail.ts'
import { missingAccess } from '../../shared/findings/missing-access.ts'
import type { News } from '../../shared/findings/news.ts'
import { ocsfLines } from '../../shared/findings/ocsf.ts'
import { ruleOf } from '../../shared/findings/shown-rule.ts'
import { isJsonObject } from '../../shared/json.ts'
import { ACCOUNT, finding, HUB, key, later, NOW, RULES, STATUSES } from './findings-ground.ts'

const GOLDEN = path.resolve(import.meta.dirname, '../golden/findings')

function news(one: Finding, changes: Partial<News> = {}): News {
  const transitions = [{ from: null, to: one.status, at: one.since, reason: one.reason }]
  return { finding: one, rule: ruleOf(RULES, one), transitions, earlier: 0, isRepetition: false, ...changes }
}

const UNREAD = { status: 'unknown', severity: 'low', ruleId: 'kms-key-c', firstFailedAt: null, lastFailedAt: null } as const
const DENIED = { ...UNREAD, denied: ['kms:GetKeyRotationStatus'], reason: 'kms:GetKeyRotationStatus is denied' }
const FINDINGS: readonly Finding[] = [
  finding({ ruleId: 'kms-key-a', severity: 'critical', resource: key('critical') }),
  finding({ resource: key('failing') }),
  finding({
    resource: key('elsewhere', { accountId: '444455556666', region: 'eu-west-1' }),
    evidence: { facts: '{}', eventId: null, policyDigest: 'cd'.repeat(32) },
  }),
  finding({ status: 'passing', resource: key('passing'), version: 2, reason: 'it is as the rule wants it' }),
  finding({ status: 'gone', resource: key('gone'), version: 3, reason: 'the resource is gone' }),
  finding({
    status: 'exempt',
    resource: key('exempt'),
    reason: 'automatic rotation is off; exempt until 2026-11-01, approved by Ada: a migration',
  }),
  finding({ ...UNREAD, resource: key('unread'), reason: 'kms:GetKeyRotationStatus failed (ThrottlingException)' }),
  finding({
    ...UNREAD,
    resource: key('unclear'),
    isUnclear: true,
    reason: 'kms:GetKeyPolicy does not tell (PolicyNotUnderstood)',
  }),
  ...['d1', 'd2', 'd3', 'd4', 'd5'].map((name) => finding({ ...DENIED, resource: key(name) })),
  finding({ ruleId: 'retired-rule', resource: key('retired') }),
]
const ACCESS = missingAccess(FINDINGS).map((each) => ({ ...each, isRepetition: false }))

const digest = (findings: readonly Finding[] = FINDINGS) =>
  digestMail({ news: findings.map((one) => news(one)), access: ACCESS, hubAccountId: ACCOUNT }) ?? { subject: '', body: '' }

const FORMS: readonly (readonly [file: string, text: (findings: readonly Finding[]) => string])[] = [
  ['findings.json', (findings) => findingsJson(findings)],
  ['findings.ocsf.jsonl', (findings) => ocsfLines(findings, RULES)],
  [
    'findings.asff.json',
    (findings) => {
      const sorted = findings.toSorted((one, other) => (one.id < other.id ? -1 : 1))
      return `${JSON.stringify(
        sorted.map((one) => asffFinding(one, ruleOf(RULES, one), { hub: HUB, updatedAt: NOW })),
        null,
        2,
      )}\n`
    },
  ],
  [
    'events.jsonl',
    (findings) => {
      const sorted = findings.toSorted((one, other) => (one.id < other.id ? -1 : 1))
      return [...sorted.map((one) => findingEvent(news(one), NOW)), ...ACCESS.map((each) => accessEvent(each, NOW))]
        .map((event) => `${JSON.stringify(event)}\n`)
        .join('')
    },
  ],
  ['digest.txt', (findings) => `${digest(findings).subject}\n\n${digest(findings).body}`],
  [
    'critical.txt',
    ([critical]) => {
      const mail = criticalMail(news(critical ?? finding(), { isRepetition: true, earlier: 2 }), ACCOUNT)
      return `${mail.subject}\n\n${mail.body}`
    },
  ],
]

describe('findings in every form', () => {
  // Written anew by KEYTRAIL_GOLDEN=write; to be read before they are kept.
  it.each(FORMS)('give the same bytes as ever: %s', (file, text) => {
    const name = path.join(GOLDEN, file)
    if (process.env['KEYTRAIL_GOLDEN'] === 'write') writeFileSync(name, text(FINDINGS))
    expect(text(FINDINGS)).toBe(readFileSync(name, 'utf8'))
  })

  it.each(FORMS.slice(0, 5))('do not depend on the order in which they come: %s', (_, text) => {
    expect(text(FINDINGS.toReversed())).toBe(text(FINDINGS))
  })
})

const asffOf = (one: Finding, updatedAt: number = NOW) => asffFinding(one, ruleOf(RULES, one), { hub: HUB, updatedAt })

describe('ASFF', () => {
  it.each(FINDINGS)('is what Security Hub takes: $status of $resource.arn', (one) => {
    expect(flawOfFinding(asffOf(one))).toBeNull()
    expect(asffOf(one)).not.toHaveProperty('Workflow')
  })

  it.each([
    ['failing', 'FAILED', 'ACTIVE'],
    ['passing', 'PASSED', 'ACTIVE'],
    ['unknown', 'NOT_AVAILABLE', 'ACTIVE'],
    ['exempt', 'WARNING', 'ACTIVE'],
    ['gone', 'NOT_AVAILABLE', 'ARCHIVED'],
  ] as const)('says %s as %s and %s', (status, compliance, state) => {
    expect(asffOf(finding({ status }))).toMatchObject({ Compliance: { Status: compliance }, RecordState: state })
  })

  it('keeps when a finding was first seen, however often it is seen again', () => {
    const [once, again] = [asffOf(finding()), asffOf(finding({ judgedAt: later(5000), lastFailedAt: later(5000) }), later(5000))]
    expect([once.CreatedAt, again.CreatedAt]).toEqual(['2026-10-19T06:00:00.000Z', '2026-10-19T06:00:00.000Z'])
    expect([once.FirstObservedAt, again.FirstObservedAt]).toEqual(['2026-10-19T06:00:00.000Z', '2026-10-19T06:00:00.000Z'])
    expect([once.LastObservedAt, again.LastObservedAt]).toEqual(['2026-10-20T06:00:00.000Z', '2026-10-20T07:23:20.000Z'])
    expect(again.UpdatedAt > once.UpdatedAt).toBe(true)
  })

  it.each([
    ['kms_key', 'AwsKmsKey'],
    ['s3_bucket', 'AwsS3Bucket'],
    ['cloudtrail_trail', 'AwsCloudTrailTrail'],
    ['keytrail_stack', 'Other'],
  ] as const)('names the type of a %s', (kind, type) => {
    expect(asffOf(finding({ resource: key('a', { kind }) })).Resources[0]).toMatchObject({ Type: type })
  })

  it('stays in the partition of the resource', () => {
    expect(asffOf(finding({ resource: key('a', { arn: 'arn:aws-cn:s3:::b' }) })).ProductArn).toMatch(/^arn:aws-cn:securityhub:/)
  })
})

describe('OCSF', () => {
  it('tells every status by check, state and activity', () => {
    const said = STATUSES.map((status) => {
      const event: unknown = JSON.parse(ocsfLines([finding({ status, version: 2 })], RULES))
      return [at(event, 'compliance.status'), at(event, 'status'), at(event, 'activity_name')].join(' ')
    })
    expect(said).toEqual([
      'Fail New Update',
      'Pass Resolved Close',
      'Warning New Update',
      'Fail Suppressed Update',
      'Unknown Archived Close',
    ])
  })
})

function at(value: unknown, name: string): unknown {
  return name.split('.').reduce<unknown>((object, part) => (isJsonObject(object) ? object[part] : undefined), value)
}

describe('mail', () => {
  it('is not sent where there is nothing to tell', () => {
    const denied = FINDINGS.filter(({ denied: actions }) => actions.length > 0)
    expect(digestMail({ news: [], access: [], hubAccountId: ACCOUNT })).toBeNull()
    expect(digestMail({ news: denied.map((one) => news(one)), access: [], hubAccountId: ACCOUNT })).toBeNull()
  })

  it('says how many it leaves out, and keeps within what SNS takes', () => {
    const many = Array.from({ length: 3000 }, (_, index) => finding({ resource: key(`k${index}`), reason: '猫'.repeat(300) }))
    const { body } = digest([...many, ...many.map((one) => ({ ...one, status: 'passing' as const }))])
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(262_144)
    const shown = body.match(/^ {2}Finding: /gm)?.length ?? 0
    expect(shown).toBeGreaterThan(100)
    expect(body).toContain(`and ${3000 - shown} more of 3000 failing: npm run -s keytrail -- audit shows them all`)
    expect(body).toMatch(/and 29\d\d more of 3000 in order again/)
  })

  it('tells the changes that led to the last one', () => {
    const transitions = [
      { from: null, to: 'failing', at: NOW, reason: '' },
      { from: 'failing', to: 'passing', at: later(60), reason: '' },
      { from: 'passing', to: 'failing', at: later(120), reason: '' },
    ] as const
    const { body } = criticalMail(news(finding(), { transitions, earlier: 7 }), ACCOUNT)
    expect(body).toContain('7 earlier changes')
    expect(body).toContain('2026-10-20 06:00:00 UTC from nothing known to failing')
    expect(body).toContain('2026-10-20 06:02:00 UTC from passing to failing')
  })
})
