import { type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, type RecordedOperation, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { RULE_STATES, type RuleState } from './event-kind.ts'
import { parsePattern } from './pattern.ts'
import { invalid, isName, isRefusal, pageAnswer, pageOf, refusedBus, ruleOfCall } from './requests.ts'
import { type Rule, type Rules, RULES_PER_BUS_MAX } from './rules.ts'
import { parseSchedule } from './schedule.ts'

const DESCRIPTION_LENGTH_MAX = 512
const BUS = { eventBusName: 'default' }

export function ruleOperations(rules: Rules): readonly (readonly [name: string, RecordedOperation])[] {
  return [
    ['PutRule', { readOnly: false, requestDefaults: BUS, run: (call) => putRule(rules, call) }],
    ['DescribeRule', { readOnly: true, requestDefaults: BUS, run: (call) => describeRule(rules, call) }],
    ['ListRules', { readOnly: true, requestDefaults: BUS, run: (call) => listRules(rules, call) }],
    ['DeleteRule', { readOnly: false, requestDefaults: { ...BUS, force: false }, run: (call) => deleteRule(rules, call) }],
    ['EnableRule', { readOnly: false, requestDefaults: BUS, run: (call) => setState(rules, call, 'ENABLED') }],
    ['DisableRule', { readOnly: false, requestDefaults: BUS, run: (call) => setState(rules, call, 'DISABLED') }],
  ]
}

function putRule(rules: Rules, call: ServiceCall): Outcome {
  const { input, region } = call
  const badBus = refusedBus(memberOf(input, 'EventBusName'))
  if (badBus !== null) return badBus
  const name = memberOf(input, 'Name')
  if (!isName(name)) return invalid('Name must be 1 to 64 letters, digits, dots, dashes or underscores')
  const known = rules.find(region, name)
  if (known === null && rules.count(region) >= RULES_PER_BUS_MAX) {
    return refusal('LimitExceededException', `The event bus has ${RULES_PER_BUS_MAX} rules.`)
  }
  const wanted = wantedRule(input)
  if (isRefusal(wanted)) return wanted
  const isSameSchedule = known !== null && known.schedule === wanted.schedule
  const rule: Rule = {
    ...wanted,
    region,
    name,
    arn: `arn:aws:events:${region}:${call.accountId}:rule/${name}`,
    scheduledFromMs: isSameSchedule ? known.scheduledFromMs : call.timeMs,
  }
  rules.put(rule)
  return { output: { RuleArn: rule.arn }, responseElements: { ruleArn: rule.arn } }
}

function wantedRule(input: JsonObject): Pick<Rule, 'pattern' | 'schedule' | 'state' | 'description' | 'roleArn'> | Refusal {
  const pattern = textOf(input, 'EventPattern')
  const schedule = textOf(input, 'ScheduleExpression')
  const description = textOf(input, 'Description')
  const state = memberOf(input, 'State') ?? 'ENABLED'
  const knownState = RULE_STATES.find((name) => name === state)
  if (knownState === undefined) return invalid(`State must be one of ${RULE_STATES.join(', ')}`)
  if (pattern === null && schedule === null) return invalid('Parameter(s) EventPattern or ScheduleExpression must be specified.')
  if (description !== null && description.length > DESCRIPTION_LENGTH_MAX) {
    return invalid(`Description must be at most ${DESCRIPTION_LENGTH_MAX} characters`)
  }
  return (
    refusedSchedule(schedule, knownState) ??
    refusedPattern(pattern) ?? { pattern, schedule, state: knownState, description, roleArn: textOf(input, 'RoleArn') }
  )
}

function refusedSchedule(schedule: string | null, state: RuleState): Refusal | null {
  if (schedule === null) return null
  // https://github.com/hashicorp/terraform-provider-aws/issues/34988
  if (state === 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS') return invalid(`State ${state} cannot be used with ScheduleExpression.`)
  const read = parseSchedule(schedule)
  return read.ok ? null : invalid(`Parameter ScheduleExpression is not valid: ${read.reason}.`)
}

function refusedPattern(pattern: string | null): Refusal | null {
  const read = pattern === null ? null : parsePattern(pattern)
  return read === null || read.ok ? null : refusal('InvalidEventPatternException', `Event pattern is not valid. Reason: ${read.reason}`)
}

function describeRule(rules: Rules, call: ServiceCall): Outcome {
  const rule = ruleOfCall(rules, call, 'Name')
  return isRefusal(rule) ? rule : { output: { ...describedRule(rule), CreatedBy: call.accountId } }
}

function describedRule(rule: Rule): JsonObject {
  return {
    Name: rule.name,
    Arn: rule.arn,
    ...(rule.pattern !== null && { EventPattern: rule.pattern }),
    ...(rule.schedule !== null && { ScheduleExpression: rule.schedule }),
    State: rule.state,
    ...(rule.description !== null && { Description: rule.description }),
    ...(rule.roleArn !== null && { RoleArn: rule.roleArn }),
    EventBusName: 'default',
  }
}

function listRules(rules: Rules, { input, region }: ServiceCall): Outcome {
  const badBus = refusedBus(memberOf(input, 'EventBusName'))
  const page = pageOf(input)
  if (badBus !== null) return badBus
  if (isRefusal(page)) return page
  const found = rules.list(region, { prefix: textOf(input, 'NamePrefix') ?? '', after: page.after, limit: page.limit + 1 })
  const { shown, ...token } = pageAnswer(found, page, ({ name }) => name)
  return { output: { Rules: shown.map(describedRule), ...token } }
}

/** Deleting a rule that is not there succeeds, as on AWS. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html */
function deleteRule(rules: Rules, call: ServiceCall): Outcome {
  const rule = ruleOfCall(rules, call, 'Name')
  if (isRefusal(rule)) return rule.code === 'ResourceNotFoundException' && isKnownBus(call) ? { output: {} } : rule
  if (rules.targets(rule).length > 0) return invalid("Rule can't be deleted since it has targets.")
  rules.remove(rule)
  return { output: {} }
}

function isKnownBus(call: ServiceCall): boolean {
  return refusedBus(memberOf(call.input, 'EventBusName')) === null
}

function setState(rules: Rules, call: ServiceCall, state: RuleState): Outcome {
  const rule = ruleOfCall(rules, call, 'Name')
  if (isRefusal(rule)) return rule
  rules.setState(rule, state)
  return { output: {} }
}
