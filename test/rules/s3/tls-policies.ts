import type { RuleCase } from '../rule-cases.ts'
import { ACCOUNT, BUCKET, bucketPolicy, OBJECTS } from './ordinary-bucket.ts'

type Row = RuleCase<'s3_bucket'>
type Statement = Readonly<Record<string, unknown>>

const ROLE = `arn:aws:iam::${ACCOUNT}:role/App`
const PLAIN = { Bool: { 'aws:SecureTransport': 'false' } }
const OVER_TLS = { Bool: { 'aws:SecureTransport': 'true' } }
const OLD_TLS = { NumericLessThan: { 's3:TlsVersion': '1.2' } }
const DENY_PLAIN = { Condition: PLAIN }
const ALLOW = { Effect: 'Allow', Principal: { AWS: ROLE } }

/** Policies that keep plain HTTP out. */
const SHUT: readonly (readonly [title: string, ...statements: readonly Statement[]])[] = [
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
  ['denies plain HTTP, as the guide of S3 writes it', DENY_PLAIN],
  ['denies plain HTTP with a JSON boolean', { Condition: { Bool: { 'aws:SecureTransport': false } } }],
  ['denies plain HTTP with the value in a list', { Condition: { Bool: { 'aws:SecureTransport': ['false'] } } }],
  ['denies plain HTTP with BoolIfExists', { Condition: { BoolIfExists: PLAIN.Bool } }],
  ['denies plain HTTP with ForAnyValue', { Condition: { 'ForAnyValue:Bool': PLAIN.Bool } }],
  ['denies plain HTTP in other letters', { Action: 'S3:*', Condition: { bool: { 'AWS:securetransport': 'False' } } }],
  ['denies plain HTTP to {"AWS": "*"}', { Principal: { AWS: '*' }, ...DENY_PLAIN }],
  ['denies plain HTTP to a list with *', { Principal: { AWS: [ROLE, '*'] }, ...DENY_PLAIN }],
  ['denies plain HTTP for every action of every service', { Action: '*', ...DENY_PLAIN }],
  ['denies plain HTTP for s3:* in a list', { Action: ['s3:GetObject', 's3:*'], ...DENY_PLAIN }],
  ['denies plain HTTP for every action but those of IAM', { NotAction: 'iam:*', ...DENY_PLAIN }],
  ['denies plain HTTP for every resource', { Resource: '*', ...DENY_PLAIN }],
  ['denies plain HTTP for every bucket', { Resource: 'arn:aws:s3:::*', ...DENY_PLAIN }],
  ['denies plain HTTP by one pattern for bucket and objects', { Resource: `${BUCKET}*`, ...DENY_PLAIN }],
  ['denies plain HTTP for all but another bucket', { NotResource: 'arn:aws:s3:::other/*', ...DENY_PLAIN }],
  ['denies plain HTTP by two statements, one for each', { Resource: BUCKET, ...DENY_PLAIN }, { Resource: OBJECTS, ...DENY_PLAIN }],
  ['denies plain HTTP among other statements', { ...ALLOW }, DENY_PLAIN, { Condition: OLD_TLS }],
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
  ['denies plain HTTP but for services, IfExists', { Condition: { ...PLAIN, BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } } }],
  ['denies plain HTTP but for calls of services', { Condition: { Bool: { ...PLAIN.Bool, 'aws:ViaAWSService': 'false' } } }],
  ['denies old TLS and what has no version', { Condition: { NumericLessThanIfExists: OLD_TLS.NumericLessThan } }],
  ['denies what has no TLS version', { Condition: { Null: { 's3:TlsVersion': 'true' } } }],
  ['denies what is neither plain nor not', { Condition: { Bool: { 'aws:SecureTransport': ['true', 'false'] } } }],
  ['denies everything', {}],
]

const NONE = 'no statement denies plain HTTP'

/** Policies that let plain HTTP through, and what is said of them. */
const OPEN: readonly (readonly [title: string, says: string, ...statements: readonly Statement[]])[] = [
  ['says nothing of the transport', NONE, ALLOW],
  ['allows over TLS, which denies nothing', `${NONE}: statement 1 allows, which denies nothing`, { ...ALLOW, Condition: OVER_TLS }],
  ['allows plain HTTP', `${NONE}: statement 1 allows, which denies nothing`, { ...ALLOW, ...DENY_PLAIN }],
  ['denies TLS for the bucket, by mistake', `${NONE}: statement 1 is not for plain HTTP`, { Resource: BUCKET, Condition: OVER_TLS }],
  ['denies TLS, by mistake', `${NONE}: statement 1 is not for plain HTTP`, { Condition: OVER_TLS }],
  [
    'denies what has no key of transport, which all have',
    `${NONE}: statement 1 is not for plain HTTP`,
    { Condition: { Null: { 'aws:SecureTransport': 'true' } } },
  ],
  [
    'denies plain HTTP for the bucket only',
    'plain HTTP is denied for the bucket, and not for all of its objects',
    { Resource: BUCKET, ...DENY_PLAIN },
  ],
  [
    'denies plain HTTP for objects only',
    'plain HTTP is denied for objects, and not for the bucket itself',
    { Resource: OBJECTS, ...DENY_PLAIN },
  ],
  [
    'denies plain HTTP for the bucket and a folder',
    'plain HTTP is denied for the bucket, and not for all of its objects',
    { Resource: [BUCKET, `${BUCKET}/private/*`], ...DENY_PLAIN },
  ],
  [
    'denies plain HTTP but for a public folder',
    'plain HTTP is denied for the bucket, and not for all of its objects',
    { NotResource: `${BUCKET}/public/*`, ...DENY_PLAIN },
  ],
  [
    'denies plain HTTP for another bucket',
    `${NONE}: statement 1 is for other resources`,
    { Resource: ['arn:aws:s3:::other', 'arn:aws:s3:::other/*'], ...DENY_PLAIN },
  ],
  [
    'denies plain HTTP for a bucket of a longer name',
    `${NONE}: statement 1 is for other resources`,
    { Resource: [`${BUCKET}-2`, `${BUCKET}-2/*`], ...DENY_PLAIN },
  ],
  ['denies plain HTTP for reading', `${NONE}: statement 1 is for some actions only`, { Action: 's3:GetObject', ...DENY_PLAIN }],
  [
    'denies plain HTTP for reading and writing',
    `${NONE}: statement 1 is for some actions only`,
    { Action: ['s3:Get*', 's3:Put*'], ...DENY_PLAIN },
  ],
  [
    'denies plain HTTP for all actions but one',
    `${NONE}: statement 1 is for some actions only`,
    { NotAction: 's3:GetObject', ...DENY_PLAIN },
  ],
  ['denies plain HTTP for no action', `${NONE}: statement 1 is for some actions only`, { NotAction: 's3:*', ...DENY_PLAIN }],
  ['denies plain HTTP to one role', `${NONE}: statement 1 is not for everybody`, { Principal: { AWS: ROLE }, ...DENY_PLAIN }],
  ['denies plain HTTP to its account', `${NONE}: statement 1 is not for everybody`, { Principal: { AWS: ACCOUNT }, ...DENY_PLAIN }],
  [
    'denies plain HTTP to a service',
    `${NONE}: statement 1 is not for everybody`,
    { Principal: { Service: 'logging.s3.amazonaws.com' }, ...DENY_PLAIN },
  ],
  ['denies plain HTTP to all but one role', `${NONE}: statement 1 is not for everybody`, { NotPrincipal: { AWS: ROLE }, ...DENY_PLAIN }],
  [
    'denies plain HTTP to services only',
    `${NONE}: statement 1 is for AWS services`,
    { Condition: { Bool: { ...PLAIN.Bool, 'aws:PrincipalIsAWSService': 'true' } } },
  ],
  [
    'denies plain HTTP from outside a network',
    `${NONE}: statement 1 depends on more than the transport`,
    { Condition: { ...PLAIN, StringNotEquals: { 'aws:SourceVpce': 'vpce-0a1b2c3d' } } },
  ],
  [
    'denies plain HTTP to all but some roles',
    `${NONE}: statement 1 depends on more than the transport`,
    { Condition: { ...PLAIN, ArnNotLike: { 'aws:PrincipalArn': `${ROLE}*` } } },
  ],
  [
    'denies plain HTTP from outside an office',
    `${NONE}: statement 1 depends on more than the transport`,
    { Condition: { ...PLAIN, StringNotLike: { 'aws:UserAgent': 'office*' } } },
  ],
  // A key that is not there matches nothing, and CIS takes it for enough all the same: https://github.com/prowler-cloud/prowler (cis_5.0_aws.json)
  ['denies old TLS only', `${NONE}: statement 1 is for requests that have a TLS version, and plain HTTP has none`, { Condition: OLD_TLS }],
  [
    'denies old TLS over plain HTTP, which is nothing',
    `${NONE}: statement 1 is for requests that have a TLS version, and plain HTTP has none`,
    { Condition: { ...PLAIN, ...OLD_TLS } },
  ],
  [
    'is wrong in many ways',
    `${NONE}: statement 1 allows, which denies nothing, statement 2 is not for plain HTTP, statement 3 is not for everybody and 1 more`,
    { ...ALLOW, Condition: OVER_TLS },
    { Condition: OVER_TLS },
    { Principal: { AWS: ROLE }, ...DENY_PLAIN },
    { Action: 's3:GetObject', ...DENY_PLAIN },
  ],
]

/** Policies of which nobody can say it. */
const UNCLEAR: readonly (readonly [title: string, ...statements: readonly Statement[]])[] = [
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
  ['denies plain HTTP with StringEquals', { Condition: { StringEquals: PLAIN.Bool } }],
  ['denies plain HTTP with StringLike', { Condition: { StringLike: { 'aws:SecureTransport': 'f*' } } }],
  ['denies plain HTTP but for services as a text', { Condition: { ...PLAIN, StringEquals: { 'aws:PrincipalIsAWSService': 'false' } } }],
  ['denies old TLS as a text', { Condition: { StringLessThan: { 's3:TlsVersion': '1.2' } } }],
  ['denies plain HTTP with an operator that is not known', { Condition: { Boolean: PLAIN.Bool } }],
  ['denies plain HTTP under a key that is not known', { Condition: { ...PLAIN, StringEquals: { 'aws:Something': 'x' } } }],
  ['denies plain HTTP under a variable', { Condition: { Bool: { 'aws:SecureTransport': '${aws:PrincipalTag/plain}' } } }],
  [
    'denies plain HTTP of objects for sure, and of the bucket who knows',
    { Resource: OBJECTS, ...DENY_PLAIN },
    { Condition: { StringEquals: PLAIN.Bool } },
  ],
]

export const TLS_POLICIES: readonly Row[] = [
  ...SHUT.map(([title, ...statements]): Row => ({ title, facts: { policy: bucketPolicy(...statements) }, verdict: 'pass' })),
  ...OPEN.map(([title, says, ...statements]): Row => ({ title, facts: { policy: bucketPolicy(...statements) }, verdict: 'fail', says })),
  ...UNCLEAR.map(([title, ...statements]): Row => ({
    title,
    facts: { policy: bucketPolicy(...statements) },
    verdict: 'unknown',
    says: 'PolicyNotUnderstood',
  })),
]
