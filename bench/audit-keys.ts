import type { KmsKeyFacts } from '../shared/rules/facts.ts'
import { parsePolicy } from '../shared/rules/policy/document.ts'
import type { Resource } from '../shared/rules/rule.ts'
import type { EpochS } from '../shared/time.ts'

const NOW = 1_795_338_000 as EpochS
const DAY_S = 86_400
const ACCOUNT = '111122223333'

export type BenchKey = { readonly resource: Resource<'kms_key'>; readonly values: KmsKeyFacts; readonly now: EpochS }

/**
 * Keys as accounts have them: of several kinds and states, with the five statements that the console writes and a few grants; every
 * fourth lets an organization in and denies everybody else. The same each run.
 */
export function ordinaryKeys(count: number): readonly BenchKey[] {
  return Array.from({ length: count }, (_, index) => {
    const keyId = `${index.toString(16).padStart(8, '0')}-172b-4057-adf6-de64be04111c`
    const arn = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/${keyId}`
    return { resource: { kind: 'kms_key', arn, accountId: ACCOUNT, region: 'eu-central-1' }, values: factsOf(index, arn), now: NOW }
  })
}

function factsOf(index: number, arn: string): KmsKeyFacts {
  const isSymmetric = index % 7 !== 0
  return {
    manager: index % 10 === 0 ? 'AWS' : 'CUSTOMER',
    state: index % 11 === 0 ? 'Disabled' : index % 13 === 0 ? 'PendingDeletion' : 'Enabled',
    spec: isSymmetric ? 'SYMMETRIC_DEFAULT' : 'RSA_2048',
    usage: isSymmetric ? 'ENCRYPT_DECRYPT' : 'SIGN_VERIFY',
    origin: index % 17 === 0 ? 'EXTERNAL' : 'AWS_KMS',
    multiRegionRole: null,
    createdAt: daysAgo(800),
    deletionAt: index % 13 === 0 ? daysAgo(-7) : null,
    materialExpiresAt: index % 34 === 0 ? daysAgo(-3) : null,
    rotation: { isEnabled: index % 4 !== 0, periodDays: 365, nextAt: daysAgo(-300) },
    rotations: [{ at: daysAgo(65), kind: 'AUTOMATIC' }],
    policy: parsePolicy(JSON.stringify(policyOf(index))),
    grants: Array.from({ length: 4 }, (_, grant) => ({
      id: `${grant}`.repeat(64),
      name: '',
      grantee: `arn:aws:iam::${ACCOUNT}:role/worker-${grant}`,
      retiring: '',
      operations: ['Decrypt', 'Encrypt', 'GenerateDataKey'],
      constraints: '',
      isForAwsService: false,
    })),
    aliases: [`alias/app-${index}`],
    tags: {},
    lastUse: { at: daysAgo(index % 120), trackedSince: daysAgo(213) },
    countedUse: { succeeded: index % 3, failed: index % 50 === 0 ? { AccessDenied: 60 } : {} },
    aliasHistory: [{ alias: `alias/app-${index}`, firstKeyArn: arn, keyArn: arn }],
  }
}

function policyOf(index: number): unknown {
  const roles = [`arn:aws:iam::${ACCOUNT}:role/app-${index}`, `arn:aws:iam::${ACCOUNT}:role/batch-${index}`]
  return {
    Version: '2012-10-17',
    Statement: [
      allow({ AWS: `arn:aws:iam::${ACCOUNT}:root` }, ['kms:*']),
      allow({ AWS: roles }, ['kms:Create*', 'kms:Describe*', 'kms:Enable*', 'kms:Put*', 'kms:ScheduleKeyDeletion']),
      allow({ AWS: roles }, ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey']),
      allow({ AWS: roles }, ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'], { Bool: { 'kms:GrantIsForAWSResource': 'true' } }),
      allow({ Service: 'logs.eu-central-1.amazonaws.com' }, ['kms:Encrypt*', 'kms:Decrypt*']),
      ...(index % 4 === 0 ? FOR_ORGANIZATION : []),
    ],
  }
}

function daysAgo(days: number): EpochS {
  return (NOW - days * DAY_S) as EpochS
}

function allow(principals: unknown, actions: readonly string[], conditions?: unknown): unknown {
  const statement = { Effect: 'Allow', Principal: principals, Action: actions, Resource: '*' }
  return conditions === undefined ? statement : { ...statement, Condition: conditions }
}

const FOR_ORGANIZATION: readonly unknown[] = [
  {
    Effect: 'Allow',
    Principal: '*',
    Action: 'kms:Decrypt',
    Resource: '*',
    Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } },
  },
  {
    Effect: 'Deny',
    Principal: '*',
    Action: 'kms:*',
    Resource: '*',
    Condition: { StringNotEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' }, BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } },
  },
]
