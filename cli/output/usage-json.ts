import type { UsageReport } from '../../shared/usage/usage-report.ts'

/** The contract: stable names, sorted rows, the same bytes for the same input. */
export function usageJson(report: UsageReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}
