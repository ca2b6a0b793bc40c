/** What a team expects of its account: from `keytrail.yml`, or these defaults. */
export type Expectations = {
  readonly rotationPeriodDays: { readonly min: number; readonly max: number }
  /** Accounts, and organizations (`o-…`), that may use keys of this account besides itself. */
  readonly trustedAccounts: readonly string[]
  /** Keys, by ARN or alias, whose deletion is planned. */
  readonly plannedDeletions: readonly string[]
  /** A key that nobody used for this long is not in use. */
  readonly unusedDays: number
  /** So many failed calls of a key in 24 hours are a burst. */
  readonly failureBurst: number
  readonly buckets: BucketExpectations
}

/** What is expected of a bucket. */
export type BucketExpectation = {
  /** Algorithms that it may have as its default; empty: any. */
  readonly algorithms: readonly string[]
  /** Keys, by ARN, that it may have; empty: any. */
  readonly keyArns: readonly string[]
  readonly requiresBucketKey: boolean
  /** Whether it refuses objects under keys that clients bring along. */
  readonly blocksSseC: boolean
  /** Whether it refuses plain HTTP. Website endpoints speak nothing else. */
  readonly requiresTls: boolean
}

export type BucketExpectations = BucketExpectation & {
  /** Buckets by name or pattern (`*`), the first that matches: what differs for them. */
  readonly overrides: readonly (Partial<BucketExpectation> & { readonly bucket: string })[]
}

export const DEFAULT_EXPECTATIONS: Expectations = {
  // The bounds of KMS. https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
  rotationPeriodDays: { min: 90, max: 365 },
  trustedAccounts: [],
  plannedDeletions: [],
  unusedDays: 90,
  failureBurst: 50,
  buckets: {
    algorithms: ['AES256', 'aws:kms', 'aws:kms:dsse'],
    keyArns: [],
    requiresBucketKey: true,
    blocksSseC: true,
    requiresTls: true,
    overrides: [],
  },
}
