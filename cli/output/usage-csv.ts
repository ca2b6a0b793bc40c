import { stringify } from 'csv-stringify/sync'
import type { Dimension, UsageReport } from '../../shared/usage/usage-report.ts'

/** One table: calls with their key, then calls without one and what was sent in its place. Formulas are escaped for spreadsheets. */
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
  return stringify(rows, { header: true, columns, escape_formulas: true, record_delimiter: 'windows' })
}
