import { fail, pass, type Verdict } from './verdict.ts'

const REASONS_MAX = 3

/** One verdict of many on parts of one resource: what fails fails whatever else is unknown, what is unknown keeps the rest from passing. */
export function overall(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.every(({ kind }) => kind === 'pass')) return pass
  const reasons = [...new Set(verdicts.flatMap((verdict) => (verdict.kind === 'fail' ? [verdict.reason] : [])))]
  if (reasons.length > 0) return fail(reasons.slice(0, REASONS_MAX).join('; '))
  return verdicts.find(({ kind }) => kind === 'unknown') ?? pass
}
