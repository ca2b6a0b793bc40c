import { type BucketExpectation, DEFAULT_EXPECTATIONS, type Expectations } from '../../../shared/rules/expectations.ts'
import type { BucketEncryptionRule, BucketKeyStanding, S3BucketFacts } from '../../../shared/rules/facts.ts'
import { parsePolicy, type PolicyDocument } from '../../../shared/rules/policy/document.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { daysAgo, type RuleCase, type RuleCases } from '../rule-cases.ts'

export const ACCOUNT = '111122223333'
export const OTHER_ACCOUNT = '444455556666'
export const BUCKET = 'arn:aws:s3:::northwind-orders'
export const OBJECTS = `${BUCKET}/*`
export const KEY_ID = 'c0083aa4-172b-4057-adf6-de64be04111c'
export const KEY_ARN = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/${KEY_ID}`
export const OTHER_KEY_ARN = KEY_ARN.replace('c0083aa4', '0379314b')
export const FOREIGN_KEY_ARN = KEY_ARN.replace(ACCOUNT, OTHER_ACCOUNT)

const RESOURCE: Resource<'s3_bucket'> = { kind: 's3_bucket', arn: BUCKET, accountId: ACCOUNT, region: 'eu-central-1' }

type Statement = Readonly<Record<string, unknown>>

/** Statements as one writes them: denials of everything to everybody unless they say otherwise. */
export function bucketPolicy(...statements: readonly Statement[]): PolicyDocument {
  const full = statements.map((each) => ({
    Effect: 'Deny',
    ...('NotPrincipal' in each ? {} : { Principal: '*' }),
    ...('NotAction' in each ? {} : { Action: 's3:*' }),
    ...('NotResource' in each ? {} : { Resource: [BUCKET, OBJECTS] }),
    ...each,
  }))
  const policy = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: full }))
  if (policy === null) throw new Error('not a policy')
  return policy
}

export function encryptedWith(algorithm: string, differing: Partial<BucketEncryptionRule> = {}): BucketEncryptionRule {
  return { algorithm, key: null, isBucketKeyEnabled: false, blockedTypes: ['SSE-C'], ...differing }
}

export const SSE_S3 = encryptedWith('AES256')
export const SSE_KMS = encryptedWith('aws:kms', { key: KEY_ARN, isBucketKeyEnabled: true })
export const DSSE_KMS = encryptedWith('aws:kms:dsse', { key: KEY_ARN })

export const STANDING: BucketKeyStanding = {
  keyArn: KEY_ARN,
  state: 'Enabled',
  spec: 'SYMMETRIC_DEFAULT',
  manager: 'CUSTOMER',
  accountId: ACCOUNT,
  region: 'eu-central-1',
}

/** A bucket under a KMS key of its account, closed to plain HTTP. */
const ORDINARY_BUCKET: S3BucketFacts = {
  region: 'eu-central-1',
  createdAt: daysAgo(400),
  encryption: [SSE_KMS],
  defaultKey: STANDING,
  policy: bucketPolicy({ Condition: { Bool: { 'aws:SecureTransport': 'false', 'aws:PrincipalIsAWSService': 'false' } } }),
  tags: {},
  isLogTarget: false,
  strongestSeen: { algorithm: 'aws:kms', key: KEY_ARN, seenAt: daysAgo(30) },
}

/** 30 days before the day of the tables. */
export const SEEN_DAY = '2026-10-23'

export function bucketCases(rows: readonly RuleCase<'s3_bucket'>[]): RuleCases<'s3_bucket'> {
  return { resource: RESOURCE, facts: ORDINARY_BUCKET, rows }
}

/** Expectations of which this differs for every bucket. */
export function expecting(differing: Partial<BucketExpectation>): Pick<Expectations, 'buckets'> {
  return { buckets: { ...DEFAULT_EXPECTATIONS.buckets, ...differing } }
}

/** The same for buckets whose names match. */
export function expectingOf(bucket: string, differing: Partial<BucketExpectation>): Pick<Expectations, 'buckets'> {
  return { buckets: { ...DEFAULT_EXPECTATIONS.buckets, overrides: [{ bucket, ...differing }] } }
}
