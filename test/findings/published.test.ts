import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { asffFinding } from '../../shared/findings/asff.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { ocsfLines } from '../../shared/findings/ocsf.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { KIND_NAMES, ruleOf } from '../../shared/findings/shown-rule.ts'
import { SEVERITIES } from '../../shared/rules/rule.ts'
import { SECURITY_FINDING } from './asff-schema.ts'
import { finding, HUB, key, NOW, RULES, STATUSES } from './findings-ground.ts'
import { HOSTILE, hostileFinding } from './hostile-texts.ts'
import { COMPLIANCE_FINDING, RECOMMENDED } from './ocsf-schema.ts'
import { differences } from './schemas.ts'

const GOLDEN = path.resolve(import.meta.dirname, '../golden/findings')
const ocsfDifferences = differences(COMPLIANCE_FINDING)
const asffDifferences = differences(SECURITY_FINDING)

const typedKeys = <Name extends string>(names: Readonly<Record<Name, unknown>>): readonly Name[] => Object.keys(names) as Name[]

/** Each rule there is in each status, of each kind and severity; first versions and later ones. */
const FINDINGS: readonly Finding[] = [
  ...ALL_RULES.flatMap(({ id }) => STATUSES.map((status) => finding({ ruleId: id, status, resource: key(`${id}-${status}`) }))),
  ...typedKeys(KIND_NAMES).map((kind) => finding({ resource: key(kind, { kind }) })),
  ...SEVERITIES.map((severity) => finding({ severity, version: 2, resource: key(severity) })),
  finding({ ruleId: 'retired-rule', firstFailedAt: null, lastFailedAt: null, evidence: { facts: '{}', eventId: null, policyDigest: '' } }),
  ...HOSTILE.map(([, text]) => hostileFinding(text)),
]

const linesOf = (text: string): readonly unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
const asffOf = (one: Finding): unknown =>
  // As it goes over the wire.
  JSON.parse(JSON.stringify(asffFinding(one, ruleOf(ALL_RULES, one), { hub: HUB, updatedAt: NOW })))

describe('OCSF is what is published', () => {
  it('in the golden lines', () => {
    const golden = linesOf(readFileSync(path.join(GOLDEN, 'findings.ocsf.jsonl'), 'utf8'))
    expect(golden.length).toBeGreaterThan(10)
    expect(golden.flatMap(ocsfDifferences)).toEqual([])
  })

  it('for every rule, status, kind and severity, and for what strangers named', () => {
    const events = linesOf(ocsfLines(FINDINGS, ALL_RULES))
    expect(events).toHaveLength(FINDINGS.length)
    expect(events.flatMap(ocsfDifferences)).toEqual([])
  })

  it('with what is recommended, where Keytrail knows it', () => {
    const [event] = linesOf(ocsfLines([finding()], RULES))
    expect(RECOMMENDED.filter((pointer) => at(event, pointer) === undefined)).toEqual([])
  })

  it.each<readonly [title: string, change: (event: Wrong) => void, difference: string]>([
    ['a member is missing', ({ finding_info: info }) => delete info['uid'], "/finding_info must have required property 'uid'"],
    ['a member is unknown', (event) => Object.assign(event, { score: 1 }), ' must NOT have additional properties'],
    [
      'a number does not fit its word',
      ({ compliance }) => Object.assign(compliance, { status_id: 1 }),
      '/compliance must match exactly one schema in oneOf',
    ],
    [
      'seconds stand for milliseconds',
      (event) => Object.assign(event, { time: 1_792_476_000 }),
      `/time must be >= ${Date.parse('2020-01-01')}`,
    ],
    ['the type is of another activity', (event) => Object.assign(event, { type_uid: 200_303 }), ' must match exactly one schema in oneOf'],
  ])('and would be seen not to be: %s', (_, change, difference) => {
    const [event] = linesOf(ocsfLines([finding()], RULES))
    change(event as Wrong)
    expect(ocsfDifferences(event)).toContain(difference)
  })
})

type Wrong = { readonly finding_info: Record<string, unknown>; readonly compliance: Record<string, unknown> }

describe('ASFF is what is published', () => {
  it('in the golden list', () => {
    const golden = JSON.parse(readFileSync(path.join(GOLDEN, 'findings.asff.json'), 'utf8')) as readonly unknown[]
    expect(golden.length).toBeGreaterThan(10)
    expect(golden.flatMap(asffDifferences)).toEqual([])
  })

  it('for every rule, status, kind and severity, and for what strangers named', () => {
    expect(FINDINGS.map(asffOf).flatMap(asffDifferences)).toEqual([])
  })

  it('in other partitions', () => {
    for (const partition of ['aws-cn', 'aws-us-gov', 'aws-us-iso', 'aws-us-iso-b']) {
      const one = finding({ resource: key('a', { arn: `arn:${partition}:s3:::a-bucket` }) })
      expect(asffOf(one)).toMatchObject({
        ProductArn: expect.stringMatching(`^arn:${partition}:securityhub:`) as string,
        Resources: [{ Partition: partition }],
      })
      expect(asffDifferences(asffOf(one))).toEqual([])
    }
  })

  it('with no part of a name for a Region', () => {
    expect(asffOf(finding({ resource: key('a', { region: 'us-isof-south-1' }) }))).toMatchObject({
      Resources: [{ Region: 'us-isof-south-1' }],
    })
    expect(at(asffOf(finding({ resource: key('a', { region: 'r'.repeat(17) }) })), '/Resources/0')).not.toHaveProperty('Region')
  })

  it.each<readonly [title: string, change: object, difference: string]>([
    ['a long title', { Title: 'x'.repeat(257) }, '/Title must NOT have more than 256 characters'],
    ['no such status', { Compliance: { Status: 'EXEMPT' } }, '/Compliance/Status must be equal to one of the allowed values'],
    [
      'a local time',
      { UpdatedAt: '2026-10-20T08:00:00+02:00' },
      String.raw`/UpdatedAt must match pattern "^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"`,
    ],
    ['what is the customer’s', { Workflow: { Status: 'NEW' } }, ' must NOT have additional properties'],
  ])('and would be seen not to be: %s', (_, change, difference) => {
    expect(asffDifferences({ ...Object(asffOf(finding())), ...change })).toEqual([difference])
  })
})

function at(value: unknown, pointer: string): unknown {
  return pointer
    .slice(1)
    .split('/')
    .reduce<unknown>((object, name) => (typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined), value)
}
