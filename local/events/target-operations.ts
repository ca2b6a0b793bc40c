import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, type RecordedOperation, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { invalid, isName, isRefusal, pageAnswer, pageOf, ruleOfCall } from './requests.ts'
import { type Rules, type Target, TARGETS_PER_RULE_MAX } from './rules.ts'
import { unsupportedInput } from './target-input.ts'

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html */
const ENTRIES_MAX = 100
const ARN_LENGTH_MAX = 1600
const RETRY_ATTEMPTS_MAX = 185
const EVENT_AGE_SECONDS = { from: 60, to: 86_400 } as const
const QUEUE_ARN = /^arn:aws:sqs:[\w-]+:\d{12}:[\w-]{1,80}$/
const BUS = { eventBusName: 'default' }

export function targetOperations(rules: Rules): readonly (readonly [name: string, RecordedOperation])[] {
  return [
    ['PutTargets', { readOnly: false, requestDefaults: BUS, run: (call) => putTargets(rules, call) }],
    ['RemoveTargets', { readOnly: false, requestDefaults: { ...BUS, force: false }, run: (call) => removeTargets(rules, call) }],
    ['ListTargetsByRule', { readOnly: true, requestDefaults: BUS, run: (call) => listTargets(rules, call) }],
  ]
}

function putTargets(rules: Rules, call: ServiceCall): Outcome {
  const rule = ruleOfCall(rules, call, 'Rule')
  if (isRefusal(rule)) return rule
  const wanted = targetsOf(memberOf(call.input, 'Targets'))
  if (isRefusal(wanted)) return wanted
  const ids = new Set([...rules.targets(rule), ...wanted].map(({ Id }) => Id))
  if (ids.size > TARGETS_PER_RULE_MAX) {
    return refusal(
      'LimitExceededException',
      `The requested resource exceeds the maximum number allowed: ${TARGETS_PER_RULE_MAX} targets per rule.`,
    )
  }
  rules.putTargets(rule, wanted)
  return failedEntries([])
}

function targetsOf(value: unknown): readonly Target[] | Refusal {
  if (!Array.isArray(value) || value.length === 0 || value.length > ENTRIES_MAX)
    return invalid(`Targets must be 1 to ${ENTRIES_MAX} targets`)
  const targets: Target[] = []
  for (const item of value) {
    const target = isJsonObject(item) ? targetOf(item) : invalid('A target must be an object')
    if (isRefusal(target)) return target
    if (targets.some(({ Id }) => Id === target.Id)) return invalid('Two targets have the same Id')
    targets.push(target)
  }
  return targets
}

function targetOf(item: JsonObject): Target | Refusal {
  const id = memberOf(item, 'Id')
  const arn = textOf(item, 'Arn')
  if (!isName(id)) return invalid('Id must be 1 to 64 letters, digits, dots, dashes or underscores')
  if (arn === null || arn.length > ARN_LENGTH_MAX || !arn.startsWith('arn:')) return invalid(`Parameter Arn of target ${id} is not valid.`)
  const constant = textOf(item, 'Input')
  if (constant !== null && !isJson(constant)) return invalid(`Invalid Input for target ${id}: JSON syntax error.`)
  const unsupported = unsupportedInput(item) ?? badDelivery(item)
  return unsupported === null ? { ...item, Id: id, Arn: arn } : invalid(unsupported)
}

/** Why DeadLetterConfig or RetryPolicy is none. */
function badDelivery(item: JsonObject): string | null {
  const queue = memberOf(item, 'DeadLetterConfig')
  if (queue !== undefined && !(isJsonObject(queue) && QUEUE_ARN.test(textOf(queue, 'Arn') ?? ''))) {
    return 'DeadLetterConfig must name the ARN of a standard queue.'
  }
  const policy = memberOf(item, 'RetryPolicy')
  if (policy === undefined) return null
  if (!isJsonObject(policy)) return 'RetryPolicy must be an object.'
  if (!isWithin(memberOf(policy, 'MaximumRetryAttempts'), 0, RETRY_ATTEMPTS_MAX))
    return `MaximumRetryAttempts must be 0 to ${RETRY_ATTEMPTS_MAX}.`
  const { from, to } = EVENT_AGE_SECONDS
  return isWithin(memberOf(policy, 'MaximumEventAgeInSeconds'), from, to) ? null : `MaximumEventAgeInSeconds must be ${from} to ${to}.`
}

function isWithin(value: unknown, from: number, to: number): boolean {
  return value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function removeTargets(rules: Rules, call: ServiceCall): Outcome {
  const rule = ruleOfCall(rules, call, 'Rule')
  if (isRefusal(rule)) return rule
  const ids = memberOf(call.input, 'Ids')
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > ENTRIES_MAX || !ids.every(isName))
    return invalid(`Ids must be 1 to ${ENTRIES_MAX} ids`)
  return failedEntries(rules.removeTargets(rule, ids))
}

/** The ids that there is no target for, in the answer and in its record. */
function failedEntries(ids: readonly string[]): Outcome {
  const message = 'Target does not exist.'
  return {
    output: {
      FailedEntryCount: ids.length,
      FailedEntries: ids.map((id) => ({ TargetId: id, ErrorCode: 'ResourceNotFoundException', ErrorMessage: message })),
    },
    responseElements: {
      failedEntryCount: ids.length,
      failedEntries: ids.map((id) => ({ targetId: id, errorCode: 'ResourceNotFoundException', errorMessage: message })),
    },
  }
}

function listTargets(rules: Rules, call: ServiceCall): Outcome {
  const rule = ruleOfCall(rules, call, 'Rule')
  if (isRefusal(rule)) return rule
  const page = pageOf(call.input)
  if (isRefusal(page)) return page
  const { shown, ...token } = pageAnswer(
    rules.targets(rule).filter(({ Id }) => Id > page.after),
    page,
    ({ Id }) => Id,
  )
  return { output: { Targets: shown, ...token } }
}
