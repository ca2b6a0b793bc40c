import { stringify } from 'csv-stringify/sync'
import { shown } from './shown.ts'
import type { Dimension, UsageReport } from '../../shared/usage/usage-report.ts'

/**
 * One table: calls with their key, then calls without one and what was sent in its place. Formulas are escaped for spreadsheets, and
 * line breaks and other control characters are written out: a line each, also for readers that know no quotes.
 */
export function usageCsv(report: UsageReport, by: readonly Dimension[]): string {
  const columns = [
    ...by.flatMap((dimension) => (dimension === 'key' ? ['keyArn', 'sent'] : [dimension])),
    'attributed',
    'succeeded',
    'failed',
  ]
  const rows = [
    ...report.calls.map((row) => ({ ...row, attributed: 'yes' })),
    ...report.unattributed.map((row) => ({ ...row, attributed: 'no' })),
  ]
  const cast = { string: (value: string) => shown(value) }
  return stringify(rows, {
    cast,
    header: true,
    columns,
    escape_formulas: true,
    record_delimiter: 'windows',
  })
}
