import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { type Parsed, parsed, refused } from '../../shared/parsed.ts'
import { type AdvancedSelector, parseAdvancedSelectors, selectsByFields } from './advanced-selectors.ts'

export type ReadWriteType = 'All' | 'ReadOnly' | 'WriteOnly'
export type BasicSelector = {
  readonly ReadWriteType: ReadWriteType
  readonly IncludeManagementEvents: boolean
  readonly DataResources: readonly { readonly Type: string; readonly Values: readonly string[] }[]
  readonly ExcludeManagementEventSources: readonly string[]
}
/** A trail has selectors of one of the two kinds. Members are named as in AWS's API. */
export type Selectors =
  | { readonly EventSelectors: readonly BasicSelector[] }
  | { readonly AdvancedEventSelectors: readonly AdvancedSelector[] }

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html */
const SELECTORS_MAX = 5
const DATA_RESOURCES_MAX = 250
/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html */
const EXCLUDABLE_SOURCES = ['kms.amazonaws.com', 'rdsdata.amazonaws.com']
const DATA_TYPES = ['AWS::S3::Object', 'AWS::Lambda::Function', 'AWS::DynamoDB::Table']
const READ_WRITE_TYPES: readonly ReadWriteType[] = ['All', 'ReadOnly', 'WriteOnly']

/** What a new trail logs. */
export const DEFAULT_SELECTORS: Selectors = {
  EventSelectors: [{ ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] }],
}

/** What PutEventSelectors was asked for; the reason is the message of InvalidEventSelectorsException. */
export function parseSelectors(basic: unknown, advanced: unknown): Parsed<Selectors> {
  if (advanced !== undefined) {
    const read = parseAdvancedSelectors(advanced)
    return read.ok ? parsed({ AdvancedEventSelectors: read.value }) : read
  }
  if (!Array.isArray(basic) || basic.length === 0 || basic.length > SELECTORS_MAX)
    return refused(`A trail takes 1 to ${SELECTORS_MAX} event selectors.`)
  const selectors: BasicSelector[] = []
  for (const item of basic) {
    const selector = isJsonObject(item) ? parseBasicSelector(item) : refused('An event selector must be an object.')
    if (!selector.ok) return selector
    selectors.push(selector.value)
  }
  return parsed({ EventSelectors: selectors })
}

function parseBasicSelector(item: JsonObject): Parsed<BasicSelector> {
  const readWrite = memberOf(item, 'ReadWriteType') ?? 'All'
  const includeManagement = memberOf(item, 'IncludeManagementEvents') ?? true
  const excluded = memberOf(item, 'ExcludeManagementEventSources') ?? []
  const knownReadWrite = READ_WRITE_TYPES.find((name) => name === readWrite)
  if (knownReadWrite === undefined) return refused(`ReadWriteType must be one of ${READ_WRITE_TYPES.join(', ')}.`)
  if (typeof includeManagement !== 'boolean') return refused('IncludeManagementEvents must be true or false.')
  if (!isTexts(excluded) || !excluded.every((source) => EXCLUDABLE_SOURCES.includes(source))) {
    return refused(`ExcludeManagementEventSources takes only ${EXCLUDABLE_SOURCES.join(' and ')}.`)
  }
  const data = parseDataResources(memberOf(item, 'DataResources') ?? [])
  if (!data.ok) return data
  return parsed({
    ReadWriteType: knownReadWrite,
    IncludeManagementEvents: includeManagement,
    DataResources: data.value,
    ExcludeManagementEventSources: excluded,
  })
}

function parseDataResources(value: unknown): Parsed<BasicSelector['DataResources']> {
  if (!Array.isArray(value)) return refused('DataResources must be a list.')
  const resources: { readonly Type: string; readonly Values: readonly string[] }[] = []
  for (const item of value) {
    const type = isJsonObject(item) ? memberOf(item, 'Type') : undefined
    const values = isJsonObject(item) ? memberOf(item, 'Values') : undefined
    if (typeof type !== 'string' || !DATA_TYPES.includes(type))
      return refused(`The Type of a data resource must be one of ${DATA_TYPES.join(', ')}.`)
    if (!isTexts(values)) return refused('The Values of a data resource must be ARNs.')
    resources.push({ Type: type, Values: values })
  }
  const count = resources.reduce((sum, { Values }) => sum + Values.length, 0)
  return count <= DATA_RESOURCES_MAX ? parsed(resources) : refused(`A trail takes at most ${DATA_RESOURCES_MAX} data resources.`)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** Whether a trail with these selectors logs a record. */
export function selects(selectors: Selectors, record: JsonObject): boolean {
  if ('AdvancedEventSelectors' in selectors) return selectors.AdvancedEventSelectors.some((selector) => selectsByFields(selector, record))
  return selectors.EventSelectors.some((selector) => selectsBasically(selector, record))
}

function selectsBasically(selector: BasicSelector, record: JsonObject): boolean {
  const readOnly = memberOf(record, 'readOnly') === true
  if (selector.ReadWriteType === (readOnly ? 'WriteOnly' : 'ReadOnly')) return false
  const category = memberOf(record, 'eventCategory') ?? 'Management'
  if (category === 'Management') {
    return selector.IncludeManagementEvents && !selector.ExcludeManagementEventSources.includes(String(memberOf(record, 'eventSource')))
  }
  return category === 'Data' && selector.DataResources.some((wanted) => resourcesOf(record).some((resource) => isOf(resource, wanted)))
}

function isOf(resource: JsonObject, wanted: { readonly Type: string; readonly Values: readonly string[] }): boolean {
  const arn = memberOf(resource, 'ARN')
  return memberOf(resource, 'type') === wanted.Type && typeof arn === 'string' && wanted.Values.some((value) => arn.startsWith(value))
}

function resourcesOf(record: JsonObject): readonly JsonObject[] {
  const resources = memberOf(record, 'resources')
  return Array.isArray(resources) ? resources.filter(isJsonObject) : []
}
