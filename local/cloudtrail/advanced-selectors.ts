import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Parsed, parsed, refused } from '../../shared/parsed.ts'

const OPERATORS = ['Equals', 'StartsWith', 'EndsWith', 'NotEquals', 'NotStartsWith', 'NotEndsWith'] as const
type Operator = (typeof OPERATORS)[number]
export type FieldSelector = { readonly Field: string } & { readonly [Name in Operator]?: readonly string[] }
/** A record is logged if every field selector holds. */
export type AdvancedSelector = { readonly Name?: string; readonly FieldSelectors: readonly FieldSelector[] }

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html */
const CONDITIONS_MAX = 500
const NAME_LENGTH_MAX = 1000
const EXCLUDABLE_SOURCES = ['kms.amazonaws.com', 'rdsdata.amazonaws.com']
/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html */
const DATA_FIELDS = [
  'eventCategory',
  'readOnly',
  'eventSource',
  'eventName',
  'eventType',
  'resources.type',
  'resources.ARN',
  'userIdentity.arn',
  'sessionCredentialFromConsole',
]
const EQUALS_ONLY = ['eventCategory', 'readOnly', 'resources.type']

export function parseAdvancedSelectors(value: unknown): Parsed<readonly AdvancedSelector[]> {
  if (!Array.isArray(value) || value.length === 0) return refused('A trail takes at least one advanced event selector.')
  const selectors: AdvancedSelector[] = []
  for (const item of value) {
    const selector = isJsonObject(item) ? parseSelector(item) : refused('An advanced event selector must be an object.')
    if (!selector.ok) return selector
    selectors.push(selector.value)
  }
  const conditions = selectors
    .flatMap(({ FieldSelectors }) => FieldSelectors)
    .flatMap((field) => OPERATORS.flatMap((name) => field[name] ?? []))
  if (conditions.length > CONDITIONS_MAX)
    return refused(`The advanced event selectors of a trail take ${CONDITIONS_MAX} conditions at most.`)
  return parsed(selectors)
}

function parseSelector(item: JsonObject): Parsed<AdvancedSelector> {
  const name = textOf(item, 'Name')
  const list = memberOf(item, 'FieldSelectors')
  if (name !== null && name.length > NAME_LENGTH_MAX) return refused(`The name of a selector has ${NAME_LENGTH_MAX} characters at most.`)
  if (!Array.isArray(list) || list.length === 0) return refused('FieldSelectors must be a list of at least one field selector.')
  const fields: FieldSelector[] = []
  for (const entry of list) {
    const field = isJsonObject(entry) ? parseField(entry) : refused('A field selector must be an object.')
    if (!field.ok) return field
    fields.push(field.value)
  }
  const fault = faultOfSelector(fields)
  return fault === null ? parsed({ ...(name !== null && { Name: name }), FieldSelectors: fields }) : refused(fault)
}

function parseField(entry: JsonObject): Parsed<FieldSelector> {
  const name = textOf(entry, 'Field')
  if (name === null || !DATA_FIELDS.includes(name)) return refused(`Field must be one of ${DATA_FIELDS.join(', ')}.`)
  const operators: { [Name in Operator]?: readonly string[] } = {}
  for (const operator of OPERATORS) {
    const values: unknown = memberOf(entry, operator)
    if (values === undefined) continue
    if (!Array.isArray(values) || values.length === 0 || !values.every((value) => typeof value === 'string')) {
      return refused(`${operator} must be a list of texts.`)
    }
    if (EQUALS_ONLY.includes(name) && operator !== 'Equals') return refused(`${name} takes Equals only.`)
    operators[operator] = values
  }
  return Object.keys(operators).length > 0 ? parsed({ Field: name, ...operators }) : refused(`${name} has no operator.`)
}

/** Trails filter management events by readOnly and by leaving out two event sources; data events by more, with resources.type at least. */
function faultOfSelector(fields: readonly FieldSelector[]): string | null {
  const names = fields.map(({ Field }) => Field)
  if (new Set(names).size < names.length) return 'A field may be named once in a selector.'
  const category = fields.find(({ Field }) => Field === 'eventCategory')?.Equals ?? []
  const readOnly = fields.find(({ Field }) => Field === 'readOnly')?.Equals ?? ['true']
  if (readOnly.length !== 1 || !['true', 'false'].includes(readOnly[0] ?? '')) return 'readOnly must equal true or false.'
  if (category.length === 1 && category[0] === 'Data')
    return names.includes('resources.type') ? null : 'A selector of data events must name resources.type.'
  if (category.length !== 1 || category[0] !== 'Management') return 'eventCategory must equal Management or Data.'
  const stray = names.find((name) => !['eventCategory', 'readOnly', 'eventSource'].includes(name))
  if (stray !== undefined) return `A trail does not filter management events by ${stray}.`
  const source = fields.find(({ Field }) => Field === 'eventSource')
  const isExclusion = source === undefined || (Object.keys(source).length === 2 && isExcludable(source.NotEquals))
  return isExclusion ? null : `eventSource takes NotEquals only, of ${EXCLUDABLE_SOURCES.join(' and ')}.`
}

function isExcludable(sources: readonly string[] | undefined): boolean {
  return sources?.every((source) => EXCLUDABLE_SOURCES.includes(source)) === true
}

export function selectsByFields(selector: AdvancedSelector, record: JsonObject): boolean {
  return selector.FieldSelectors.every((field) => {
    const values = valuesOf(record, field.Field)
    return OPERATORS.every((operator) => {
      const texts = field[operator]
      return texts === undefined || holds(operator, values, texts)
    })
  })
}

function holds(operator: Operator, values: readonly string[], texts: readonly string[]): boolean {
  switch (operator) {
    case 'Equals':
      return values.some((value) => texts.includes(value))
    case 'NotEquals':
      return !values.some((value) => texts.includes(value))
    case 'StartsWith':
      return values.some((value) => texts.some((text) => value.startsWith(text)))
    case 'NotStartsWith':
      return !values.some((value) => texts.some((text) => value.startsWith(text)))
    case 'EndsWith':
      return values.some((value) => texts.some((text) => value.endsWith(text)))
    case 'NotEndsWith':
      return !values.some((value) => texts.some((text) => value.endsWith(text)))
  }
}

/** A record has one value of most fields, and one per resource of the others. */
function valuesOf(record: JsonObject, field: string): readonly string[] {
  const [name = '', inner] = field.split('.')
  const value = memberOf(record, name) ?? (name === 'eventCategory' ? 'Management' : undefined)
  if (inner === undefined) return typeof value === 'string' || typeof value === 'boolean' ? [String(value)] : []
  const objects = Array.isArray(value) ? value : [value]
  return objects.filter(isJsonObject).flatMap((object) => textOf(object, inner) ?? [])
}
