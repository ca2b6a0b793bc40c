import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import type { Findings } from './findings.ts'

/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html */
const PAGE_MAX = 100
const ATTRIBUTES_MAX = 10
const VALUES_MAX = 20

/** What can be filtered and sorted by. */
const ATTRIBUTES: Readonly<Record<string, (finding: JsonObject) => readonly string[]>> = {
  AwsAccountId: at('AwsAccountId'),
  ComplianceStatus: at('Compliance', 'Status'),
  GeneratorId: at('GeneratorId'),
  Id: at('Id'),
  ProductArn: at('ProductArn'),
  RecordState: at('RecordState'),
  ResourceId: at('Resources', 'Id'),
  ResourceType: at('Resources', 'Type'),
  SeverityLabel: at('Severity', 'Label'),
  Title: at('Title'),
  WorkflowStatus: at('Workflow', 'Status'),
}
const SORTED_BY: typeof ATTRIBUTES = { ...ATTRIBUTES, CreatedAt: at('CreatedAt'), UpdatedAt: at('UpdatedAt') }

/** Those that begin with NOT must hold for all filter values, one of the others for one. */
const COMPARISONS: Readonly<Record<string, (found: string, value: string) => boolean>> = {
  EQUALS: (found, value) => found === value,
  PREFIX: (found, value) => found.startsWith(value),
  CONTAINS: (found, value) => found.includes(value),
  NOT_EQUALS: (found, value) => found !== value,
  PREFIX_NOT_EQUALS: (found, value) => !found.startsWith(value),
  NOT_CONTAINS: (found, value) => !found.includes(value),
}

type Test = (finding: JsonObject) => boolean
type Order = { readonly read: (finding: JsonObject) => readonly string[]; readonly sign: 1 | -1 }

export function getFindings(findings: Findings, { input, region }: ServiceCall): Outcome {
  const test = testIn(input)
  if ('code' in test) return test
  const orders = ordersIn(input)
  if ('code' in orders) return orders
  const limit = memberOf(input, 'MaxResults') ?? PAGE_MAX
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX)
    return invalid(`MaxResults must be 1 to ${PAGE_MAX}.`)
  const token = memberOf(input, 'NextToken')
  const after = token === undefined ? null : placeIn(token, orders.length)
  if (after === 'none') return invalid('NextToken is not valid.')
  const found = findings
    .all(region)
    .filter(test.matches)
    .map((finding) => ({ finding, place: orders.map(({ read }) => read(finding)[0] ?? '') }))
    .filter(({ place }) => after === null || compared(place, after, orders) > 0)
    .toSorted((one, other) => compared(one.place, other.place, orders))
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    output: {
      Findings: page.map(({ finding }) => finding),
      ...(found.length > limit && last !== undefined && { NextToken: Buffer.from(JSON.stringify(last.place)).toString('base64url') }),
    },
  }
}

function testIn(input: JsonObject): { readonly matches: Test } | Refusal {
  const filters = memberOf(input, 'Filters') ?? {}
  if (!isJsonObject(filters)) return invalid('Filters is no object.')
  const entries = Object.entries(filters)
  if (entries.length > ATTRIBUTES_MAX) return invalid(`Filters may name ${ATTRIBUTES_MAX} attributes at most.`)
  const tests: Test[] = []
  for (const [attribute, values] of entries) {
    const read = Object.hasOwn(ATTRIBUTES, attribute) ? ATTRIBUTES[attribute] : undefined
    if (read === undefined) return invalid(`The local cloud does not have the filter ${attribute}.`)
    if (!Array.isArray(values) || values.length > VALUES_MAX) return invalid(`${attribute} takes ${VALUES_MAX} filter values at most.`)
    const alternatives: Test[] = []
    for (const each of values) {
      const [value, name] = isJsonObject(each) ? [memberOf(each, 'Value'), textOf(each, 'Comparison') ?? ''] : [undefined, '']
      const compare = Object.hasOwn(COMPARISONS, name) ? COMPARISONS[name] : undefined
      if (typeof value !== 'string' || compare === undefined) return invalid(`${attribute} has a filter without value or comparison.`)
      if (name.includes('NOT')) tests.push((finding) => read(finding).every((found) => compare(found, value)))
      else alternatives.push((finding) => read(finding).some((found) => compare(found, value)))
    }
    if (alternatives.length > 0) tests.push((finding) => alternatives.some((matches) => matches(finding)))
  }
  return { matches: (finding) => tests.every((matches) => matches(finding)) }
}

/** The last one tells findings apart that are equal in all others. */
function ordersIn(input: JsonObject): readonly Order[] | Refusal {
  const criteria = memberOf(input, 'SortCriteria') ?? []
  if (!Array.isArray(criteria) || criteria.length > ATTRIBUTES_MAX) return invalid('SortCriteria is no list of criteria.')
  const orders: Order[] = []
  for (const criterion of criteria) {
    const field = isJsonObject(criterion) ? (textOf(criterion, 'Field') ?? '') : ''
    const read = Object.hasOwn(SORTED_BY, field) ? SORTED_BY[field] : undefined
    if (read === undefined || !isJsonObject(criterion)) return invalid(`The local cloud sorts by ${Object.keys(SORTED_BY).join(', ')}.`)
    orders.push({ read, sign: memberOf(criterion, 'SortOrder') === 'desc' ? -1 : 1 })
  }
  return [...orders, { read: at('ProductArn'), sign: 1 }, { read: at('Id'), sign: 1 }]
}

function compared(one: readonly string[], other: readonly string[], orders: readonly Order[]): number {
  for (const [index, { sign }] of orders.entries()) {
    const [left = '', right = ''] = [one[index], other[index]]
    if (left !== right) return left < right ? -sign : sign
  }
  return 0
}

function placeIn(token: unknown, length: number): readonly string[] | 'none' {
  if (typeof token !== 'string') return 'none'
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    return Array.isArray(place) && place.length === length && place.every((part) => typeof part === 'string') ? place : 'none'
  } catch {
    return 'none'
  }
}

/** The texts at a member, or at a member of each object in it. */
function at(name: string, inner?: string): (finding: JsonObject) => readonly string[] {
  return (finding) => {
    const value = memberOf(finding, name)
    const values = Array.isArray(value) ? value : [value]
    const found = inner === undefined ? values : values.filter(isJsonObject).map((each) => memberOf(each, inner))
    return found.filter((each) => typeof each === 'string')
  }
}

function invalid(message: string): Refusal {
  return refusal('InvalidInputException', message)
}
