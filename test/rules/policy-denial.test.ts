import { describe, expect, it } from 'vitest'
import { plainHttpRequests, putRequests, tlsRequests } from '../../shared/rules/policy/bucket-requests.ts'
import { type Denial, denial } from '../../shared/rules/policy/denial.ts'
import { ADMIN_ROLE, policyOf, ROOT } from './kms/ordinary-key.ts'

const BUCKET = 'arn:aws:s3:::orders'
const DENY = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [BUCKET, `${BUCKET}/*`] }
const PLAIN = { Bool: { 'aws:SecureTransport': 'false' } }
const NO_SERVICE = { 'aws:PrincipalIsAWSService': 'false' }
const OLD_TLS = { NumericLessThan: { 's3:TlsVersion': '1.2' } }

type Statement = Readonly<Record<string, unknown>>

/** Denied over plain HTTP, and over TLS 1.1. */
const TRANSPORT: readonly (readonly [title: string, statements: readonly Statement[], plain: Denial, old: Denial])[] = [
  ['nothing', [], 'none', 'none'],
  ['plain HTTP, as AWS writes it', [{ ...DENY, Condition: PLAIN }], 'all', 'none'],
  ['plain HTTP, as a boolean', [{ ...DENY, Condition: { Bool: { 'aws:SecureTransport': false } } }], 'all', 'none'],
  ['plain HTTP, IfExists', [{ ...DENY, Condition: { BoolIfExists: PLAIN.Bool } }], 'all', 'none'],
  ['plain HTTP, as a string', [{ ...DENY, Condition: { StringEquals: PLAIN.Bool } }], 'all', 'none'],
  ['plain HTTP but for services', [{ ...DENY, Condition: { Bool: { ...PLAIN.Bool, ...NO_SERVICE } } }], 'all', 'none'],
  ['plain HTTP but for services, IfExists', [{ ...DENY, Condition: { ...PLAIN, BoolIfExists: NO_SERVICE } }], 'all', 'none'],
  [
    'plain HTTP to services only',
    [{ ...DENY, Condition: { Bool: { ...PLAIN.Bool, 'aws:PrincipalIsAWSService': 'true' } } }],
    'none',
    'none',
  ],
  ['TLS, by mistake', [{ ...DENY, Condition: { Bool: { 'aws:SecureTransport': 'true' } } }], 'none', 'all'],
  [
    'allowed over TLS, which denies nothing',
    [{ ...DENY, Effect: 'Allow', Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
    'none',
    'none',
  ],
  ['everything', [DENY], 'all', 'all'],
  ['old TLS', [{ ...DENY, Condition: OLD_TLS }], 'none', 'all'],
  ['old TLS and what tells no version', [{ ...DENY, Condition: { NumericLessThanIfExists: OLD_TLS.NumericLessThan } }], 'all', 'all'],
  ['very old TLS', [{ ...DENY, Condition: { NumericLessThan: { 's3:TlsVersion': 1.1 } } }], 'none', 'none'],
  [
    'plain HTTP and old TLS, each by its statement',
    [
      { ...DENY, Condition: PLAIN },
      { ...DENY, Condition: OLD_TLS },
    ],
    'all',
    'all',
  ],
  ['plain HTTP and old TLS at once, which is nothing', [{ ...DENY, Condition: { ...PLAIN, ...OLD_TLS } }], 'none', 'none'],
  ['plain HTTP of the bucket only', [{ ...DENY, Resource: BUCKET, Condition: PLAIN }], 'some', 'none'],
  ['plain HTTP of objects only', [{ ...DENY, Resource: `${BUCKET}/*`, Condition: PLAIN }], 'some', 'none'],
  [
    'plain HTTP of both by two statements',
    [
      { ...DENY, Resource: BUCKET, Condition: PLAIN },
      { ...DENY, Resource: `${BUCKET}/*`, Condition: PLAIN },
    ],
    'all',
    'none',
  ],
  ['plain HTTP of both by one pattern', [{ ...DENY, Resource: `${BUCKET}*`, Condition: PLAIN }], 'all', 'none'],
  ['plain HTTP of everything', [{ ...DENY, Resource: '*', Condition: PLAIN }], 'all', 'none'],
  ['plain HTTP of another bucket', [{ ...DENY, Resource: [`${BUCKET}2`, `${BUCKET}2/*`], Condition: PLAIN }], 'none', 'none'],
  ['plain HTTP of some objects', [{ ...DENY, Resource: [BUCKET, `${BUCKET}/private/*`], Condition: PLAIN }], 'some', 'none'],
  [
    'plain HTTP of all but another bucket',
    [{ Effect: 'Deny', Principal: '*', Action: 's3:*', NotResource: `${BUCKET}2/*`, Condition: PLAIN }],
    'all',
    'none',
  ],
  [
    'plain HTTP of all but some objects',
    [{ Effect: 'Deny', Principal: '*', Action: 's3:*', NotResource: `${BUCKET}/public/*`, Condition: PLAIN }],
    'some',
    'none',
  ],
  ['plain HTTP of some actions', [{ ...DENY, Action: ['s3:GetObject', 's3:PutObject'], Condition: PLAIN }], 'none', 'none'],
  ['plain HTTP of every action', [{ ...DENY, Action: '*', Condition: PLAIN }], 'all', 'none'],
  ['plain HTTP in capitals', [{ ...DENY, Action: 'S3:*', Condition: { bool: { 'AWS:SECURETRANSPORT': 'FALSE' } } }], 'all', 'none'],
  ['plain HTTP to one', [{ ...DENY, Principal: { AWS: ADMIN_ROLE }, Condition: PLAIN }], 'none', 'none'],
  ['plain HTTP to everyone as AWS', [{ ...DENY, Principal: { AWS: '*' }, Condition: PLAIN }], 'all', 'none'],
  [
    'plain HTTP to everyone but one',
    [{ Effect: 'Deny', NotPrincipal: { AWS: ROOT }, Action: 's3:*', Resource: '*', Condition: PLAIN }],
    'none',
    'none',
  ],
  [
    'plain HTTP from outside an office',
    [{ ...DENY, Condition: { ...PLAIN, NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } }],
    'unclear',
    'none',
  ],
  ['plain HTTP under an operator that is not known', [{ ...DENY, Condition: { Boolean: PLAIN.Bool } }], 'unclear', 'unclear'],
]

const NO_HEADER = { algorithm: null, keyArn: null }
const SSE_S3 = { algorithm: 'AES256', keyArn: null }
const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/c0083aa4-172b-4057-adf6-de64be04111c'
const SSE_KMS = { algorithm: 'aws:kms', keyArn: KEY_ARN }
const OTHER_KEY = { algorithm: 'aws:kms', keyArn: `${KEY_ARN}0` }
const ALGORITHM = 's3:x-amz-server-side-encryption'
const KEY_ID = 's3:x-amz-server-side-encryption-aws-kms-key-id'
const DENY_PUT = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: `${BUCKET}/*` }

/** Denied without a header, with SSE-S3, with the key and with another key. */
const PUTS: readonly (readonly [title: string, condition: Statement, none: Denial, s3: Denial, key: Denial, other: Denial])[] = [
  ['no header', { Null: { [ALGORITHM]: 'true' } }, 'all', 'none', 'none', 'none'],
  ['another algorithm, or none', { StringNotEquals: { [ALGORITHM]: 'aws:kms' } }, 'all', 'all', 'none', 'none'],
  [
    'another algorithm, if one is sent',
    { StringNotEquals: { [ALGORITHM]: 'aws:kms' }, Null: { [ALGORITHM]: 'false' } },
    'none',
    'all',
    'none',
    'none',
  ],
  ['another algorithm than either', { StringNotEquals: { [ALGORITHM]: ['aws:kms', 'aws:kms:dsse'] } }, 'all', 'all', 'none', 'none'],
  ['SSE-S3', { StringEquals: { [ALGORITHM]: 'AES256' } }, 'none', 'all', 'none', 'none'],
  ['no key', { Null: { [KEY_ID]: 'true' } }, 'all', 'all', 'none', 'none'],
  ['another key, or none', { StringNotEquals: { [KEY_ID]: KEY_ARN } }, 'all', 'all', 'none', 'all'],
  ['another key, as AWS writes it', { ArnNotEqualsIfExists: { [KEY_ID]: KEY_ARN } }, 'all', 'all', 'none', 'all'],
  ['nothing', { Bool: { 'aws:SecureTransport': 'false' } }, 'none', 'none', 'none', 'none'],
]

describe('a bucket policy denies', () => {
  it.each(TRANSPORT)('%s', (_title, statements, plain, old) => {
    const policy = policyOf(...statements)
    expect({ plain: denial(policy, plainHttpRequests(BUCKET)), old: denial(policy, tlsRequests(BUCKET, '1.1')) }).toEqual({ plain, old })
  })

  it.each(PUTS)('puts with %s', (_title, Condition, ...expected) => {
    const policy = policyOf({ ...DENY_PUT, Condition })
    expect([NO_HEADER, SSE_S3, SSE_KMS, OTHER_KEY].map((sent) => denial(policy, putRequests(BUCKET, sent)))).toEqual(expected)
  })
})
