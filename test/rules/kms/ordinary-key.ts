import type { CountedUse, KmsKeyFacts } from '../../../shared/rules/facts.ts'
import { parsePolicy, type PolicyDocument } from '../../../shared/rules/policy/document.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import type { RuleCase, RuleCases } from '../rule-cases.ts'
import { daysAgo, inDays } from '../rule-cases.ts'

export const ACCOUNT = '111122223333'
export const OTHER_ACCOUNT = '444455556666'
export const ROOT = `arn:aws:iam::${ACCOUNT}:root`
export const ADMIN_ROLE = `arn:aws:iam::${ACCOUNT}:role/KeyAdministrator`
export const ORGANIZATION = 'o-a1b2c3d4e5'

export const KEY: Resource<'kms_key'> = {
  kind: 'kms_key',
  arn: `arn:aws:kms:eu-central-1:${ACCOUNT}:key/c0083aa4-172b-4057-adf6-de64be04111c`,
  accountId: ACCOUNT,
  region: 'eu-central-1',
}

/** Statements as one writes them; `Resource` is the key if nothing else stands there. */
export function policyOf(...statements: readonly Readonly<Record<string, unknown>>[]): PolicyDocument {
  const policy = parsePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: statements.map((each) => ('NotResource' in each ? each : { Resource: '*', ...each })),
    }),
  )
  if (policy === null) throw new Error('not a policy')
  return policy
}

const DEFAULT_POLICY = policyOf({ Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*' })

/** Counting began long ago, and nobody uses the key. */
export const NONE_COUNTED: CountedUse = { countedSince: daysAgo(100), succeeded: 0, failed: {} }

/** A customer managed key, rotated and used as it should be. */
const ORDINARY_KEY: KmsKeyFacts = {
  manager: 'CUSTOMER',
  state: 'Enabled',
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  multiRegionRole: null,
  createdAt: daysAgo(800),
  deletionAt: null,
  materialExpiresAt: null,
  rotation: { isEnabled: true, periodDays: 365, nextAt: inDays(295) },
  rotations: [
    { at: daysAgo(70), kind: 'AUTOMATIC' },
    { at: daysAgo(435), kind: 'AUTOMATIC' },
  ],
  policy: DEFAULT_POLICY,
  grants: [],
  aliases: ['alias/orders'],
  tags: {},
  lastUse: { at: daysAgo(0), trackedSince: daysAgo(210) },
  countedUse: { ...NONE_COUNTED, succeeded: 12 },
  aliasHistory: [{ alias: 'alias/orders', firstKeyArn: KEY.arn, keyArn: KEY.arn }],
}

export function keyCases(rows: readonly RuleCase<'kms_key'>[]): RuleCases<'kms_key'> {
  return { resource: KEY, facts: ORDINARY_KEY, rows }
}

/** Rows that every rule has which leaves AWS managed keys out and reads their manager first. */
export const MANAGER_ROWS: readonly RuleCase<'kms_key'>[] = [
  { title: 'is managed by AWS', facts: { manager: 'AWS' }, verdict: 'not_applicable', says: 'AWS manages this key' },
  {
    title: 'is managed by AWS and nothing else of it can be read',
    facts: { manager: 'AWS' },
    unread: ['policy', 'grants', 'aliasHistory', 'countedUse'],
    verdict: 'not_applicable',
  },
  { title: 'has an unread manager', unread: ['manager'], verdict: 'unknown', says: 'AccessDeniedException' },
]

export const ROTATION_SCOPE_ROWS: readonly RuleCase<'kms_key'>[] = [
  { title: 'is managed by AWS', facts: { manager: 'AWS' }, verdict: 'not_applicable', says: 'AWS rotates AWS managed keys every year' },
  // ACM's managed key denies GetKeyRotationStatus to everybody. https://github.com/prowler-cloud/prowler/issues/1838
  {
    title: 'is managed by AWS, its rotation denied',
    facts: { manager: 'AWS' },
    unread: ['rotation', 'rotations'],
    verdict: 'not_applicable',
  },
  {
    title: 'is an RSA key',
    facts: { spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' },
    unread: ['rotation', 'rotations'],
    verdict: 'not_applicable',
    says: 'KMS cannot rotate RSA_2048 keys for ENCRYPT_DECRYPT automatically',
  },
  {
    title: 'has imported material',
    facts: { origin: 'EXTERNAL' },
    verdict: 'not_applicable',
    says: 'KMS cannot rotate key material of origin EXTERNAL automatically',
  },
  {
    title: 'is a replica',
    facts: { multiRegionRole: 'REPLICA' },
    verdict: 'not_applicable',
    says: 'a replica is rotated with its primary',
  },
  { title: 'is disabled', facts: { state: 'Disabled' }, verdict: 'not_applicable', says: 'the key state is Disabled' },
  { title: 'has an unread rotation', unread: ['rotation'], verdict: 'unknown', says: 'AccessDeniedException' },
  { title: 'has an unread state', unread: ['state'], verdict: 'unknown', says: 'AccessDeniedException' },
]
