import Table from 'cli-table3'
import { styleText } from 'node:util'
import type { Dimension, UsageReport, UsageRow } from '../../shared/usage/usage-report.ts'
import { BORDERLESS } from './borderless.ts'
import { shown } from './shown.ts'

const HEADINGS: Readonly<Record<Dimension, string>> = {
  key: 'KMS key',
  operation: 'operation',
  caller: 'caller',
  service: 'by service',
  scope: 'scope',
  errorCode: 'error',
  hour: 'hour',
}
/** What a value that no record tells is shown as, by dimension. */
const ABSENT: Readonly<Record<Dimension, string>> = {
  key: '(nothing)',
  operation: '',
  caller: '(not told)',
  service: '',
  scope: '',
  errorCode: '',
  hour: '(not told)',
}
/** What a person reads: the calls by key, what names no key, and what was left out of the count and why. */
export function usageTable(
  report: UsageReport,
  by: readonly Dimension[],
  options: { readonly isColored: boolean; readonly malformedCount: number },
): string {
  return `${[...callTables(report, by, options.isColored), '', ...summary(report, options.malformedCount)].join('\n')}\n`
}

/** The lines of the two tables: calls by key, and calls that name no key. */
export function callTables(
  { calls, unattributed }: Pick<UsageReport, 'calls' | 'unattributed'>,
  by: readonly Dimension[],
  isColored: boolean,
): readonly string[] {
  const bold = (text: string): string => (isColored ? styleText('bold', text, { validateStream: false }) : text)
  const dim = (text: string): string => (isColored ? styleText('dim', text, { validateStream: false }) : text)
  const lines = [bold('KMS calls'), calls.length === 0 ? '(none that name a key)' : table(calls, by, 'keyArn', dim)]
  if (unattributed.length === 0) return lines
  return [
    ...lines,
    '',
    bold('Calls that name no key'),
    dim('an alias, or what a failed call asked for: text its caller chose, so no key is charged with it'),
    table(unattributed, by, 'sent', dim),
  ]
}

function table(rows: readonly UsageRow[], by: readonly Dimension[], keyName: 'keyArn' | 'sent', dim: (text: string) => string): string {
  const headings = by.map((dimension) => (dimension === 'key' && keyName === 'sent' ? 'sent in its place' : HEADINGS[dimension]))
  const lines = new Table({
    head: [...headings, 'succeeded', 'failed'].map(dim),
    colAligns: [...by.map(() => 'left' as const), 'right', 'right'],
    ...BORDERLESS,
  })
  for (const row of rows) {
    const values = by.map((dimension) => {
      const value = row[dimension === 'key' ? keyName : dimension]
      return typeof value === 'string' ? shown(value) : ABSENT[dimension]
    })
    lines.push([...values, number(row.succeeded), number(row.failed)])
  }
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function summary(report: UsageReport, malformedCount: number): readonly string[] {
  const rows = [...report.calls, ...report.unattributed]
  const succeeded = rows.reduce((total, row) => total + row.succeeded, 0)
  const failed = rows.reduce((total, row) => total + row.failed, 0)
  const lines = [
    `${counted(report.records, 'CloudTrail record')} read: ${counted(succeeded, 'use')} of KMS keys succeeded, ${number(failed)} failed.`,
    `Left out: ${counted(report.duplicates, 'repeat')} of calls already counted, ${counted(report.dryRuns, 'dry run')}, which use no key.`,
  ]
  if (report.skipped.length > 0) lines.push(`Skipped: ${counted(report.skipped.length, 'file')} that hold no records (${kinds(report)}).`)
  if (malformedCount > 0) lines.push(`Could not be read: ${counted(malformedCount, 'place')}, see below.`)
  return lines
}

function kinds(report: UsageReport): string {
  const counts = new Map<string, number>()
  for (const { reason } of report.skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => `${number(count)} × ${reason}`).join(', ')
}

function counted(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
