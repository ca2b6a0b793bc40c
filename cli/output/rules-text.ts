import Table from 'cli-table3'
import { styleText } from 'node:util'
import { KIND_NAMES, rulePage } from '../../shared/rules/derive/rule-page.ts'
import type { Rule } from '../../shared/rules/rule.ts'
import { BORDERLESS } from './borderless.ts'

/** The catalogue for a person. */
export function rulesTable(rules: readonly Rule[], isColored: boolean): string {
  const dim = (text: string): string => (isColored ? styleText('dim', text, { validateStream: false }) : text)
  const table = new Table({ ...BORDERLESS, head: ['rule', 'severity', 'judges', 'what'].map(dim) })
  for (const { id, severity, kind, title } of sorted(rules)) table.push([id, severity, KIND_NAMES[kind], title])
  const lines = table.toString().split('\n')
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** The contract: stable names, sorted by code units of the IDs. */
export function rulesJson(rules: readonly Rule[]): string {
  const rows = sorted(rules).map(({ id, title, severity, kind, controls, facts, watches, outOfScope, advice, remediation, source }) => ({
    id,
    title,
    severity,
    kind,
    controls: controls.map(String).toSorted(),
    facts: facts.toSorted(),
    watches: Object.fromEntries(watches.map((watch) => [watch.source, watch.names.map(String).toSorted()])),
    outOfScope,
    advice,
    remediation,
    source,
  }))
  return `${JSON.stringify({ format: 'keytrail.rules/1', rules: rows }, null, 2)}\n`
}

/** One rule for a person. */
export function ruleText(rule: Rule, isColored: boolean): string {
  const bold = (text: string): string => (isColored ? styleText('bold', text, { validateStream: false }) : text)
  const { id, title, sections } = rulePage(rule)
  const paragraphs = sections.map(({ heading, lines }) => [bold(heading), ...lines.map((line) => `  ${line}`)].join('\n'))
  return `${[`${bold(id)}\n${title}.`, ...paragraphs].join('\n\n')}\n`
}

function sorted(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
