import { describe, expect, it } from 'vitest'
import { createAccess } from '../../local/iam/evaluator.ts'
import {
  ACCOUNT,
  OTHER,
  KEY,
  ROLE_ARN,
  SESSION_ARN,
  NOW_MS,
  USER,
  SESSION,
  STRANGER,
  policy,
  allow,
  deny,
  ROOT,
  ANYONE,
  READER,
  when,
  ADMINISTRATOR,
  type Case,
  judge,
  tenant,
  told,
} from './access-cases.ts'

const ROWS: readonly (readonly [what: string, verdict: string, row: Case])[] = [
  ['a key policy that names the account leaves it to IAM, which allows', 'allowed', {}],
  ['… and which does not allow', 'identity-based', { own: [] }],
  ['a key policy without the account shuts out an administrator', 'resource-based', { on: policy(allow(READER)) }],
  ['an explicit deny in the key policy stands against an administrator', 'resource-based!', { on: policy(allow(ROOT), deny(ANYONE)) }],
  ['an explicit deny in IAM stands against the key policy', 'identity-based!', { own: [policy(deny())], on: policy(allow(ANYONE)) }],
  ['a deny of the account is one of all in it', 'resource-based!', { on: policy(allow(ROOT), deny(ROOT)) }],
  ['a role in the key policy needs no policy of its own', 'allowed', { who: SESSION, own: [], on: policy(allow(READER)) }],
  ['a session in the key policy too', 'allowed', { who: SESSION, own: [], on: policy(allow({ Principal: { AWS: SESSION_ARN } })) }],
  [
    'another session of the role is not that session',
    'identity-based',
    { who: SESSION, own: [], on: policy(allow({ Principal: { AWS: `${SESSION_ARN}2` } })) },
  ],
  [
    'a role with a policy and a key policy that trusts nobody of it',
    'resource-based',
    { who: SESSION, on: policy(allow({ Principal: { AWS: `${ROLE_ARN}2` } })) },
  ],
  ['a policy for another key', 'identity-based', { own: [policy(allow({ Resource: `${KEY}0` }))] }],
  ['a policy for keys by wildcard', 'allowed', { own: [policy(allow({ Resource: KEY.replace(/key.*/, 'key/*') }))] }],
  ['a policy for another action', 'identity-based', { own: [policy(allow({ Action: 'kms:Encrypt' }))] }],
  ['actions have no case', 'allowed', { own: [policy(allow({ Action: 'KMS:decrypt' }))] }],
  ['NotAction allows all others', 'allowed', { own: [policy({ Effect: 'Allow', NotAction: 'kms:Encrypt', Resource: '*' })] }],
  ['NotAction does not allow its own', 'identity-based', { own: [policy({ Effect: 'Allow', NotAction: 'kms:D*', Resource: '*' })] }],
  ['NotResource does not allow its own', 'identity-based', { own: [policy({ Effect: 'Allow', Action: '*', NotResource: KEY })] }],
  ['another account is allowed by both sides', 'allowed', { who: STRANGER, on: policy(allow({ Principal: { AWS: OTHER } })) }],
  [
    'another account without its own policy',
    'identity-based',
    { who: STRANGER, own: [], on: policy(allow({ Principal: { AWS: OTHER } })) },
  ],
  ['another account that the key policy does not name', 'resource-based', { who: STRANGER }],
  [
    'kms:ViaService as it should be',
    'allowed',
    {
      on: policy(allow({ ...ROOT, ...when('StringEquals', 'kms:ViaService', 's3.eu-central-1.amazonaws.com') })),
      context: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' },
    },
  ],
  [
    'kms:ViaService and no service',
    'resource-based',
    { on: policy(allow({ ...ROOT, ...when('StringEquals', 'kms:ViaService', 's3.eu-central-1.amazonaws.com') })) },
  ],
  [
    'a negated operator holds of what is absent',
    'resource-based!',
    { on: policy(allow(ROOT), deny({ ...ANYONE, ...when('StringNotEquals', 'kms:ViaService', 's3.eu-central-1.amazonaws.com') })) },
  ],
  [
    'kms:CallerAccount',
    'allowed',
    {
      on: policy(allow({ ...ANYONE, ...when('StringEquals', 'kms:CallerAccount', ACCOUNT) })),
      own: [],
      context: { 'kms:CallerAccount': ACCOUNT },
    },
  ],
  [
    'kms:CallerAccount of another',
    'identity-based',
    {
      on: policy(allow({ ...ANYONE, ...when('StringEquals', 'kms:CallerAccount', OTHER) })),
      own: [],
      context: { 'kms:CallerAccount': ACCOUNT },
    },
  ],
  [
    'kms:EncryptionContext:tenant',
    'allowed',
    { own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', 'north')))], context: tenant('north') },
  ],
  [
    '… of another value',
    'identity-based',
    { own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', 'north')))], context: tenant('south') },
  ],
  [
    '… its key has no case',
    'allowed',
    { own: [policy(allow(when('StringEquals', 'kms:encryptioncontext:Tenant', 'north')))], context: tenant('north') },
  ],
  [
    '… its value has',
    'identity-based',
    { own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', 'North')))], context: tenant('north') },
  ],
  [
    '… unless the operator says otherwise',
    'allowed',
    { own: [policy(allow(when('StringEqualsIgnoreCase', 'kms:EncryptionContext:tenant', 'North')))], context: tenant('north') },
  ],
  [
    '… with a wildcard',
    'allowed',
    { own: [policy(allow(when('StringLike', 'kms:EncryptionContext:tenant', 'no*')))], context: tenant('north') },
  ],
  ['… that is not there', 'identity-based', { own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', 'north')))] }],
  [
    'Null of an encryption context that is not there',
    'resource-based!',
    { on: policy(allow(ROOT), deny({ ...ANYONE, ...when('Null', 'kms:EncryptionContext:tenant', 'true') })) },
  ],
  [
    '… and of one that is',
    'allowed',
    { on: policy(allow(ROOT), deny({ ...ANYONE, ...when('Null', 'kms:EncryptionContext:tenant', true) })), context: tenant('north') },
  ],
  [
    'kms:EncryptionContextKeys',
    'allowed',
    {
      own: [policy(allow(when('ForAllValues:StringEquals', 'kms:EncryptionContextKeys', ['tenant', 'purpose'])))],
      context: tenant('north'),
    },
  ],
  [
    '… with one that is not listed',
    'identity-based',
    { own: [policy(allow(when('ForAllValues:StringEquals', 'kms:EncryptionContextKeys', ['purpose'])))], context: tenant('north') },
  ],
  [
    'a principal tag as the value of an encryption context',
    'allowed',
    {
      own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', '${aws:PrincipalTag/Tenant}')))],
      context: tenant('north'),
      tags: { tenant: 'north' },
    },
  ],
  [
    'a variable without a value matches nothing',
    'identity-based',
    { own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', '${aws:PrincipalTag/Tenant}')))], context: tenant('north') },
  ],
  [
    'a variable with a default value',
    'allowed',
    {
      own: [policy(allow(when('StringEquals', 'kms:EncryptionContext:tenant', "${aws:PrincipalTag/Tenant, 'north'}")))],
      context: tenant('north'),
    },
  ],
  [
    'kms:GrantIsForAWSResource',
    'allowed',
    {
      action: 'kms:CreateGrant',
      on: policy(allow({ ...READER, ...when('Bool', 'kms:GrantIsForAWSResource', 'true') })),
      who: SESSION,
      own: [],
      context: { 'kms:GrantIsForAWSResource': 'true' },
    },
  ],
  [
    '… of a grant that is not',
    'identity-based',
    {
      action: 'kms:CreateGrant',
      on: policy(allow({ ...READER, ...when('Bool', 'kms:GrantIsForAWSResource', true) })),
      who: SESSION,
      own: [],
      context: { 'kms:GrantIsForAWSResource': 'false' },
    },
  ],
  [
    'kms:GrantOperations',
    'identity-based',
    {
      action: 'kms:CreateGrant',
      own: [policy(allow(when('ForAllValues:StringEquals', 'kms:GrantOperations', ['Encrypt'])))],
      context: { 'kms:GrantOperations': ['Encrypt', 'Decrypt'] },
    },
  ],
  [
    'kms:ScheduleKeyDeletionPendingWindowInDays denies a short wait',
    'identity-based!',
    {
      action: 'kms:ScheduleKeyDeletion',
      own: [...ADMINISTRATOR, policy(deny(when('NumericLessThanEquals', 'kms:ScheduleKeyDeletionPendingWindowInDays', 21)))],
      context: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '7' },
    },
  ],
  [
    '… and lets a long one',
    'allowed',
    {
      action: 'kms:ScheduleKeyDeletion',
      own: [...ADMINISTRATOR, policy(deny(when('NumericLessThanEquals', 'kms:ScheduleKeyDeletionPendingWindowInDays', 21)))],
      context: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' },
    },
  ],
  [
    'aws:PrincipalArn of a session is that of its role',
    'allowed',
    { who: SESSION, own: [], on: policy(allow({ ...ANYONE, ...when('ArnLike', 'aws:PrincipalArn', `arn:aws:iam::${ACCOUNT}:role/R*`) })) },
  ],
  [
    'aws:ResourceTag',
    'allowed',
    { own: [policy(allow(when('StringEquals', 'aws:ResourceTag/Team', 'orders')))], context: { 'aws:ResourceTag/Team': 'orders' } },
  ],
  ['aws:CurrentTime before the date', 'allowed', { own: [policy(allow(when('DateLessThan', 'aws:CurrentTime', '2026-10-21T00:00:00Z')))] }],
  [
    'aws:CurrentTime after the date',
    'identity-based',
    { own: [policy(allow(when('DateLessThan', 'aws:CurrentTime', '2026-10-20T00:00:00Z')))] },
  ],
  ['no organization', 'identity-based', { own: [policy(allow(when('StringEquals', 'aws:PrincipalOrgID', 'o-1')))] }],
  ['a list of keys of no resource', 'allowed', { action: 'kms:ListKeys', arn: '*', on: null }],
]

describe('what policies allow', () => {
  // A denial is told by whose policy it is, an explicit one with an exclamation mark.
  it.each(ROWS)('%s: %s', async (_what, expected, row) => {
    const verdict = await judge(row)
    expect(told(verdict), JSON.stringify(verdict)).toBe(expected)
  })

  it('does not know whom nobody knows', async () => {
    const access = createAccess({ identityOf: () => null, nowMs: () => NOW_MS })
    const request = {
      principal: USER,
      action: 'kms:Decrypt',
      resourceArn: KEY,
      resourceAccountId: ACCOUNT,
      resourcePolicy: policy(allow(ANYONE)),
      context: {},
    }
    expect((await access.judge(request)).kind).toBe('unknown')
  })

  it('says what it could not judge', async () => {
    const verdict = await judge({ on: policy(allow({ ...ROOT, ...when('StringEquals', 'aws:Moon', 'full') })) })
    expect(verdict).toEqual({
      kind: 'unknown',
      reason: 'the condition key aws:Moon is not known for this request',
      isDenialPossible: false,
    })
  })

  it('asks anew when a policy, the context or the time is another', async () => {
    let own = ADMINISTRATOR
    let nowMs = NOW_MS
    const access = createAccess({
      identityOf: () => ({ policies: own.map((document) => ({ name: 'own', document })), tags: {} }),
      nowMs: () => nowMs,
    })
    const request = {
      principal: USER,
      action: 'kms:Decrypt',
      resourceArn: KEY,
      resourceAccountId: ACCOUNT,
      resourcePolicy: policy(allow(ROOT)),
      context: {},
    }
    const kind = async (): Promise<string> => (await access.judge(request)).kind
    expect(await kind()).toBe('allowed')
    own = []
    expect(await kind()).toBe('denied')
    own = [policy(allow(when('DateLessThan', 'aws:CurrentTime', '2026-10-21T00:00:00Z')))]
    expect(await kind()).toBe('allowed')
    nowMs += 86_400_000
    expect(await kind()).toBe('denied')
  })
})
