import { cataloguedEvent, type CataloguedEvent } from '../../cloudtrail/catalogue.ts'
import type { JsonObject } from '../../json.ts'
import type { Rule } from '../rule.ts'

/** A rule of EventBridge that delivers what rules of the audit watch. */
export type EventRule = {
  /** In serverless.yml, such as `AuditKmsRule`. */
  readonly logicalId: string
  readonly state: 'ENABLED' | 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'
  readonly pattern: JsonObject
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const PATTERN_CHARACTERS_MAX = 2048

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html */
const DETAIL_TYPES: Readonly<Record<CataloguedEvent['kind'], string>> = {
  'api-call': 'AWS API Call via CloudTrail',
  'service-event': 'AWS Service Event via CloudTrail',
}
const KINDS = ['api-call', 'service-event'] as const

/** What is not just the service's name with a capital. */
const SERVICE_WORDS: Readonly<Record<string, string>> = { cloudtrail: 'CloudTrail' }

type Watched = { readonly name: string; readonly event: CataloguedEvent }

/** One rule per event source, or several where a pattern would be longer than EventBridge takes. The order of `rules` does not matter. */
export function derivedRules(rules: readonly Pick<Rule, 'watches'>[], charactersMax = PATTERN_CHARACTERS_MAX): readonly EventRule[] {
  const watches = rules.flatMap((rule) => rule.watches)
  const sources = [...new Set(watches.map(({ source }) => source))].toSorted()
  return sources.flatMap((source) => {
    const names = watches.flatMap((watch): readonly string[] => (watch.source === source ? watch.names : []))
    const watched = [...new Set(names)].toSorted().map((name) => ({ name, event: eventOf(source, name) }))
    return fitting(source, watched, charactersMax).map((part, index) => eventRule(source, part, index + 1))
  })
}

/** Whose name stands in the envelope of events that this service sends: nobody outside AWS can send under it. */
export function envelopeSource(eventSource: string): string {
  return `aws.${serviceOf(eventSource)}`
}

function eventRule(source: string, watched: readonly Watched[], number: number): EventRule {
  const service = serviceOf(source)
  const word = SERVICE_WORDS[service] ?? `${service.slice(0, 1).toUpperCase()}${service.slice(1)}`
  return {
    logicalId: `Audit${word}Rule${number === 1 ? '' : number}`,
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
    state: watched.some(({ event }) => event.readOnly) ? 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' : 'ENABLED',
    pattern: patternOf(source, watched),
  }
}

/** Detail-type and names stand together: an API call of a service event's name is another thing. */
function patternOf(source: string, watched: readonly Watched[]): JsonObject {
  const pairs = KINDS.flatMap((kind) => {
    const names = watched.filter(({ event }) => event.kind === kind).map(({ name }) => name)
    return names.length === 0 ? [] : [{ 'detail-type': [DETAIL_TYPES[kind]], detail: { eventSource: [source], eventName: names } }]
  })
  // An alternative of one is refused. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
  return { source: [envelopeSource(source)], ...(pairs.length === 1 ? pairs[0] : { $or: pairs }) }
}

/** As few parts as fit, names in order. */
function fitting(source: string, watched: readonly Watched[], charactersMax: number): readonly (readonly Watched[])[] {
  const parts: Watched[][] = []
  for (const one of watched) {
    const last = parts.at(-1)
    if (last !== undefined && JSON.stringify(patternOf(source, [...last, one])).length <= charactersMax) last.push(one)
    else parts.push([one])
  }
  return parts
}

/** @throws if a rule watches what the catalogue does not know: types refuse it too */
function eventOf(source: string, name: string): CataloguedEvent {
  const event = cataloguedEvent(source, name)
  if (event === undefined) throw new Error(`a rule watches ${name} of ${source}, which is not in the catalogue`)
  return event
}

function serviceOf(source: string): string {
  return source.split('.', 1)[0] ?? source
}
