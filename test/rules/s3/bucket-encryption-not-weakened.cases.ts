import type { S3BucketFacts } from '../../../shared/rules/facts.ts'
import { daysAgo } from '../rule-cases.ts'
import {
  ACCOUNT,
  bucketCases,
  DSSE_KMS,
  encryptedWith,
  expecting,
  expectingOf,
  FOREIGN_KEY_ARN,
  KEY_ARN,
  OTHER_ACCOUNT,
  OTHER_KEY_ARN,
  SEEN_DAY,
  SSE_KMS,
  SSE_S3,
} from './ordinary-bucket.ts'

function seen(algorithm: string, key: string | null = null): Pick<S3BucketFacts, 'strongestSeen'> {
  return { strongestSeen: { algorithm, key, seenAt: daysAgo(30) } }
}

const AWS_MANAGED = encryptedWith('aws:kms')
const TO_AWS_MANAGED = `the default key changed to the AWS managed key, whose policy nobody can set; on ${SEEN_DAY} it was ${KEY_ARN}`
const FOREIGN = { ...SSE_KMS, key: FOREIGN_KEY_ARN }

export const cases = bucketCases([
  { title: 'has what it had', verdict: 'pass' },
  { title: 'has SSE-S3 as ever', facts: { encryption: [SSE_S3], ...seen('AES256') }, verdict: 'pass' },
  { title: 'went from SSE-S3 to SSE-KMS', facts: seen('AES256'), verdict: 'pass' },
  { title: 'went from SSE-KMS to DSSE-KMS', facts: { encryption: [DSSE_KMS] }, verdict: 'pass' },
  {
    title: 'went from SSE-KMS to SSE-S3',
    facts: { encryption: [SSE_S3] },
    verdict: 'fail',
    says: `the default encryption is AES256, on ${SEEN_DAY} it was aws:kms`,
  },
  {
    title: 'went from DSSE-KMS to SSE-KMS',
    facts: seen('aws:kms:dsse', KEY_ARN),
    verdict: 'fail',
    says: `the default encryption is aws:kms, on ${SEEN_DAY} it was aws:kms:dsse`,
  },
  { title: 'has a second rule that is weaker', facts: { encryption: [SSE_KMS, SSE_S3] }, verdict: 'fail' },
  {
    title: 'lost algorithm and key at once',
    facts: { encryption: [AWS_MANAGED], ...seen('aws:kms:dsse', KEY_ARN) },
    verdict: 'fail',
    says: `the default encryption is aws:kms, on ${SEEN_DAY} it was aws:kms:dsse; ${TO_AWS_MANAGED}`,
  },
  { title: 'went to SSE-S3 and takes access logs', facts: { encryption: [SSE_S3], isLogTarget: true }, verdict: 'pass' },
  {
    title: 'went from DSSE-KMS to SSE-KMS and takes access logs',
    facts: { ...seen('aws:kms:dsse', KEY_ARN), isLogTarget: true },
    verdict: 'fail',
  },
  {
    title: 'went to SSE-S3, as keytrail.yml says of it',
    facts: { encryption: [SSE_S3] },
    expectations: expectingOf('northwind-orders', { algorithms: ['AES256'] }),
    verdict: 'pass',
  },
  {
    title: 'went to SSE-S3, which keytrail.yml allows every bucket',
    facts: { encryption: [SSE_S3] },
    expectations: expecting({ algorithms: ['AES256'] }),
    verdict: 'fail',
  },
  {
    title: 'went to SSE-S3, of which keytrail.yml says something else',
    facts: { encryption: [SSE_S3] },
    expectations: expectingOf('northwind-orders', { requiresBucketKey: false }),
    verdict: 'fail',
  },
  { title: 'has another key of the account', facts: { encryption: [{ ...SSE_KMS, key: OTHER_KEY_ARN }] }, verdict: 'pass' },
  { title: 'has a key by its alias', facts: { encryption: [{ ...SSE_KMS, key: 'alias/orders' }] }, verdict: 'pass' },
  { title: 'went to the AWS managed key', facts: { encryption: [AWS_MANAGED] }, verdict: 'fail', says: TO_AWS_MANAGED },
  {
    title: 'went to the AWS managed key by its alias',
    facts: { encryption: [{ ...SSE_KMS, key: 'alias/aws/s3' }] },
    verdict: 'fail',
    says: TO_AWS_MANAGED,
  },
  {
    title: 'went to the AWS managed key by the ARN of its alias',
    facts: { encryption: [{ ...SSE_KMS, key: `arn:aws:kms:eu-central-1:${ACCOUNT}:alias/aws/s3` }] },
    verdict: 'fail',
  },
  { title: 'went to DSSE-KMS under the AWS managed key', facts: { encryption: [{ ...DSSE_KMS, key: null }] }, verdict: 'fail' },
  { title: 'went from the AWS managed key to one of the account', facts: seen('aws:kms'), verdict: 'pass' },
  {
    title: 'has the AWS managed key, now by its name',
    facts: { encryption: [AWS_MANAGED], ...seen('aws:kms', 'alias/aws/s3') },
    verdict: 'pass',
  },
  {
    title: 'went to a key of a stranger',
    facts: { encryption: [FOREIGN] },
    verdict: 'fail',
    says: `the default key changed to one of account ${OTHER_ACCOUNT}, which is not trusted; on ${SEEN_DAY} it was ${KEY_ARN}`,
  },
  {
    title: 'went from SSE-S3 to a key of a stranger',
    facts: { encryption: [FOREIGN], ...seen('AES256') },
    verdict: 'fail',
    says: `the default key changed to one of account ${OTHER_ACCOUNT}, which is not trusted; on ${SEEN_DAY} it was AES256`,
  },
  {
    title: 'went from the AWS managed key to one of a stranger',
    facts: { encryption: [FOREIGN], ...seen('aws:kms') },
    verdict: 'fail',
    says: `the default key changed to one of account ${OTHER_ACCOUNT}, which is not trusted; on ${SEEN_DAY} it was the AWS managed key`,
  },
  {
    title: 'went from the AWS managed key by its alias to an alias of a stranger',
    facts: {
      encryption: [{ ...FOREIGN, key: `arn:aws:kms:eu-central-1:${OTHER_ACCOUNT}:alias/aws/s3` }],
      ...seen('aws:kms', 'alias/aws/s3'),
    },
    verdict: 'fail',
  },
  {
    title: 'went from SSE-S3 to a key of an account that is trusted',
    facts: { encryption: [FOREIGN], ...seen('AES256') },
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'pass',
  },
  {
    title: 'went to a key of an account that may belong to an organization that is trusted',
    facts: { encryption: [FOREIGN] },
    expectations: { trustedAccounts: ['o-a1b2c3d4e5'] },
    verdict: 'unknown',
    says: 'OrganizationOfAccountNotKnown',
  },
  // The date changes with the bucket's policy too, so that it cannot be told from a bucket of the same name that was made anew.
  {
    title: 'is weaker, and may be another bucket of the same name',
    facts: { encryption: [SSE_S3], createdAt: daysAgo(29) },
    verdict: 'unknown',
    says: 'BucketMayBeAnother',
  },
  { title: 'is weaker, and was made before', facts: { encryption: [SSE_S3], createdAt: daysAgo(30) }, verdict: 'fail' },
  { title: 'is weaker, and nobody says when it was made', facts: { encryption: [SSE_S3], createdAt: null }, verdict: 'fail' },
  { title: 'is weaker, and may have been made at any time', facts: { encryption: [SSE_S3] }, unread: ['createdAt'], verdict: 'unknown' },
  { title: 'has what it had, whenever it was made', unread: ['createdAt'], verdict: 'pass' },
  {
    title: 'went to a key of an account that is trusted',
    facts: { encryption: [FOREIGN] },
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'pass',
  },
  {
    title: 'went to a key of a stranger, which keytrail.yml names',
    facts: { encryption: [FOREIGN] },
    expectations: expecting({ keyArns: [FOREIGN_KEY_ARN] }),
    verdict: 'pass',
  },
  {
    title: 'went from one key of a stranger to another',
    facts: { encryption: [FOREIGN], ...seen('aws:kms', `${FOREIGN_KEY_ARN}0`) },
    verdict: 'pass',
  },
  {
    title: 'has an algorithm that nobody knew',
    facts: { encryption: [encryptedWith('aws:fsx')] },
    verdict: 'unknown',
    says: 'AlgorithmNotKnown',
  },
  { title: 'had an algorithm that nobody knew', facts: seen('aws:backup'), verdict: 'unknown', says: 'AlgorithmNotKnown' },
  {
    title: 'has the algorithm still that nobody knew',
    facts: { encryption: [encryptedWith('aws:fsx')], ...seen('aws:fsx') },
    verdict: 'pass',
  },
  {
    title: 'was never seen before',
    facts: { encryption: [SSE_S3], strongestSeen: null },
    verdict: 'not_applicable',
    says: 'Keytrail sees this bucket for the first time',
  },
  { title: 'has an unread past', unread: ['strongestSeen'], verdict: 'unknown', says: 'AccessDeniedException' },
  { title: 'has an unread encryption', unread: ['encryption'], verdict: 'unknown', says: 'AccessDeniedException' },
  { title: 'may take access logs or not', facts: { encryption: [SSE_S3] }, unread: ['isLogTarget'], verdict: 'unknown' },
])
