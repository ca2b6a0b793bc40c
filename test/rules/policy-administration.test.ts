import { describe, expect, it } from 'vitest'
import { type Ability, canSomebody } from '../../shared/rules/policy/administration.ts'
import { ACCOUNT, ADMIN_ROLE, KEY, OTHER_ACCOUNT, policyOf, ROOT } from './kms/ordinary-key.ts'

const PUT = 'kms:PutKeyPolicy'
const BY_ACCOUNT = { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*' }
const BY_ROLE = { ...BY_ACCOUNT, Principal: { AWS: ADMIN_ROLE } }
const FOREIGN_ROLE = `arn:aws:iam::${OTHER_ACCOUNT}:role/KeyAdministrator`
const DENY = { Effect: 'Deny', Principal: '*', Action: 'kms:*' }

type Statement = Readonly<Record<string, unknown>>

const ROWS: readonly (readonly [title: string, statements: readonly Statement[], ability: Ability])[] = [
  ['nobody', [], 'no'],
  ['the account', [BY_ACCOUNT], 'yes'],
  ['the account by its ID', [{ ...BY_ACCOUNT, Principal: { AWS: ACCOUNT } }], 'yes'],
  ['a role', [BY_ROLE], 'yes'],
  ['a role by this action', [{ ...BY_ROLE, Action: 'kms:putkeypolicy' }], 'yes'],
  ['a role by a pattern', [{ ...BY_ROLE, Action: ['kms:Get*', 'kms:Put*'] }], 'yes'],
  ['a role by other actions', [{ ...BY_ROLE, Action: ['kms:Get*', 'kms:Enable*'] }], 'no'],
  ['a role by all actions but others', [{ Effect: 'Allow', Principal: { AWS: ADMIN_ROLE }, NotAction: 'kms:Decrypt' }], 'yes'],
  ['a role by all actions but this', [{ Effect: 'Allow', Principal: { AWS: ADMIN_ROLE }, NotAction: 'kms:Put*' }], 'no'],
  ['everyone', [{ ...BY_ACCOUNT, Principal: '*' }], 'yes'],
  ['everyone of the account', [{ ...BY_ACCOUNT, Principal: '*', Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT } } }], 'yes'],
  [
    'everyone of another account',
    [{ ...BY_ACCOUNT, Principal: '*', Condition: { StringEquals: { 'kms:CallerAccount': OTHER_ACCOUNT } } }],
    'no',
  ],
  ['another account', [{ ...BY_ACCOUNT, Principal: { AWS: OTHER_ACCOUNT } }], 'no'],
  ['a service', [{ ...BY_ACCOUNT, Principal: { Service: 'ec2.amazonaws.com' } }], 'no'],
  ['a user that was deleted', [{ ...BY_ACCOUNT, Principal: { AWS: 'AIDAQKEYADMINXEXAMPLE' } }], 'no'],
  [
    'the account through a service only',
    [{ ...BY_ACCOUNT, Condition: { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } } }],
    'no',
  ],
  ['the account on behalf of a resource only', [{ ...BY_ACCOUNT, Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::b' } } }], 'no'],
  ['the account with MFA', [{ ...BY_ACCOUNT, Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } }], 'yes'],
  ['the account from an office', [{ ...BY_ACCOUNT, Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } }], 'yes'],
  ['the account, for one role of it', [{ ...BY_ACCOUNT, Condition: { ArnEquals: { 'aws:PrincipalArn': ADMIN_ROLE } } }], 'yes'],
  ['a role that is another', [{ ...BY_ROLE, Condition: { ArnEquals: { 'aws:PrincipalArn': `${ADMIN_ROLE}2` } } }], 'no'],
  ['the account under a key that is not known', [{ ...BY_ACCOUNT, Condition: { StringEquals: { 'aws:Something': 'x' } } }], 'unclear'],
  [
    'a role, and the account under a key that is not known',
    [{ ...BY_ACCOUNT, Condition: { StringEquals: { 'aws:Something': 'x' } } }, BY_ROLE],
    'yes',
  ],
  ['the account, denied to all', [BY_ACCOUNT, DENY], 'no'],
  ['the account, denied for other actions', [BY_ACCOUNT, { ...DENY, Action: 'kms:Decrypt' }], 'yes'],
  [
    'the account, denied without MFA',
    [BY_ACCOUNT, { ...DENY, Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } } }],
    'yes',
  ],
  ['the account, denied to itself', [BY_ACCOUNT, { ...DENY, Principal: { AWS: ROOT } }], 'no'],
  ['the account, denied to one role', [BY_ACCOUNT, { ...DENY, Principal: { AWS: ADMIN_ROLE } }], 'yes'],
  ['one role, denied to it', [BY_ROLE, { ...DENY, Principal: { AWS: ADMIN_ROLE } }], 'no'],
  ['one role, denied to the others', [BY_ROLE, { ...DENY, Condition: { ArnNotLike: { 'aws:PrincipalArn': ADMIN_ROLE } } }], 'yes'],
  [
    'one role, denied to all but another',
    [BY_ROLE, { ...DENY, Condition: { ArnNotLike: { 'aws:PrincipalArn': `${ADMIN_ROLE}2` } } }],
    'no',
  ],
  [
    'one role, denied to all but it by NotPrincipal',
    [BY_ROLE, { Effect: 'Deny', NotPrincipal: { AWS: [ADMIN_ROLE, ROOT] }, Action: '*' }],
    'yes',
  ],
  ['one role, denied to all but another account', [BY_ROLE, { Effect: 'Deny', NotPrincipal: { AWS: OTHER_ACCOUNT }, Action: '*' }], 'no'],
  [
    'the account, denied outside of it',
    [BY_ACCOUNT, { ...DENY, Condition: { StringNotEquals: { 'aws:PrincipalAccount': ACCOUNT } } }],
    'yes',
  ],
  ['the account, on this key', [{ ...BY_ACCOUNT, Resource: KEY.arn }], 'yes'],
  ['the account, on its keys', [{ ...BY_ACCOUNT, Resource: `arn:aws:kms:*:${ACCOUNT}:key/*` }], 'yes'],
  ['the account, on another key', [{ ...BY_ACCOUNT, Resource: `${KEY.arn}0` }], 'no'],
  ['the account, on all keys but this', [{ ...BY_ACCOUNT, NotResource: KEY.arn }], 'no'],
  ['the account, denied on this key', [BY_ACCOUNT, { ...DENY, Resource: KEY.arn }], 'no'],
  ['the account, denied on another key', [BY_ACCOUNT, { ...DENY, Resource: `${KEY.arn}0` }], 'yes'],
  ...[
    ADMIN_ROLE,
    `arn:aws:iam::${ACCOUNT}:*`,
    'arn:aws:iam::*:role/KeyAdministrator',
    '*',
    'arn:*',
    '*role/KeyAdministrator',
    'arn:*:*:*:*:*',
    `arn:aws:sts::${ACCOUNT}:federated-user/eve`,
  ].map(
    (arn) =>
      [
        `the account, denied to all but ${arn}`,
        [BY_ACCOUNT, { ...DENY, Condition: { ArnNotLike: { 'aws:PrincipalArn': arn } } }],
        'yes',
      ] as const,
  ),
  ...[FOREIGN_ROLE, `arn:aws:iam::${OTHER_ACCOUNT}:*`, 'arn:aws:s3:::bucket', 'KeyAdministrator'].map(
    (arn) =>
      [
        `the account, denied to all but ${arn}`,
        [BY_ACCOUNT, { ...DENY, Condition: { ArnNotLike: { 'aws:PrincipalArn': arn } } }],
        'no',
      ] as const,
  ),
  [
    'the account, denied to all but two, one of them a stranger',
    [BY_ACCOUNT, { ...DENY, Condition: { ArnNotEquals: { 'aws:PrincipalArn': [FOREIGN_ROLE, ADMIN_ROLE] } } }],
    'yes',
  ],
  // StringNotEquals knows no wildcards: nobody has an ARN with a star.
  [
    'the account, denied to all but a pattern that is none',
    [BY_ACCOUNT, { ...DENY, Condition: { StringNotEquals: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/*` } } }],
    'no',
  ],
  [
    'the account, denied to all but whoever a variable names',
    [BY_ACCOUNT, { ...DENY, Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::${aws:PrincipalAccount}:role/x' } } }],
    'yes',
  ],
  ['the account, for a role of another', [{ ...BY_ACCOUNT, Condition: { ArnEquals: { 'aws:PrincipalArn': FOREIGN_ROLE } } }], 'no'],
]

describe('who can put the key policy', () => {
  it.each(ROWS)('%s', (_title, statements, ability) => {
    expect(canSomebody(policyOf(...statements), KEY, PUT)).toBe(ability)
  })
})
