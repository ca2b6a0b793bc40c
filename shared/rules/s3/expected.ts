import { matchesPattern } from '../../text-pattern.ts'
import type { BucketExpectation, BucketExpectations } from '../expectations.ts'

/** `arn:<partition>:s3:::<name>` */
export function bucketNameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1)
}

/** What `keytrail.yml` says of this bucket by name or pattern; null: nothing of its own. */
export function overrideFor(arn: string, buckets: BucketExpectations): Partial<BucketExpectation> | null {
  return lineFor(arn, linesOf(buckets))?.override ?? null
}

export function expectedOf(arn: string, buckets: BucketExpectations): BucketExpectation {
  const lines = linesOf(buckets)
  return lineFor(arn, lines)?.expected ?? lines.common
}

type Line = { readonly override: BucketExpectations['overrides'][number]; readonly expected: BucketExpectation }
type Lines = {
  readonly common: BucketExpectation
  readonly overrides: readonly Line[]
  /** The bucket that was asked about last, and its line: all rules ask of one bucket, then of the next. */
  last: { readonly arn: string; readonly line: Line | undefined } | null
}

/** Put together once for all buckets that are judged by the same expectations. */
const LINES = new WeakMap<BucketExpectations, Lines>()

function linesOf(buckets: BucketExpectations): Lines {
  const found = LINES.get(buckets)
  if (found !== undefined) return found
  const { overrides, ...common } = buckets
  const lines = { common, overrides: overrides.map((override) => ({ override, expected: { ...common, ...override } })), last: null }
  LINES.set(buckets, lines)
  return lines
}

function lineFor(arn: string, lines: Lines): Line | undefined {
  if (lines.last?.arn === arn) return lines.last.line
  const name = bucketNameOf(arn)
  const line = lines.overrides.find(({ override: { bucket } }) => matchesPattern(bucket, name))
  lines.last = { arn, line }
  return line
}
