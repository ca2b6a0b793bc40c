import { type JsonObject, memberOf } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { type Outcome, recordedMembers, type RecordedOperation, refusal } from '../recorded-operation.ts'
import { parseSelectors } from './selectors.ts'
import { trailOfCall } from './trail-names.ts'
import type { Trails, TrailState } from './trails.ts'

export function selectorOperations(trails: Trails): readonly (readonly [name: string, RecordedOperation])[] {
  return [
    ['PutEventSelectors', { readOnly: false, run: (call) => putEventSelectors(trails, call) }],
    ['GetEventSelectors', { readOnly: true, run: (call) => getEventSelectors(trails, call) }],
  ]
}

function putEventSelectors(trails: Trails, call: ServiceCall): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'TrailName'), 'change')
  if ('code' in trail) return trail
  const basic = memberOf(call.input, 'EventSelectors')
  const advanced = memberOf(call.input, 'AdvancedEventSelectors')
  if ((basic === undefined) === (advanced === undefined)) {
    return refusal('InvalidParameterCombinationException', 'Give either EventSelectors or AdvancedEventSelectors.')
  }
  const selectors = parseSelectors(basic, advanced)
  if (!selectors.ok) return refusal('InvalidEventSelectorsException', selectors.reason)
  const updated = { ...trail, selectors: selectors.value, hasCustomSelectors: true }
  trails.put(updated)
  const output = selectorMembers(updated)
  return { output, responseElements: recordedMembers(output) }
}

function getEventSelectors(trails: Trails, call: ServiceCall): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'TrailName'), 'read')
  return 'code' in trail ? trail : { output: selectorMembers(trail) }
}

function selectorMembers(trail: TrailState): JsonObject {
  return { TrailARN: trail.arn, ...trail.selectors }
}
