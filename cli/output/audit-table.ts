import { styleText } from 'node:util'
import type { Finding } from '../../shared/findings/finding.ts'
import { UNREAD_WORDS } from '../../shared/observed.ts'
import { type Place, statementsFor } from '../../shared/rules/derive/audit-statements.ts'
import { KIND_NAMES } from '../../shared/rules/derive/rule-page.ts'
import { type Rule, SEVERITIES } from '../../shared/rules/rule.ts'
import { type Audited, statusCounts, unreadGroups } from './audit-json.ts'
import { shown } from './shown.ts'

type Style = (text: string) => string
type Looks = { readonly bold: Style; readonly dim: Style }

/** So many resources are named under one rule, or one thing that was not read; the others are counted. */
const NAMED_MAX = 20

/** What a person reads: failures by severity, what was not judged and how to change that, exempt ones, counts. */
export function auditTable(audited: Audited, rules: readonly Rule[], { isColored }: { readonly isColored: boolean }): string {
  const looks: Looks = {
    bold: (text) => (isColored ? styleText('bold', text, { validateStream: false }) : text),
    dim: (text) => (isColored ? styleText('dim', text, { validateStream: false }) : text),
  }
  const sections = [
    ...failing(audited.swept.findings, rules, looks),
    ...unread(audited, looks),
    ...exempt(audited.swept.findings, looks),
    idle(audited, looks),
    summary(audited),
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function failing(findings: readonly Finding[], rules: readonly Rule[], { bold, dim }: Looks): readonly (readonly string[])[] {
  const open = findings.filter(({ status }) => status === 'failing')
  return SEVERITIES.toReversed().flatMap((severity) => {
    const groups = Map.groupBy(
      open.filter((finding) => finding.severity === severity),
      ({ ruleId }) => ruleId,
    )
    return [...groups].map(([ruleId, found]) => {
      const rule = rules.find(({ id }) => id === ruleId)
      return [
        bold(`${severity.toUpperCase()}  ${rule?.title ?? ruleId}`) + dim(`  ${ruleId}`),
        ...named(found.map(({ resource, reason }) => `  ${shown(resource.arn)}: ${shown(reason)}`)),
        dim(`  ${rule?.advice ?? ''}`),
      ]
    })
  })
}

function unread({ swept, caller }: Audited, { bold, dim }: Looks): readonly (readonly string[])[] {
  const groups = unreadGroups(swept)
  const place: Place = { partition: caller.partition, region: caller.region, accountId: caller.accountId }
  const denied = [...groups, ...swept.unlisted.map((one) => one.unread)]
    .filter(({ because }) => because === 'denied')
    .map(({ action }) => action)
  const statements = statementsFor(denied, place)
  return [
    groups.length === 0
      ? []
      : [
          bold('NOT JUDGED') + dim('  neither a pass nor a failure: what it takes could not be read, or does not tell'),
          ...groups.flatMap(({ action, because, code, rules, arns }) => [
            `  ${action} ${UNREAD_WORDS[because]} (${shown(code)}): ${counted(arns.length, 'resource')}, for ${rules.join(', ')}`,
            ...named(
              arns.map((arn) => dim(`    ${shown(arn)}`)),
              3,
              '    ',
            ),
          ]),
        ],
    swept.unlisted.length === 0
      ? []
      : [
          bold('NOT LISTED') + dim('  of these kinds some resources, or all, were not seen'),
          ...swept.unlisted.map(
            ({ kind, unread: { action, because, code } }) => `  ${KIND_NAMES[kind]}: ${action} ${UNREAD_WORDS[because]} (${shown(code)})`,
          ),
        ],
    swept.unready.length === 0
      ? []
      : [
          bold('NOT READY') + dim('  being made or changed just now: audit again later'),
          ...named(swept.unready.map(({ arn }) => `  ${shown(arn)}`)),
        ],
    statements.length === 0
      ? []
      : [bold('TO LET KEYTRAIL READ IT'), JSON.stringify({ Version: '2012-10-17', Statement: statements }, null, 2)],
  ]
}

function exempt(findings: readonly Finding[], { bold, dim }: Looks): readonly (readonly string[])[] {
  const excused = findings.filter(({ status }) => status === 'exempt')
  if (excused.length === 0) return []
  return [
    [
      bold('EXEMPT') + dim('  failing, and somebody answers for it'),
      ...named(excused.map(({ ruleId, resource, reason }) => `  ${ruleId}  ${shown(resource.arn)}: ${shown(reason)}`)),
    ],
  ]
}

function idle({ swept: { unmatched } }: Audited, { bold, dim }: Looks): readonly string[] {
  if (unmatched.length === 0) return []
  const reasons = { expired: 'has ended', nothing_fails: 'nothing that it covers fails' } as const
  return [
    bold('EXEMPTIONS WITHOUT EFFECT') + dim('  take them out of the policy file, or put them right'),
    ...named(unmatched.map(({ because, exemption: { ruleId, resource } }) => `  ${ruleId}  ${shown(resource)}: ${reasons[because]}`)),
  ]
}

function summary({ swept, caller }: Audited): readonly string[] {
  const { failing: failed, exempt: excused, unknown } = statusCounts(swept.findings)
  const kinds = Object.entries(swept.judgedCounts).map(([kind, count]) => `${count} × ${KIND_NAMES[kind as keyof typeof KIND_NAMES]}`)
  return [
    `Account ${shown(caller.accountId)}, Region ${shown(caller.region)}: ${kinds.length === 0 ? 'there was nothing to judge' : `judged ${kinds.toSorted().join(', ')}`}.`,
    `${failed} failing, ${unknown} unknown, ${excused} exempt, ${swept.passCount} passing, ${swept.notApplicableCount} not applicable.`,
  ]
}

function named(lines: readonly string[], countMax = NAMED_MAX, indent = '  '): readonly string[] {
  const more = lines.length - countMax
  return more <= 0 ? lines : [...lines.slice(0, countMax), `${indent}and ${more} more; --format json lists all`]
}

function counted(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`
}
