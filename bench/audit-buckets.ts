import type { BucketEncryptionRule, S3BucketFacts } from '../shared/rules/facts.ts'
import {
  ACCOUNT,
  benchResource,
  type BenchResource,
  daysAgo,
  denied,
  isUnread,
  policyText,
  REGION,
  statement,
  turnOf,
  uuidOf,
} from './audit-resource.ts'
import { observed } from '../shared/observed.ts'

/** Buckets as accounts have them: under several kinds of encryption, with policies of two to seven statements or none. */
export function ordinaryBuckets(count: number): readonly BenchResource[] {
  return Array.from({ length: count }, (_, index) => {
    const arn = `arn:aws:s3:::${index % 25 === 0 ? 'website' : 'northwind'}-${index}-${turnOf(index, ['data', 'orders', 'logs', 'exports'])}`
    const policy = isUnread(index) ? denied('s3:GetBucketPolicy') : index % 12 === 0 ? observed(null) : policyText(statementsOf(index, arn))
    return benchResource({ kind: 's3_bucket', arn, accountId: ACCOUNT, region: REGION }, factsOf(index), policy)
  })
}

function factsOf(index: number): Omit<S3BucketFacts, 'policy'> {
  const key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${uuidOf(index)}`
  const encryption = encryptionOf(index, key)
  return {
    region: REGION,
    createdAt: daysAgo(400),
    encryption: [encryption],
    defaultKey:
      encryption.key === null
        ? null
        : {
            keyArn: key,
            state: index % 23 === 0 ? 'Disabled' : 'Enabled',
            spec: 'SYMMETRIC_DEFAULT',
            manager: 'CUSTOMER',
            accountId: ACCOUNT,
            region: REGION,
          },
    tags: { app: `app-${index}`, team: `team-${index % 40}`, stage: turnOf(index, ['dev', 'prod']) },
    isLogTarget: index % 40 === 2,
    strongestSeen:
      index % 15 === 0 ? null : { ...turnOf(index + 1, [encryption, encryption, { algorithm: 'aws:kms', key }]), seenAt: daysAgo(30) },
  }
}

function encryptionOf(index: number, key: string): BucketEncryptionRule {
  const blockedTypes = index % 2 === 0 ? ['SSE-C'] : []
  const plain = { key: null, isBucketKeyEnabled: false, blockedTypes }
  return turnOf(index, [
    { ...plain, algorithm: 'aws:kms', key, isBucketKeyEnabled: true },
    { ...plain, algorithm: 'AES256' },
    { ...plain, algorithm: 'aws:kms', key },
    { ...plain, algorithm: 'aws:kms:dsse', key },
    { ...plain, algorithm: 'aws:kms', isBucketKeyEnabled: true },
  ])
}

type Arn = { readonly index: number; readonly bucket: string; readonly objects: string }

function statementsOf(index: number, bucket: string): readonly unknown[] {
  const arn = { index, bucket, objects: `${bucket}/*` }
  return [
    ...turnOf(index, [tlsOnly, tlsOnlyForOthers, recentTls, tlsOnly, tlsForObjects, none])(arn),
    ...turnOf(index + 1, [knownEncryption, kmsOnly, none, encryptionOnly])(arn),
    ...turnOf(index, [forOtherAccount, forCloudTrail, forAccessLogs, forCloudFront, forOtherAccount])(arn),
    ...(index % 3 === 0 ? forCloudFront(arn) : []),
    ...(index % 5 === 0 ? [...withinNetwork(arn), ...clientKeys(arn)] : []),
    ...(index % 6 === 5 ? forOtherAccount(arn) : []),
  ]
}

const none = (): readonly unknown[] => []

function tlsOnly({ bucket, objects }: Arn): readonly unknown[] {
  const conditions = { Bool: { 'aws:SecureTransport': 'false' } }
  return [statement('Deny', 'AllowSSLRequestsOnly', '*', 's3:*', { resources: [bucket, objects], conditions })]
}

function tlsOnlyForOthers({ bucket, objects }: Arn): readonly unknown[] {
  const conditions = { Bool: { 'aws:SecureTransport': 'false', 'aws:PrincipalIsAWSService': 'false' } }
  return [statement('Deny', 'tls', { AWS: '*' }, 's3:*', { resources: [bucket, objects], conditions })]
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html#example-object-tls-version */
function recentTls(arn: Arn): readonly unknown[] {
  const conditions = { NumericLessThan: { 's3:TlsVersion': 1.2 } }
  return [
    ...tlsOnly(arn),
    statement('Deny', 'EnforceTLSv12orHigher', { AWS: '*' }, 's3:*', { resources: [arn.bucket, arn.objects], conditions }),
  ]
}

function tlsForObjects({ objects }: Arn): readonly unknown[] {
  const conditions = { Bool: { 'aws:SecureTransport': 'false' } }
  return [statement('Deny', 'tls', '*', ['s3:GetObject', 's3:PutObject'], { resources: objects, conditions })]
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html */
function kmsOnly({ objects }: Arn): readonly unknown[] {
  const conditions = { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } }
  return [statement('Deny', 'DenyIncorrectEncryptionHeader', '*', 's3:PutObject', { resources: objects, conditions })]
}

function knownEncryption({ objects }: Arn): readonly unknown[] {
  const conditions = { StringEquals: { 's3:x-amz-server-side-encryption': 'AES256' } }
  return [statement('Deny', 'DenyWeakerEncryption', '*', 's3:PutObject', { resources: objects, conditions })]
}

function encryptionOnly(arn: Arn): readonly unknown[] {
  const conditions = { Null: { 's3:x-amz-server-side-encryption': 'true' } }
  return [...kmsOnly(arn), statement('Deny', 'DenyUnencryptedObjectUploads', '*', 's3:PutObject', { resources: arn.objects, conditions })]
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html */
function clientKeys({ objects }: Arn): readonly unknown[] {
  const conditions = { Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' } }
  return [statement('Deny', 'RestrictSSECObjectUploads', '*', 's3:PutObject', { resources: objects, conditions })]
}

function forOtherAccount({ index, bucket, objects }: Arn): readonly unknown[] {
  const partner = { AWS: [`arn:aws:iam::222233334444:role/reader-${index}`, 'arn:aws:iam::999988887777:root'] }
  return [statement('Allow', 'partner', partner, ['s3:GetObject', 's3:ListBucket'], { resources: [bucket, objects] })]
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html */
function forCloudTrail({ index, bucket, objects }: Arn): readonly unknown[] {
  const service = { Service: 'cloudtrail.amazonaws.com' }
  const source = { 'aws:SourceArn': `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/trail-${index}` }
  return [
    statement('Allow', 'AWSCloudTrailAclCheck', service, 's3:GetBucketAcl', { resources: bucket, conditions: { StringEquals: source } }),
    statement('Allow', 'AWSCloudTrailWrite', service, 's3:PutObject', {
      resources: objects,
      conditions: { StringEquals: { ...source, 's3:x-amz-acl': 'bucket-owner-full-control' } },
    }),
  ]
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html */
function forAccessLogs({ index, objects }: Arn): readonly unknown[] {
  const conditions = { ArnLike: { 'aws:SourceArn': `arn:aws:s3:::source-${index}` }, StringEquals: { 'aws:SourceAccount': ACCOUNT } }
  return [
    statement('Allow', 'S3ServerAccessLogsPolicy', { Service: 'logging.s3.amazonaws.com' }, 's3:PutObject', {
      resources: objects,
      conditions,
    }),
  ]
}

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html */
function forCloudFront({ index, objects }: Arn): readonly unknown[] {
  const conditions = { StringEquals: { 'AWS:SourceArn': `arn:aws:cloudfront::${ACCOUNT}:distribution/E${index}` } }
  return [statement('Allow', 'cloudfront', { Service: 'cloudfront.amazonaws.com' }, 's3:GetObject', { resources: objects, conditions })]
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-vpc-endpoint.html */
function withinNetwork({ index, bucket, objects }: Arn): readonly unknown[] {
  const conditions = { StringNotEquals: { 'aws:SourceVpce': `vpce-${index.toString(16).padStart(17, '0')}` } }
  return [statement('Deny', 'network', '*', 's3:*', { resources: [bucket, objects], conditions })]
}
