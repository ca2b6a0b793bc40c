import type { Grant, KmsKeyFacts } from '../shared/rules/facts.ts'
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

/** Keys as accounts have them: of several kinds and states, with key policies of three to five statements, grants, aliases and tags. */
export function ordinaryKeys(count: number): readonly BenchResource[] {
  return Array.from({ length: count }, (_, index) => {
    const arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${uuidOf(index)}`
    const policy = isUnread(index) ? denied('kms:GetKeyPolicy') : policyText(statementsOf(index))
    return benchResource({ kind: 'kms_key', arn, accountId: ACCOUNT, region: REGION }, factsOf(index, arn), policy)
  })
}

function factsOf(index: number, arn: string): Omit<KmsKeyFacts, 'policy'> {
  const isSymmetric = index % 7 !== 0
  const aliases = Array.from({ length: 1 + (index % 2) }, (_, at) => `alias/app-${index}-${at}`)
  return {
    manager: index % 10 === 0 ? 'AWS' : 'CUSTOMER',
    state: index % 11 === 0 ? 'Disabled' : index % 13 === 0 ? 'PendingDeletion' : 'Enabled',
    spec: isSymmetric ? 'SYMMETRIC_DEFAULT' : 'RSA_2048',
    usage: isSymmetric ? 'ENCRYPT_DECRYPT' : 'SIGN_VERIFY',
    origin: index % 17 === 0 ? 'EXTERNAL' : 'AWS_KMS',
    multiRegionRole: turnOf(index, [null, null, null, 'PRIMARY', 'REPLICA']),
    createdAt: daysAgo(800),
    deletionAt: index % 13 === 0 ? daysAgo(-7) : null,
    materialExpiresAt: index % 34 === 0 ? daysAgo(-3) : null,
    rotation: { isEnabled: index % 4 !== 0, periodDays: turnOf(index, [365, 365, 180, 730]), nextAt: daysAgo(-300) },
    rotations: [65, 430, 795].map((days) => ({ at: daysAgo(days), kind: 'AUTOMATIC' })),
    grants: Array.from({ length: index % 6 }, (_, at) => grantOf(index, at)),
    aliases,
    tags: { app: `app-${index}`, team: `team-${index % 40}`, stage: turnOf(index, ['dev', 'prod']) },
    lastUse: { at: daysAgo(index % 120), trackedSince: daysAgo(213) },
    countedUse: {
      countedSince: daysAgo(30),
      succeeded: index % 3,
      failed: index % 50 === 1 ? { AccessDenied: 60, ThrottlingException: 2 } : {},
    },
    aliasHistory: aliases.map((alias) => ({ alias, firstKeyArn: index % 200 === 1 ? `${arn}-before` : arn, keyArn: arn })),
  }
}

/** One of each kind of grantee, and now and then one grant twice. */
function grantOf(index: number, at: number): Grant {
  const isForAwsService = at % 3 === 2
  return {
    id: `${at}${uuidOf(index)}`.padEnd(64, '0'),
    name: '',
    grantee: isForAwsService
      ? `arn:aws:sts::${ACCOUNT}:assumed-role/aws:rds-infrastructure/db-${index}-${at}`
      : index % 90 === 2
        ? `arn:aws:iam::${turnOf(index, ['222233334444', '999988887777'])}:role/partner`
        : `arn:aws:iam::${ACCOUNT}:role/worker-${index}-${at}`,
    retiring: '',
    operations: ['Decrypt', 'Encrypt', 'GenerateDataKey', 'CreateGrant'],
    constraints: `{"EncryptionContextSubset":{"app":"${index}"}}`,
    isForAwsService,
  }
}

/** What the console writes for administrators and users of a key, less one where `index` says so. */
function statementsOf(index: number): readonly unknown[] {
  const administrators = { AWS: [`arn:aws:iam::${ACCOUNT}:role/admin-${index}`] }
  const users = { AWS: [`arn:aws:iam::${ACCOUNT}:role/app-${index}`, `arn:aws:iam::${ACCOUNT}:role/batch-${index}`] }
  const root = statement('Allow', 'Enable IAM User Permissions', { AWS: `arn:aws:iam::${ACCOUNT}:root` }, 'kms:*', EVERYTHING)
  return [
    ...(index % 9 === 4 ? [] : [root]),
    statement('Allow', 'Allow access for Key Administrators', administrators, ADMINISTRATION, EVERYTHING),
    statement('Allow', 'Allow use of the key', users, USE, EVERYTHING),
    ...turnOf(index, [attached, forLogs, forOtherAccount, throughService, forOrganization, none])(index),
    ...(index % 3 === 0 ? forCloudTrail(index) : []),
  ]
}

const EVERYTHING = { resources: '*' }
const USE = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey']
const GRANTS = ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant']
/** https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
const ADMINISTRATION = ['Create*', 'Describe*', 'Enable*', 'List*', 'Put*', 'Update*', 'Revoke*', 'Disable*', 'Get*', 'Delete*']
  .concat('TagResource', 'UntagResource', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'RotateKeyOnDemand')
  .map((name) => `kms:${name}`)

const none = (): readonly unknown[] => []

function attached(index: number): readonly unknown[] {
  const conditions = { Bool: { 'kms:GrantIsForAWSResource': 'true' } }
  const users = { AWS: [`arn:aws:iam::${ACCOUNT}:role/app-${index}`, `arn:aws:iam::${ACCOUNT}:role/batch-${index}`] }
  return [statement('Allow', 'Allow attachment of persistent resources', users, GRANTS, { resources: '*', conditions })]
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html */
function forLogs(index: number): readonly unknown[] {
  const group = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/app/${index}`
  const conditions = { ArnEquals: { 'kms:EncryptionContext:aws:logs:arn': group } }
  return [statement('Allow', 'logs', { Service: `logs.${REGION}.amazonaws.com` }, USE, { resources: '*', conditions })]
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html */
function forOtherAccount(index: number): readonly unknown[] {
  const other = { AWS: [`arn:aws:iam::${turnOf(index, ['222233334444', '999988887777'])}:role/partner-${index}`] }
  const conditions = { Bool: { 'kms:GrantIsForAWSResource': true } }
  return [
    statement('Allow', 'Allow an external account to use this KMS key', other, USE, EVERYTHING),
    statement('Allow', 'Allow attachment from it', other, GRANTS, { resources: '*', conditions }),
  ]
}

/** As in the policies of AWS managed keys. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service */
function throughService(index: number): readonly unknown[] {
  const service = turnOf(index, ['s3', 'ec2', 'rds'])
  const conditions = { StringEquals: { 'kms:CallerAccount': ACCOUNT, 'kms:ViaService': `${service}.${REGION}.amazonaws.com` } }
  return [statement('Allow', `Allow access through ${service}`, { AWS: '*' }, [...USE, 'kms:CreateGrant'], { resources: '*', conditions })]
}

function forOrganization(index: number): readonly unknown[] {
  const organization = turnOf(index, ['o-a1b2c3d4e5', 'o-9z8y7x6w5v'])
  const ours = { StringEquals: { 'aws:PrincipalOrgID': organization } }
  const notOurs = { StringNotEquals: { 'aws:PrincipalOrgID': organization }, BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } }
  return [
    statement('Allow', 'organization', '*', ['kms:Decrypt', 'kms:DescribeKey'], { resources: '*', conditions: ours }),
    statement('Deny', 'others', '*', 'kms:*', { resources: '*', conditions: notOurs }),
  ]
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html */
function forCloudTrail(index: number): readonly unknown[] {
  const conditions = {
    StringEquals: { 'aws:SourceArn': `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/trail-${index}` },
    StringLike: { 'kms:EncryptionContext:aws:cloudtrail:arn': `arn:aws:cloudtrail:*:${ACCOUNT}:trail/*` },
  }
  return [statement('Allow', 'cloudtrail', { Service: 'cloudtrail.amazonaws.com' }, 'kms:GenerateDataKey*', { resources: '*', conditions })]
}
