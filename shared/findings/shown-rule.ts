import { type ControlId, CONTROLS } from '../rules/controls.ts'
import type { Rule } from '../rules/rule.ts'
import type { Finding } from './finding.ts'

/** What is told of the rule behind a finding. */
export type ShownRule = Pick<Rule, 'id' | 'title' | 'advice' | 'source'> & { readonly controls: readonly ControlId[] }

/** Of a rule that is not there any more, its ID is all that is known. */
export function ruleOf(rules: readonly Rule[], { ruleId }: Pick<Finding, 'ruleId'>): ShownRule {
  return rules.find(({ id }) => id === ruleId) ?? { id: ruleId, title: ruleId, advice: '', source: '', controls: [] }
}

/** `CIS AWS Foundations Benchmark 3.0.0`, once each. */
export function standardsOf({ controls }: ShownRule): readonly string[] {
  return [...new Set(controls.map((id) => `${CONTROLS[id].framework} ${CONTROLS[id].version}`))]
}

/** `CIS AWS Foundations Benchmark 3.0.0/3.6` */
export function requirementsOf({ controls }: ShownRule): readonly string[] {
  return controls.map((id) => `${CONTROLS[id].framework} ${CONTROLS[id].version}/${CONTROLS[id].item}`)
}

export { KIND_NAMES } from '../rules/derive/rule-page.ts'
