import type { EpochS } from '../time.ts'
import type { PolicyDocument } from './policy/document.ts'

/** What can be known of a KMS key. */
export type KmsKeyFacts = {
  readonly manager: 'AWS' | 'CUSTOMER'
  /** As KMS names it, such as `Enabled`. */
  readonly state: string
  readonly spec: string
  readonly usage: string
  readonly origin: string
  readonly multiRegionRole: 'PRIMARY' | 'REPLICA' | null
  readonly createdAt: EpochS
  /** When the key is to be deleted; null: it is not, or no date is set while replicas live. */
  readonly deletionAt: EpochS | null
  /** When imported material expires; null: never, or it is not imported. */
  readonly materialExpiresAt: EpochS | null
  readonly rotation: { readonly isEnabled: boolean; readonly periodDays: number | null; readonly nextAt: EpochS | null }
  /** Past rotations, newest first. */
  readonly rotations: readonly { readonly at: EpochS; readonly kind: 'AUTOMATIC' | 'ON_DEMAND' }[]
  /** Null: KMS holds a text that is no policy. */
  readonly policy: PolicyDocument | null
  readonly grants: readonly Grant[]
  readonly aliases: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  /** When the key was last used as KMS tells it; null: never since `trackedSince`. */
  readonly lastUse: { readonly at: EpochS | null; readonly trackedSince: EpochS }
  readonly countedUse: CountedUse
  /**
   * Aliases, and the ARN of the key each stood for when it was first seen, that stand for this key now or stood for it then; null: Keytrail
   * is not deployed here, and nothing is remembered.
   */
  readonly aliasHistory: readonly { readonly alias: string; readonly firstKeyArn: string; readonly keyArn: string | null }[] | null
}

/** Uses that Keytrail counted in the last 24 whole hours and in the hour that runs, and of them those that failed, by error code. */
export type CountedUse = {
  /** From when on uses are counted without a gap; null: they are not. What came before was not counted, and is not zero. */
  readonly countedSince: EpochS | null
  readonly succeeded: number
  readonly failed: Readonly<Record<string, number>>
}

export type Grant = {
  readonly id: string
  readonly name: string
  /** ARN of a principal, or the name of a service. */
  readonly grantee: string
  readonly retiring: string
  readonly operations: readonly string[]
  /** The constraints as one text: equal texts are equal constraints. */
  readonly constraints: string
  readonly isForAwsService: boolean
}

export const SSE_ALGORITHMS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const

export type BucketEncryptionRule = {
  /** As S3 names it: one of `SSE_ALGORITHMS`, or one that did not exist when this was written. */
  readonly algorithm: string
  /** As it was set: ARN, ID or alias; null: the AWS managed key, or none is needed. */
  readonly key: string | null
  readonly isBucketKeyEnabled: boolean
  /** `SSE-C` where it is blocked. */
  readonly blockedTypes: readonly string[]
}

/** What a bucket's default key is, read by name from the account that owns it. */
export type BucketKeyStanding = {
  readonly keyArn: string
  readonly state: string
  readonly spec: string
  readonly manager: 'AWS' | 'CUSTOMER'
  readonly accountId: string
  readonly region: string
}

/** What can be known of a bucket. */
export type S3BucketFacts = {
  readonly region: string
  /** As S3 lists it: a later day too, for it may change with the bucket's policy. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Bucket.html */
  readonly createdAt: EpochS | null
  /** Every rule of the configuration; there is at least one. */
  readonly encryption: readonly BucketEncryptionRule[]
  /** The key of the first rule that names one; null: none does, or KMS knows no such key. */
  readonly defaultKey: BucketKeyStanding | null
  /** Null: the bucket has none. `unreadable`: S3 holds a text that is no policy. */
  readonly policy: PolicyDocument | 'unreadable' | null
  readonly tags: Readonly<Record<string, string>>
  /** Buckets of the account that send their access logs here. */
  readonly isLogTarget: boolean
  /** The strongest encryption that Keytrail has seen it have; null: it sees it for the first time. */
  readonly strongestSeen: { readonly algorithm: string; readonly key: string | null; readonly seenAt: EpochS } | null
}

/** What a trail logs of management events, whatever kind of selectors says so. */
export type ManagementEvents =
  | { readonly reads: boolean; readonly writes: boolean; readonly excludedSources: readonly string[] }
  /** No selector takes any: it logs data events only, say. */
  | 'none'
  /** Selectors narrow what is logged by what is not understood here. */
  | 'unclear'

/** What can be known of a trail. */
export type TrailFacts = {
  readonly homeRegion: string
  readonly kmsKey: string | null
  readonly validatesLogFiles: boolean
  readonly isLogging: boolean
  readonly latestDeliveryError: string | null
  readonly managementEvents: ManagementEvents
}

/** What can be known of an account, seen from one Region. */
export type AccountFacts = {
  /** Every trail that is seen in the Region, of the account itself or of its organization. */
  readonly trails: readonly TrailCoverage[]
}

/** What one trail is to an account. */
export type TrailCoverage = {
  readonly name: string
  readonly homeRegion: string
  readonly isMultiRegion: boolean
  readonly isLogging: boolean
  /** `unclear`: or they could not be read, as those of an organization's trail in its member accounts. */
  readonly managementEvents: ManagementEvents
}

/** What can be known of Keytrail's own stack. */
export type StackFacts = {
  /** As CloudFormation names it, such as `UPDATE_COMPLETE`. */
  readonly status: string
  /** Rules of the stack that are not there, disabled, in another state or with another pattern than deployed, or without their target. */
  readonly rules: readonly { readonly name: string; readonly problems: readonly string[] }[]
  readonly queuePolicies: readonly { readonly name: string; readonly problems: readonly string[] }[]
  /** Functions that are not there, may not run, whose code changed while the stack did not, or whose queue is no longer read. */
  readonly functions: readonly { readonly name: string; readonly problems: readonly string[] }[]
}

/** Kinds of resources, and the facts of each. */
export type FactsOf = {
  readonly kms_key: KmsKeyFacts
  readonly s3_bucket: S3BucketFacts
  readonly cloudtrail_trail: TrailFacts
  readonly aws_account: AccountFacts
  readonly keytrail_stack: StackFacts
}

export type ResourceKind = keyof FactsOf
export type FactName<Kind extends ResourceKind> = keyof FactsOf[Kind] & string

/** What has to be called to read each fact, as IAM names it, and to note what is seen for the first time: roles follow from it. */
export const FACT_ACTIONS = {
  kms_key: {
    manager: ['kms:DescribeKey'],
    state: ['kms:DescribeKey'],
    spec: ['kms:DescribeKey'],
    usage: ['kms:DescribeKey'],
    origin: ['kms:DescribeKey'],
    multiRegionRole: ['kms:DescribeKey'],
    createdAt: ['kms:DescribeKey'],
    deletionAt: ['kms:DescribeKey'],
    materialExpiresAt: ['kms:DescribeKey'],
    rotation: ['kms:GetKeyRotationStatus'],
    rotations: ['kms:ListKeyRotations'],
    policy: ['kms:GetKeyPolicy'],
    grants: ['kms:ListGrants'],
    aliases: ['kms:ListAliases'],
    tags: ['kms:ListResourceTags'],
    lastUse: ['kms:GetKeyLastUsage'],
    countedUse: ['dynamodb:Query'],
    aliasHistory: ['kms:ListAliases', 'dynamodb:Query', 'dynamodb:PutItem'],
  },
  s3_bucket: {
    region: ['s3:GetBucketLocation'],
    createdAt: ['s3:ListAllMyBuckets'],
    encryption: ['s3:GetEncryptionConfiguration'],
    defaultKey: ['s3:GetEncryptionConfiguration', 'kms:DescribeKey'],
    policy: ['s3:GetBucketPolicy'],
    tags: ['s3:GetBucketTagging'],
    isLogTarget: ['s3:GetBucketLogging', 's3:ListAllMyBuckets', 'dynamodb:Query'],
    strongestSeen: ['dynamodb:Query', 'dynamodb:PutItem'],
  },
  cloudtrail_trail: {
    homeRegion: ['cloudtrail:DescribeTrails'],
    kmsKey: ['cloudtrail:DescribeTrails'],
    validatesLogFiles: ['cloudtrail:DescribeTrails'],
    isLogging: ['cloudtrail:GetTrailStatus'],
    latestDeliveryError: ['cloudtrail:GetTrailStatus'],
    managementEvents: ['cloudtrail:GetEventSelectors'],
  },
  aws_account: {
    trails: ['cloudtrail:DescribeTrails', 'cloudtrail:GetTrailStatus', 'cloudtrail:GetEventSelectors'],
  },
  keytrail_stack: {
    status: ['cloudformation:DescribeStacks'],
    rules: ['events:DescribeRule', 'events:ListTargetsByRule'],
    queuePolicies: ['sqs:GetQueueAttributes'],
    functions: [
      'lambda:GetFunctionConfiguration',
      'lambda:GetFunctionConcurrency',
      'lambda:ListEventSourceMappings',
      'cloudformation:DescribeStacks',
      'dynamodb:Query',
      'dynamodb:PutItem',
    ],
  },
} as const satisfies { readonly [Kind in ResourceKind]: { readonly [Name in FactName<Kind>]: readonly string[] } }
