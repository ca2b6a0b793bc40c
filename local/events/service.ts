import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject, textOf } from '../../shared/json.ts'
import { answerOf, type Outcome, type RecordedOperation, refusal } from '../recorded-operation.ts'
import type { Service, ServiceCall } from '../service.ts'
import type { EventBus } from './bus.ts'
import { matchesPattern, parsePattern } from './pattern.ts'
import { putEvents } from './put-events.ts'
import { invalid } from './requests.ts'
import { ruleOperations } from './rule-operations.ts'
import { createRules } from './rules.ts'
import { targetOperations } from './target-operations.ts'

/** EventBridge with its default bus: rules and targets in the database, events to `bus`. */
export function createEventBridge({ db, bus }: { readonly db: DatabaseSync; readonly bus: EventBus }): Service {
  const rules = createRules(db)
  const operations = new Map<string, RecordedOperation>([
    ...ruleOperations(rules),
    ...targetOperations(rules),
    // A data event: no trail records it unless told to.
    ['PutEvents', { readOnly: false, recorded: null, run: (call) => putEvents(bus, call) }],
    ['TestEventPattern', { readOnly: true, run: testEventPattern }],
  ])
  return {
    signingName: 'events',
    targetPrefixes: ['AWSEvents'],
    eventSource: 'events.amazonaws.com',
    call: (call) => answerOf(operations, call),
  }
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html */
const EVENT_MEMBERS = ['id', 'account', 'source', 'time', 'region', 'resources', 'detail-type'] as const

function testEventPattern({ input }: ServiceCall): Outcome {
  const pattern = parsePattern(textOf(input, 'EventPattern') ?? '')
  if (!pattern.ok) return refusal('InvalidEventPatternException', `Event pattern is not valid. Reason: ${pattern.reason}`)
  const event = eventOf(textOf(input, 'Event') ?? '')
  if (event === null) return invalid('Parameter Event is not valid.')
  const missing = EVENT_MEMBERS.find((name) => !Object.hasOwn(event, name))
  if (missing !== undefined) return invalid(`Parameter Event is not valid. Reason: ${missing} is missing.`)
  return { output: { Result: matchesPattern(pattern.value, event) } }
}

function eventOf(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}
