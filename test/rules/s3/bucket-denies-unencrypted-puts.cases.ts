import type { Expectations } from '../../../shared/rules/expectations.ts'
import type { S3BucketFacts } from '../../../shared/rules/facts.ts'
import type { RuleCase } from '../rule-cases.ts'
import { BUCKET, bucketCases, bucketPolicy, expecting, KEY_ARN, OBJECTS } from './ordinary-bucket.ts'

const ALGORITHM = 's3:x-amz-server-side-encryption'
const KEY = 's3:x-amz-server-side-encryption-aws-kms-key-id'
const KMS = expecting({ algorithms: ['aws:kms', 'aws:kms:dsse'] })
const DSSE = expecting({ algorithms: ['aws:kms:dsse'] })
const TAKES_SSE_S3 = 'who asks for it may put objects under AES256'

type Statement = Readonly<Record<string, unknown>>
type Policed = { readonly facts: Pick<S3BucketFacts, 'policy'>; readonly expectations: Pick<Expectations, 'buckets'> }

/** Objects put under this condition are denied, where KMS is expected. */
function denies(condition: Statement, differing: Statement = {}): Policed {
  return {
    facts: { policy: bucketPolicy({ Action: 's3:PutObject', Resource: OBJECTS, Condition: condition, ...differing }) },
    expectations: KMS,
  }
}

const ROWS: readonly RuleCase<'s3_bucket'>[] = [
  { title: 'denies SSE-S3 where it is asked for', ...denies({ StringEquals: { [ALGORITHM]: 'AES256' } }), verdict: 'pass' },
  // Whoever relies on the default sends no header, and is let in.
  {
    title: 'denies another algorithm, if one is sent',
    ...denies({ StringNotEqualsIfExists: { [ALGORITHM]: 'aws:kms' } }),
    verdict: 'pass',
  },
  {
    title: 'denies another algorithm, where the header is there',
    ...denies({ StringNotEquals: { [ALGORITHM]: ['aws:kms', 'aws:kms:dsse'] }, Null: { [ALGORITHM]: 'false' } }),
    verdict: 'pass',
  },
  // These refuse clients that rely on the default, which is no weaker encryption.
  { title: 'denies another algorithm or none', ...denies({ StringNotEquals: { [ALGORITHM]: 'aws:kms' } }), verdict: 'pass' },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
  { title: 'denies what names no key', ...denies({ Null: { [KEY]: 'true' } }), verdict: 'pass' },
  { title: 'denies another key, if one is sent', ...denies({ ArnNotEqualsIfExists: { [KEY]: KEY_ARN } }), verdict: 'pass' },
  { title: 'denies every put', ...denies({}), verdict: 'pass' },
  { title: 'denies SSE-S3 by a pattern', ...denies({ StringLike: { [ALGORITHM]: 'AES*' } }), verdict: 'pass' },
  // The policy of many a page of before 2023: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
  { title: 'denies no header only', ...denies({ Null: { [ALGORITHM]: 'true' } }), verdict: 'fail', says: TAKES_SSE_S3 },
  { title: 'asks for SSE-S3', ...denies({ StringNotEquals: { [ALGORITHM]: 'AES256' } }), verdict: 'fail', says: TAKES_SSE_S3 },
  { title: 'denies what nobody asks for', ...denies({ StringEquals: { [ALGORITHM]: 'aes256' } }), verdict: 'fail', says: TAKES_SSE_S3 },
  {
    title: 'denies SSE-S3 for a folder only',
    ...denies({ StringEquals: { [ALGORITHM]: 'AES256' } }, { Resource: `${BUCKET}/private/*` }),
    verdict: 'fail',
  },
  {
    title: 'denies SSE-S3 for the bucket, which is no object',
    ...denies({ StringEquals: { [ALGORITHM]: 'AES256' } }, { Resource: BUCKET }),
    verdict: 'fail',
  },
  {
    title: 'denies SSE-S3 to other accounts',
    ...denies({ StringEquals: { [ALGORITHM]: 'AES256' }, StringNotEquals: { 'aws:PrincipalAccount': '111122223333' } }),
    verdict: 'fail',
    says: TAKES_SSE_S3,
  },
  { title: 'denies reading', ...denies({ StringEquals: { [ALGORITHM]: 'AES256' } }, { Action: 's3:GetObject' }), verdict: 'fail' },
  { title: 'allows SSE-KMS', ...denies({ StringEquals: { [ALGORITHM]: 'aws:kms' } }, { Effect: 'Allow' }), verdict: 'fail' },
  { title: 'denies plain HTTP only', expectations: KMS, verdict: 'fail', says: TAKES_SSE_S3 },
  { title: 'has no policy', facts: { policy: null }, expectations: KMS, verdict: 'fail', says: TAKES_SSE_S3 },
  {
    title: 'denies SSE-S3, where DSSE-KMS is expected',
    ...denies({ StringEquals: { [ALGORITHM]: 'AES256' } }),
    expectations: DSSE,
    verdict: 'fail',
    says: 'who asks for it may put objects under aws:kms',
  },
  {
    title: 'has no policy, where DSSE-KMS is expected',
    facts: { policy: null },
    expectations: DSSE,
    verdict: 'fail',
    says: 'who asks for it may put objects under AES256 or aws:kms',
  },
  {
    title: 'denies all but DSSE-KMS',
    ...denies({ StringNotEqualsIfExists: { [ALGORITHM]: 'aws:kms:dsse' } }),
    expectations: DSSE,
    verdict: 'pass',
  },
  {
    title: 'denies in words that are not known here',
    ...denies({ StringSounds: { [ALGORITHM]: 'AES256' } }),
    verdict: 'unknown',
    says: 'PolicyNotUnderstood',
  },
  {
    title: 'denies one of two in words that are not known here',
    facts: {
      policy: bucketPolicy(
        { Action: 's3:PutObject', Resource: OBJECTS, Condition: { StringEquals: { [ALGORITHM]: 'AES256' } } },
        {
          Action: 's3:PutObject',
          Resource: OBJECTS,
          Condition: { StringSounds: { [KEY]: 'x' }, StringEquals: { [ALGORITHM]: 'aws:kms' } },
        },
      ),
    },
    expectations: DSSE,
    verdict: 'unknown',
    says: 'PolicyNotUnderstood',
  },
  {
    title: 'has a policy that is none',
    facts: { policy: 'unreadable' },
    expectations: KMS,
    verdict: 'unknown',
    says: 'PolicyNotUnderstood',
  },
  { title: 'has an unread policy', expectations: KMS, unread: ['policy'], verdict: 'unknown', says: 'AccessDeniedException' },
  {
    title: 'is one of which any encryption is good enough',
    facts: { policy: null },
    verdict: 'not_applicable',
    says: 'SSE-S3 is good enough for this bucket, and S3 encrypts no object less',
  },
  { title: 'is one of which nothing is expected', expectations: expecting({ algorithms: [] }), verdict: 'not_applicable' },
  {
    title: 'is one of which something is expected that is not known here',
    expectations: expecting({ algorithms: ['aws:fsx'] }),
    verdict: 'not_applicable',
  },
  {
    title: 'takes access logs',
    facts: { policy: null, isLogTarget: true },
    expectations: KMS,
    verdict: 'not_applicable',
    says: 'access logs are delivered here, which takes SSE-S3',
  },
  { title: 'may take access logs or not', expectations: KMS, unread: ['isLogTarget'], verdict: 'unknown', says: 'AccessDeniedException' },
]

export const cases = bucketCases(ROWS)
