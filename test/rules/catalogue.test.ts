import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CATALOGUE, type CataloguedEvent } from '../../shared/cloudtrail/catalogue.ts'
import { isJsonObject, memberOf } from '../../shared/json.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { CONTROLS } from '../../shared/rules/controls.ts'
import { FACT_ACTIONS, type ResourceKind } from '../../shared/rules/facts.ts'
import { type Rule, SEVERITIES } from '../../shared/rules/rule.ts'
import { pathOf } from './rule-cases.ts'

const RULES = new URL('../../shared/rules/', import.meta.url)
const EVENTS = new URL('../../events/', import.meta.url)
const KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\//

/** Where a record names what a rule is about: the resource itself, or the key that a bucket or trail stands on. */
const NAMES: Readonly<Record<ResourceKind, (record: unknown) => boolean>> = {
  kms_key: namesKey,
  s3_bucket: (record) => namesKey(record) || isText(at(record, 'requestParameters', 'bucketName')),
  cloudtrail_trail: (record) =>
    namesKey(record) || ['name', 'trailName', 'bucketName'].some((name) => isText(at(record, 'requestParameters', name))),
  aws_account: (record) => ['name', 'trailName'].some((name) => isText(at(record, 'requestParameters', name))),
  keytrail_stack: (record) =>
    ['name', 'rule', 'queueUrl', 'functionName'].some((name) => isText(at(record, 'requestParameters', name))) ||
    isText(at(record, 'responseElements', 'functionArn')),
}

const watched = ALL_RULES.flatMap((rule) => rule.watches.flatMap(({ source, names }) => names.map((name) => ({ rule, source, name }))))

describe('the rules', () => {
  it('have IDs of their own', () => {
    const ids = ALL_RULES.map(({ id }) => id)
    expect(ids.length).toBeGreaterThanOrEqual(14)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('are every rule that a file defines, each in the file of its ID', () => {
    const files = readdirSync(RULES, { recursive: true, encoding: 'utf8' }).filter((name) => /^[a-z0-9-]+\/[a-z0-9-]+\.ts$/.test(name))
    const defining = files.filter((name) => readFileSync(new URL(name, RULES), 'utf8').includes('defineRule({'))
    expect(defining.toSorted()).toEqual(ALL_RULES.map((rule) => `${pathOf(rule)}.ts`).toSorted())
    const misnamed = ALL_RULES.filter((rule) => !readFileSync(new URL(`${pathOf(rule)}.ts`, RULES), 'utf8').includes(`id: '${rule.id}'`))
    expect(misnamed.map(({ id }) => id)).toEqual([])
  })

  it('have cases in a file of the same name', () => {
    const missing = ALL_RULES.map((rule) => `${pathOf(rule)}.cases.ts`).filter((name) => !existsSync(new URL(name, import.meta.url)))
    expect(missing).toEqual([])
  })

  it('have no cases without a rule', () => {
    const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.cases.ts'))
    const known = ALL_RULES.map((rule) => `${pathOf(rule)}.cases.ts`)
    expect(files.filter((name) => !known.includes(name))).toEqual([])
  })
})

describe.each(ALL_RULES)('$id', (rule) => {
  it('says what it is, in words', () => {
    expect(SEVERITIES).toContain(rule.severity)
    expect(rule.title).toMatch(/^[A-Z][^.]{10,80}$/)
    expect(rule.advice).toMatch(/^[A-Z][\s\S]{20,300}\.$/)
    expect(rule.source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//)
    expect(rule.outOfScope.length).toBeGreaterThan(0)
    expect(rule.outOfScope.filter((reason) => reason.endsWith('.') || reason === '')).toEqual([])
  })

  it('names controls that exist, each once', () => {
    expect(rule.controls.filter((control) => !Object.hasOwn(CONTROLS, control))).toEqual([])
    expect(rule.controls).toEqual([...new Set(rule.controls)])
  })

  it('needs facts that can be read of its kind of resource', () => {
    expect(rule.facts.filter((fact) => !Object.hasOwn(FACT_ACTIONS[rule.kind], fact))).toEqual([])
    expect(rule.scopeFacts.filter((fact) => !rule.facts.includes(fact))).toEqual([])
  })

  it('watches each source and event once', () => {
    const sources = rule.watches.map(({ source }) => source)
    expect(sources).toEqual([...new Set(sources)])
    const repeated = rule.watches.map(({ names }) => names.length - new Set<string>(names).size)
    expect(repeated.filter((count) => count > 0)).toEqual([])
  })

  it('watches events, unless what it judges is counted', () => {
    expect(rule.watches.length > 0 || rule.facts.includes('countedUse')).toBe(true)
  })

  it('writes, where it puts things right, by actions of IAM', () => {
    expect(rule.remediation?.writes.filter((action) => !/^[a-z0-9]+:[A-Z][A-Za-z]+$/.test(action)) ?? []).toEqual([])
    expect(rule.remediation === null || (rule.remediation.writes.length > 0 && rule.remediation.summary !== '')).toBe(true)
  })
})

describe('a watched event', () => {
  it('is in the catalogue, and none that only reads', () => {
    expect(watched.length).toBeGreaterThan(30)
    expect(watched.filter(({ source, name }) => eventOf(source, name)?.readOnly !== false).map(told)).toEqual([])
  })

  it('has a sample that names what the rule is about', () => {
    const mute = watched.filter(({ rule, source, name }) => !NAMES[rule.kind](sampleOf(source, name)))
    expect(mute.map(told)).toEqual([])
  })

  it('has a sample of that source and name', () => {
    const other = watched.filter(({ source, name }) => {
      const sample = sampleOf(source, name)
      return at(sample, 'eventSource') !== source || at(sample, 'eventName') !== name
    })
    expect(other.map(told)).toEqual([])
  })

  it('may be a service event: rotation and deletion come as such', () => {
    const services = watched.filter(({ source, name }) => eventOf(source, name)?.kind === 'service-event').map(({ name }) => name)
    expect([...new Set(services)].toSorted()).toEqual(expect.arrayContaining(['DeleteExpiredKeyMaterial', 'DeleteKey', 'RotateKey']))
  })
})

describe('a control', () => {
  it.each(Object.entries(CONTROLS))('%s has a version, an item and a page', (id, { framework, version, item, source }) => {
    expect(id.endsWith(`:${item}`)).toBe(true)
    expect(`${framework} ${version}`).toMatch(/^\S.* \S/)
    expect(source).toMatch(/^https:\/\//)
  })

  it('is used by a rule', () => {
    const used = new Set<string>(ALL_RULES.flatMap(({ controls }) => controls))
    expect(Object.keys(CONTROLS).filter((control) => !used.has(control))).toEqual([])
  })
})

function told({ rule, source, name }: { readonly rule: Rule; readonly source: string; readonly name: string }): string {
  return `${rule.id}: ${source}/${name}`
}

function eventOf(source: string, name: string): CataloguedEvent | undefined {
  return Object.entries<Record<string, CataloguedEvent>>(CATALOGUE).find(([each]) => each === source)?.[1][name]
}

/** Null: there is none. */
function sampleOf(source: string, name: string): unknown {
  const file = new URL(`${source}/${name}.json`, EVENTS)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as unknown) : null
}

function namesKey(record: unknown): boolean {
  const resources = at(record, 'resources')
  return Array.isArray(resources) && resources.some((resource) => KEY_ARN.test(String(at(resource, 'ARN'))))
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((found, name) => (isJsonObject(found) ? memberOf(found, name) : undefined), value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
