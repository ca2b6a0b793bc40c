import { describe, expect, it } from 'vitest'
import { openStatements, outsidersOf } from '../../shared/rules/policy/access.ts'
import { principalOf } from '../../shared/rules/policy/principal.ts'
import { ACCOUNT, ADMIN_ROLE, ORGANIZATION, OTHER_ACCOUNT, policyOf, ROOT } from './kms/ordinary-key.ts'

const ALLOW = { Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt' }
const DENY = { Effect: 'Deny', Principal: '*', Action: 'kms:*' }
const THIRD_ACCOUNT = '777788889999'
const OURS = { StringEquals: { 'aws:PrincipalOrgID': ORGANIZATION } }
const NOT_OURS = { StringNotEquals: { 'aws:PrincipalOrgID': ORGANIZATION } }

type Statement = Readonly<Record<string, unknown>>

/** What is open, as `<number>` or `<number>?` where it is unclear. */
const PUBLIC: readonly (readonly [title: string, statements: readonly Statement[], open: string])[] = [
  ['no statement', [], ''],
  ['a principal of the account', [{ ...ALLOW, Principal: { AWS: ROOT } }], ''],
  ['everyone', [ALLOW], '1'],
  ['everyone, as AWS', [{ ...ALLOW, Principal: { AWS: '*' } }], '1'],
  ['everyone among others', [{ ...ALLOW, Principal: { AWS: [ROOT, '*'] } }], '1'],
  ['everyone but some', [{ Effect: 'Allow', NotPrincipal: { AWS: ROOT }, Action: 'kms:Decrypt' }], '1'],
  ['a principal of any account by pattern', [{ ...ALLOW, Principal: { AWS: 'arn:aws:iam::*:root' } }], '1'],
  ['users of a public identity provider', [{ ...ALLOW, Principal: { Federated: 'cognito-identity.amazonaws.com' } }], '1'],
  ['users of our own provider', [{ ...ALLOW, Principal: { Federated: `arn:aws:iam::${ACCOUNT}:saml-provider/office` } }], ''],
  ['a service', [{ ...ALLOW, Principal: { Service: 'logs.amazonaws.com' } }], ''],
  ['only the second', [{ ...ALLOW, Principal: { AWS: ROOT } }, ALLOW], '2'],
  ['everyone of the organization', [{ ...ALLOW, Condition: OURS }], ''],
  ['everyone outside the organization', [{ ...ALLOW, Condition: NOT_OURS }], '1'],
  ['everyone if of the organization, or of none', [{ ...ALLOW, Condition: { StringEqualsIfExists: OURS.StringEquals } }], '1'],
  ['everyone of any organization', [{ ...ALLOW, Condition: { Null: { 'aws:PrincipalOrgID': 'false' } } }], '1'],
  ['everyone through a service', [{ ...ALLOW, Condition: { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } } }], '1'],
  [
    'everyone of the account through a service, as AWS managed keys have it',
    [{ ...ALLOW, Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT, 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } } }],
    '',
  ],
  ['everyone with our tag', [{ ...ALLOW, Condition: { StringEquals: { 'aws:PrincipalTag/team': 'crypto' } } }], '1'],
  ['services on anybody’s behalf', [{ ...ALLOW, Condition: { Bool: { 'aws:PrincipalIsAWSService': 'true' } } }], '1'],
  ['everyone under a key that is not known', [{ ...ALLOW, Condition: { StringEquals: { 'aws:Something': 'x' } } }], '1?'],
  [
    'everyone under a variable',
    [{ ...ALLOW, Condition: { StringEquals: { 'aws:PrincipalAccount': '$'.concat('{aws:PrincipalAccount}') } } }],
    '1?',
  ],
  [
    'everyone under a key that is not known, in our account',
    [{ ...ALLOW, Condition: { StringEquals: { 'aws:Something': 'x', 'aws:PrincipalAccount': ACCOUNT } } }],
    '',
  ],
  ['everyone, denied to everyone', [ALLOW, DENY], ''],
  ['everyone, denied outside the organization', [ALLOW, { ...DENY, Condition: NOT_OURS }], ''],
  [
    'everyone, denied outside the organization if there is one',
    [ALLOW, { ...DENY, Condition: { StringNotEqualsIfExists: NOT_OURS.StringNotEquals } }],
    '',
  ],
  [
    'everyone, denied outside the organization but for services',
    [ALLOW, { ...DENY, Condition: { ...NOT_OURS, BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } } }],
    '',
  ],
  [
    'everyone, denied outside the organization to who signs',
    [ALLOW, { ...DENY, Condition: { ...NOT_OURS, Bool: { 'aws:PrincipalIsAWSService': 'false' } } }],
    '1',
  ],
  [
    'everyone, denied outside the organization and the network',
    [
      ALLOW,
      { ...DENY, Condition: { StringNotEquals: { 'aws:PrincipalOrgID': ORGANIZATION, 'aws:SourceVpce': 'vpce-0123456789abcdef0' } } },
    ],
    '',
  ],
  ['everyone, denied without MFA', [ALLOW, { ...DENY, Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } } }], '1'],
  ['everyone, denied to one', [ALLOW, { ...DENY, Principal: { AWS: ADMIN_ROLE } }], '1'],
  ['everyone, denied to all but one', [ALLOW, { Effect: 'Deny', NotPrincipal: { AWS: ADMIN_ROLE }, Action: 'kms:*' }], ''],
  ['everyone, another action denied', [ALLOW, { ...DENY, Action: 'kms:Encrypt' }], '1'],
  ['everyone, all but another action denied', [ALLOW, { Effect: 'Deny', Principal: '*', NotAction: 'kms:Describe*' }], ''],
  ['everyone, all but this action denied', [ALLOW, { Effect: 'Deny', Principal: '*', NotAction: 'kms:De*' }], '1'],
  [
    'everyone for two actions, each denied by another statement',
    [
      { ...ALLOW, Action: ['kms:Decrypt', 'kms:Encrypt'] },
      { ...DENY, Action: 'kms:Dec*' },
      { ...DENY, Action: 'kms:ENCRYPT' },
    ],
    '',
  ],
  [
    'everyone for two actions, one of them denied',
    [
      { ...ALLOW, Action: ['kms:Decrypt', 'kms:Encrypt'] },
      { ...DENY, Action: 'kms:Dec*' },
    ],
    '1',
  ],
  ['everyone for all but some, everything denied', [{ Effect: 'Allow', Principal: '*', NotAction: 'kms:Create*' }, DENY], ''],
  [
    'everyone, denied for another resource',
    [
      { ...ALLOW, Resource: 'arn:aws:s3:::a/*' },
      { ...DENY, Action: '*', Resource: 'arn:aws:s3:::a' },
    ],
    '1',
  ],
]

describe('a policy is open to strangers', () => {
  it.each(PUBLIC)('%s', (_title, statements, open) => {
    const found = openStatements(policyOf(...statements))
    expect(found.map(({ number, kind }) => `${number}${kind === 'unclear' ? '?' : ''}`).join(' ')).toBe(open)
  })
})

const FOREIGN = { ...ALLOW, Principal: { AWS: OTHER_ACCOUNT } }

const OUTSIDERS: readonly (readonly [
  title: string,
  statements: readonly Statement[],
  named: readonly string[],
  more?: 'everyone' | 'unnamed',
])[] = [
  ['our account', [{ ...ALLOW, Principal: { AWS: [ROOT, ACCOUNT, ADMIN_ROLE] } }], []],
  ['an account', [FOREIGN], [OTHER_ACCOUNT]],
  ['an account by ARN', [{ ...FOREIGN, Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` } }], [OTHER_ACCOUNT]],
  ['a session of an account', [{ ...FOREIGN, Principal: { AWS: `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/a/b` } }], [OTHER_ACCOUNT]],
  ['accounts of other partitions', [{ ...FOREIGN, Principal: { AWS: `arn:aws-cn:iam::${OTHER_ACCOUNT}:user/a` } }], [OTHER_ACCOUNT]],
  ['several, each once', [FOREIGN, FOREIGN, { ...FOREIGN, Principal: { AWS: [THIRD_ACCOUNT, ROOT] } }], [OTHER_ACCOUNT, THIRD_ACCOUNT]],
  [
    'an identity provider of an account',
    [{ ...FOREIGN, Principal: { Federated: `arn:aws:iam::${OTHER_ACCOUNT}:saml-provider/x` } }],
    [OTHER_ACCOUNT],
  ],
  ['an account that is denied', [FOREIGN, { ...DENY, Principal: { AWS: OTHER_ACCOUNT } }], []],
  [
    'an account of which one role is denied',
    [FOREIGN, { ...DENY, Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:role/a` } }],
    [OTHER_ACCOUNT],
  ],
  ['an account, all but ours denied', [FOREIGN, { ...DENY, Condition: { StringNotEquals: { 'aws:PrincipalAccount': ACCOUNT } } }], []],
  ['an account, all but our principals denied', [FOREIGN, { Effect: 'Deny', NotPrincipal: { AWS: [ROOT, ADMIN_ROLE] }, Action: '*' }], []],
  ['an account, if it is ours', [{ ...FOREIGN, Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT } } }], []],
  [
    'an account, through services',
    [{ ...FOREIGN, Condition: { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } } }],
    [OTHER_ACCOUNT],
  ],
  [
    'an account under conditions that are not known',
    [{ ...FOREIGN, Condition: { StringEquals: { 'aws:Something': 'x' } } }],
    [OTHER_ACCOUNT],
  ],
  ['everyone', [ALLOW], [], 'everyone'],
  ['everyone under conditions that are not known', [{ ...ALLOW, Condition: { StringEquals: { 'aws:Something': 'x' } } }], [], 'everyone'],
  [
    'everyone of accounts',
    [{ ...ALLOW, Condition: { StringEquals: { 'aws:PrincipalAccount': [ACCOUNT, OTHER_ACCOUNT] } } }],
    [OTHER_ACCOUNT],
  ],
  [
    'everyone of an account by ARN',
    [{ ...ALLOW, Condition: { ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${OTHER_ACCOUNT}:role/*` } } }],
    [OTHER_ACCOUNT],
  ],
  ['everyone of the organization', [{ ...ALLOW, Condition: OURS }], [ORGANIZATION]],
  [
    'everyone of a part of it',
    [{ ...ALLOW, Condition: { 'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': `${ORGANIZATION}/*` } } }],
    [ORGANIZATION],
  ],
  ['everyone of our account', [{ ...ALLOW, Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT } } }], []],
  ['everyone of our network', [{ ...ALLOW, Condition: { StringEquals: { 'aws:SourceVpce': 'vpce-0123456789abcdef0' } } }], [], 'unnamed'],
  [
    'everyone of our network and account',
    [{ ...ALLOW, Condition: { StringEquals: { 'aws:SourceVpce': 'vpce-0123456789abcdef0', 'aws:PrincipalAccount': ACCOUNT } } }],
    [],
  ],
  [
    'everyone on behalf of a bucket',
    [{ ...ALLOW, Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::our-bucket' } } }],
    [],
    'unnamed',
  ],
  ['everyone, denied outside the organization', [ALLOW, { ...DENY, Condition: NOT_OURS }], [ORGANIZATION]],
  [
    'everyone, denied outside the organization and a network',
    [ALLOW, { ...DENY, Condition: { StringNotEquals: { 'aws:PrincipalOrgID': ORGANIZATION, 'aws:SourceVpc': 'vpc-0123456789abcdef0' } } }],
    [],
    'unnamed',
  ],
  ['everyone, denied to everyone', [ALLOW, DENY], []],
  ['a canonical user', [{ ...ALLOW, Principal: { CanonicalUser: '79a59df900b949e5' } }], [], 'unnamed'],
  ['nobody any more', [{ ...ALLOW, Principal: { AWS: 'AIDAQKEYADMINXEXAMPLE' } }], []],
]

describe('a policy lets in besides the account', () => {
  it.each(OUTSIDERS.map(([title, statements, named, more]) => ({ title, statements, named, more })))('$title', (row) => {
    const { statements, named, more } = row
    const outsiders = outsidersOf(policyOf(...statements), new Set([ACCOUNT]))
    expect(outsiders.named).toEqual(named)
    expect(outsiders.isOpenToEveryone).toBe(more === 'everyone')
    expect(outsiders.unnamed.length > 0).toBe(more === 'unnamed')
  })
})

describe('a principal', () => {
  it.each([
    ['*', 'everyone'],
    [ACCOUNT, 'account'],
    [ROOT, 'account'],
    ['arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE', 'service'],
    ['s3.amazonaws.com', 'service'],
    ['dynamodb.eu-central-1.amazonaws.com', 'service'],
    ['sns.cn-north-1.amazonaws.com.cn', 'service'],
    ['AROAQKEYADMINXEXAMPLE', 'gone'],
    ['arn:aws:s3:::bucket', 'unrecognised'],
    ['arn:aws:iam::111122223333', 'unrecognised'],
    ['arn:aws:iam::111122223333:', 'unrecognised'],
    ['arn:aws:iam:eu-central-1:111122223333:root', 'unrecognised'],
    ['arn:', 'unrecognised'],
    ['arn::iam::', 'unrecognised'],
    ['11112222333', 'unrecognised'],
    ['', 'unrecognised'],
  ])('%s: %s', (text, kind) => {
    expect(principalOf(text).kind).toBe(kind)
  })
})
