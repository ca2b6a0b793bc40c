import { CONTROLS } from '../controls.ts'
import type { ResourceKind } from '../facts.ts'
import type { Rule } from '../rule.ts'
import { actionsOfFact } from './audit-statements.ts'

/** All there is to say of a rule, by headings: one line each, without marks of any format. */
export type RulePage = {
  readonly id: string
  readonly title: string
  readonly sections: readonly { readonly heading: string; readonly lines: readonly string[] }[]
}

export const KIND_NAMES: Readonly<Record<ResourceKind, string>> = {
  kms_key: 'KMS key',
  s3_bucket: 'S3 bucket',
  cloudtrail_trail: 'CloudTrail trail',
  aws_account: 'AWS account',
  keytrail_stack: "Keytrail's own stack",
}

export function rulePage(rule: Rule): RulePage {
  const { id, title, severity, kind, outOfScope, controls, facts, watches, advice, remediation, source } = rule
  return {
    id,
    title,
    sections: [
      { heading: 'Severity', lines: [severity] },
      { heading: 'Judges', lines: [`every ${KIND_NAMES[kind]}`] },
      { heading: 'Why', lines: [source] },
      { heading: 'Out of scope', lines: or(outOfScope, 'nothing') },
      { heading: 'Controls', lines: or(controls.map(controlText).toSorted(), 'none') },
      { heading: 'Facts, and what it takes to read them', lines: facts.toSorted().map((fact) => factText(kind, fact)) },
      { heading: 'Judged again after', lines: or(watches.map(watchText).toSorted(), 'every sweep: no event tells of it') },
      { heading: 'Advice', lines: [advice] },
      {
        heading: 'What Keytrail can do',
        lines: remediation === null ? ['nothing: this takes a person'] : [`${remediation.summary} (${remediation.writes.join(', ')})`],
      },
    ],
  }
}

function controlText(id: keyof typeof CONTROLS): string {
  const { framework, version, item, source } = CONTROLS[id]
  return `${framework} ${version}, ${item}: ${source}`
}

function factText(kind: ResourceKind, fact: string): string {
  return `${fact}: ${actionsOfFact(kind, fact).join(', ')}`
}

function watchText({ source, names }: Rule['watches'][number]): string {
  return `${source}: ${names.map(String).toSorted().join(', ')}`
}

function or(lines: readonly string[], nothing: string): readonly string[] {
  return lines.length === 0 ? [nothing] : lines
}
