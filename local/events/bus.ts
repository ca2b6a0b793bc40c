import type { DatabaseSync } from 'node:sqlite'
import { type JsonObject, textOf } from '../../shared/json.ts'
import { createDueSchedules, type DueRule, type DueSchedules } from './due-schedules.ts'
import { stateAdmits } from './event-kind.ts'
import { type EventPattern, matchesPattern, parsePattern } from './pattern.ts'
import { createRules, type Rule, RULES_PER_BUS_MAX } from './rules.ts'
import { createTargetDelivery, type DeliveryPorts, type TargetOutcome } from './target-delivery.ts'
import { targetBody } from './target-input.ts'

export type RuleOutcome = { readonly ruleArn: string; readonly ruleName: string; readonly targets: readonly TargetOutcome[] }

/** The default bus of every Region. */
export type EventBus = {
  /**
   * Brings an event to the targets of the rules that match it; what became of it, per rule in the order of names. The rules are those of
   * the event's Region, or of the Region that it was forwarded to.
   */
  publish(envelope: JsonObject, region?: string): Promise<readonly RuleOutcome[]>
  /** The scheduled rules that were due after `fromMs`, up to and with `toMs`. */
  dueSchedules(fromMs: number, toMs: number): DueSchedules
  /** Brings the event of a schedule to its rule's targets; none where the rule is gone or disabled by now. */
  runSchedule(due: DueRule): Promise<readonly RuleOutcome[]>
}

/** Patterns in parsed form: those of all Regions in use at a time. */
const PARSED_PATTERNS_MAX = 4 * RULES_PER_BUS_MAX

export function createBus({ db, ...ports }: DeliveryPorts & { readonly db: DatabaseSync }): EventBus {
  const rules = createRules(db)
  const deliverTo = createTargetDelivery(ports)
  const dueSchedules = createDueSchedules(rules)
  const patterns = new Map<string, EventPattern | null>()

  function patternOf(text: string): EventPattern | null {
    const known = patterns.get(text)
    if (known !== undefined) return known
    const read = parsePattern(text)
    if (patterns.size >= PARSED_PATTERNS_MAX) patterns.clear()
    const pattern = read.ok ? read.value : null
    patterns.set(text, pattern)
    return pattern
  }

  function isMatch(rule: Rule, envelope: JsonObject): boolean {
    if (rule.pattern === null || !stateAdmits(rule.state, envelope)) return false
    const pattern = patternOf(rule.pattern)
    return pattern !== null && matchesPattern(pattern, envelope)
  }

  async function runRule(rule: Rule, envelope: JsonObject): Promise<RuleOutcome> {
    const outcomes: TargetOutcome[] = []
    for (const target of rules.targets(rule)) outcomes.push(await deliverTo(rule, target, targetBody(target, envelope)))
    return { ruleArn: rule.arn, ruleName: rule.name, targets: outcomes }
  }

  return {
    publish: async (envelope, region = textOf(envelope, 'region') ?? '') => {
      // Rules are chosen before anything is delivered: what a target does to the rules concerns the next event.
      const matching = rules.withPattern(region).filter((rule) => isMatch(rule, envelope))
      const outcomes: RuleOutcome[] = []
      for (const rule of matching) outcomes.push(await runRule(rule, envelope))
      return outcomes
    },
    dueSchedules,
    runSchedule: async ({ region, ruleName, event }) => {
      const rule = rules.find(region, ruleName)
      return rule === null || rule.state === 'DISABLED' ? [] : [await runRule(rule, event)]
    },
  }
}
