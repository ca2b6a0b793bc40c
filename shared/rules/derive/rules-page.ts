import { type Rule, SEVERITIES } from '../rule.ts'
import { KIND_NAMES, rulePage, type RulePage } from './rule-page.ts'

/** `docs/rules.md`: an index, and the page of each rule. The order of `rules` does not matter. */
export function rulesMarkdown(rules: readonly Rule[]): string {
  const sorted = rules.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const counts = SEVERITIES.toReversed().map((severity) => `${sorted.filter((rule) => rule.severity === severity).length} ${severity}`)
  const index = sorted.map(({ id, title, severity, kind }) => `| [${id}](#${id}) | ${marked(title)} | ${severity} | ${KIND_NAMES[kind]} |`)
  return [
    '# Rules',
    '',
    'Derived from `shared/rules` by `npm run derive`. `keytrail explain <rule>` shows the same in a terminal.',
    '',
    `${sorted.length} rules: ${counts.join(', ')}.`,
    '',
    '| rule | what | severity | judges |',
    '| --- | --- | --- | --- |',
    ...index,
    ...sorted.flatMap((rule) => ['', ...pageMarkdown(rulePage(rule))]),
    '',
  ].join('\n')
}

function pageMarkdown({ id, title, sections }: RulePage): readonly string[] {
  return [
    `## ${id}`,
    '',
    `${marked(title)}.`,
    ...sections.flatMap(({ heading, lines }) =>
      lines.length === 1
        ? ['', `**${heading}**: ${marked(lines[0] ?? '')}`]
        : ['', `**${heading}**:`, '', ...lines.map((line) => `- ${marked(line)}`)],
    ),
  ]
}

/** Text in which Markdown sees no marks. */
function marked(text: string): string {
  return text.replace(/[\\`*_<>[\]|]/g, '\\$&')
}
