import { matchesPattern } from '../../text-pattern.ts'
import type { BucketExpectation, BucketExpectations } from '../expectations.ts'

/** `arn:<partition>:s3:::<name>` */
export function bucketNameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1)
}

/** What `keytrail.yml` says of this bucket by name or pattern; null: nothing of its own. */
export function overrideFor(arn: string, { overrides }: BucketExpectations): Partial<BucketExpectation> | null {
  const name = bucketNameOf(arn)
  return overrides.find(({ bucket }) => matchesPattern(bucket, name)) ?? null
}

export function expectedOf(arn: string, { overrides, ...common }: BucketExpectations): BucketExpectation {
  return { ...common, ...overrideFor(arn, { overrides, ...common }) }
}
