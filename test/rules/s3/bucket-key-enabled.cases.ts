import { bucketCases, DSSE_KMS, encryptedWith, expectingOf, SSE_KMS, SSE_S3 } from './ordinary-bucket.ts'

const WITHOUT = { ...SSE_KMS, isBucketKeyEnabled: false }

export const cases = bucketCases([
  { title: 'has a Bucket Key', verdict: 'pass' },
  { title: 'has none', facts: { encryption: [WITHOUT] }, verdict: 'fail', says: 'the Bucket Key is off' },
  { title: 'has none under the AWS managed key', facts: { encryption: [encryptedWith('aws:kms')] }, verdict: 'fail' },
  { title: 'has one for one rule only', facts: { encryption: [SSE_KMS, WITHOUT] }, verdict: 'fail' },
  { title: 'has one beside a rule that takes none', facts: { encryption: [SSE_KMS, SSE_S3] }, verdict: 'pass' },
  // https://github.com/cloud-custodian/cloud-custodian/issues/9543
  {
    title: 'has SSE-S3',
    facts: { encryption: [SSE_S3] },
    verdict: 'not_applicable',
    says: 'the default encryption is AES256, not SSE-KMS',
  },
  {
    title: 'has SSE-S3, its Bucket Key said to be on',
    facts: { encryption: [{ ...SSE_S3, isBucketKeyEnabled: true }] },
    verdict: 'not_applicable',
  },
  {
    title: 'has DSSE-KMS',
    facts: { encryption: [DSSE_KMS] },
    verdict: 'not_applicable',
    says: 'the default encryption is aws:kms:dsse, not SSE-KMS',
  },
  {
    title: 'has an algorithm that nobody knew',
    facts: { encryption: [encryptedWith('aws:fsx')] },
    verdict: 'not_applicable',
    says: 'the default encryption is aws:fsx, not SSE-KMS',
  },
  {
    title: 'is asked for none',
    facts: { encryption: [WITHOUT] },
    expectations: expectingOf('northwind-*', { requiresBucketKey: false }),
    verdict: 'not_applicable',
    says: 'no Bucket Key is asked of this bucket',
  },
  { title: 'has an unread encryption', unread: ['encryption'], verdict: 'unknown', says: 'AccessDeniedException' },
])
