import { describe, expect, it } from 'vitest'
import { anonymous } from '../../local/iam/caller.ts'
import {
  ACCOUNT,
  OTHER,
  KEY,
  ROLE_ARN,
  SESSION_ARN,
  SESSION,
  policy,
  allow,
  deny,
  ROOT,
  ANYONE,
  READER,
  when,
  type Case,
  judge,
  tenant,
  put,
  s3,
  KMS_KEY_ID,
  told,
} from './access-cases.ts'

const ROWS: readonly (readonly [what: string, verdict: string, row: Case])[] = [
  ['a bucket without a policy leaves it to IAM', 'allowed', put({})],
  ['a bucket policy allows its account’s role by itself', 'allowed', put({ who: SESSION, own: [], on: policy(s3('Allow', READER)) })],
  [
    'a bucket policy refuses what came without TLS',
    'resource-based!',
    put({ on: policy(s3('Deny', when('Bool', 'aws:SecureTransport', 'false'))), context: { 'aws:SecureTransport': 'false' } }),
  ],
  [
    '… and lets what came over TLS',
    'allowed',
    put({ on: policy(s3('Deny', when('Bool', 'aws:SecureTransport', 'false'))), context: { 'aws:SecureTransport': 'true' } }),
  ],
  ['… and nobody says what it came over', 'unknown', put({ on: policy(s3('Deny', when('Bool', 'aws:SecureTransport', 'false'))) })],
  ['Null of a KMS key that was not named', 'resource-based!', put({ on: policy(s3('Deny', when('Null', KMS_KEY_ID, 'true'))) })],
  [
    'Null of a KMS key that was',
    'allowed',
    put({ on: policy(s3('Deny', when('Null', KMS_KEY_ID, 'true'))), context: { [KMS_KEY_ID]: KEY } }),
  ],
  [
    'another KMS key than the right one',
    'resource-based!',
    put({ on: policy(s3('Deny', when('StringNotEqualsIfExists', KMS_KEY_ID, KEY))), context: { [KMS_KEY_ID]: `${KEY}0` } }),
  ],
  ['anonymous, and nobody else is let in', 'resource-based', put({ who: anonymous(ACCOUNT), own: [], on: policy(s3('Allow', READER)) })],
  ['anonymous, and everybody is', 'allowed', put({ who: anonymous(ACCOUNT), own: [], on: policy(s3('Allow', {})) })],
  [
    'NotPrincipal names nothing of the caller',
    'resource-based!',
    { on: policy(allow(ROOT), deny({ NotPrincipal: { AWS: `arn:aws:iam::${OTHER}:root` } })) },
  ],
  [
    'NotPrincipal names all that stands for the caller',
    'allowed',
    { who: SESSION, on: policy(allow(ROOT), deny({ NotPrincipal: { AWS: [ACCOUNT, ROLE_ARN, SESSION_ARN] } })) },
  ],
  ['NotPrincipal names a part of it', 'unknown', { who: SESSION, on: policy(allow(ROOT), deny({ NotPrincipal: { AWS: ROLE_ARN } })) }],
  [
    'an unknown operator in a deny',
    'unknown',
    { on: policy(allow(ROOT), deny({ ...ANYONE, ...when('StringSounds', 'aws:userid', 'x') })) },
  ],
  [
    '… of another action is of no importance',
    'allowed',
    { on: policy(allow(ROOT), deny({ ...ANYONE, Action: 'kms:Encrypt', ...when('StringSounds', 'aws:userid', 'x') })) },
  ],
  ['an unknown key in a deny', 'unknown', { on: policy(allow(ROOT), deny({ ...ANYONE, ...when('StringEquals', 'aws:Moon', 'full') })) }],
  ['an unknown key in the only allow', 'unknown', { on: policy(allow({ ...ROOT, ...when('StringEquals', 'aws:Moon', 'full') })) }],
  [
    'an unknown key beside an allow that suffices',
    'allowed',
    { on: policy(allow(ROOT), allow({ ...ROOT, ...when('StringEquals', 'aws:Moon', 'full') })) },
  ],
  [
    'an unknown key beside a condition that does not hold',
    'allowed',
    {
      on: policy(allow(ROOT), deny({ ...ANYONE, Condition: { StringEquals: { 'aws:Moon': 'full', 'kms:CallerAccount': OTHER } } })),
      context: { 'kms:CallerAccount': ACCOUNT },
    },
  ],
  [
    'a key that the action does not have',
    'unknown',
    { own: [policy(allow(when('StringEquals', 'kms:RotationPeriodInDays', '90')))], context: { 'kms:RotationPeriodInDays': '90' } },
  ],
  ['an unknown variable in a resource', 'unknown', { own: [policy(allow({ Resource: 'arn:aws:kms:*:*:key/${aws:Moon}' }))] }],
  [
    'a variable in a version without any',
    'unknown',
    { own: [JSON.stringify({ Version: '2008-10-17', Statement: [allow(when('StringEquals', 'aws:userid', '${aws:userid}'))] })] },
  ],
  [
    'a list compared as one value',
    'unknown',
    { own: [policy(allow(when('StringEquals', 'kms:EncryptionContextKeys', 'tenant')))], context: tenant('north') },
  ],
  [
    'a context key told twice',
    'unknown',
    {
      own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', 'north')))],
      context: { ...tenant('north'), 'kms:EncryptionContext:Tenant': 'south' },
    },
  ],
  ['a principal of no known form', 'unknown', { on: policy(allow({ Principal: { AWS: 'AROAEXAMPLE' } })) }],
  ['no JSON', 'unknown', { on: '{' }],
  ['no policy', 'unknown', { on: policy(allow({ ...ROOT, Action: 'Decrypt' })) }],
  ['no statement at all', 'unknown', { own: ['[]'] }],
  ['an action that nobody knows', 'unknown', { action: 'kms:Conjure' }],
]

describe('what bucket policies allow, and what nobody can judge', () => {
  // A denial is told by whose policy it is, an explicit one with an exclamation mark.
  it.each(ROWS)('%s: %s', async (_what, expected, row) => {
    const verdict = await judge(row)
    expect(told(verdict), JSON.stringify(verdict)).toBe(expected)
  })
})
