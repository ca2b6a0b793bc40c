import { BUCKET, bucketCases, bucketPolicy, expectingOf, OBJECTS, SSE_KMS, SSE_S3 } from './ordinary-bucket.ts'

const CUSTOMER_ALGORITHM = 's3:x-amz-server-side-encryption-customer-algorithm'
const OPEN = { encryption: [{ ...SSE_KMS, blockedTypes: [] }] }
const DENIED = { Action: 's3:PutObject', Resource: OBJECTS, Condition: { Null: { [CUSTOMER_ALGORITHM]: 'false' } } }
const NOT_BLOCKED = 'SSE-C is blocked neither by the default encryption nor by the bucket policy'

export const cases = bucketCases([
  { title: 'blocks SSE-C', verdict: 'pass' },
  { title: 'blocks SSE-C and has no policy', facts: { policy: null }, verdict: 'pass' },
  { title: 'blocks SSE-C and has a policy that is none', facts: { policy: 'unreadable' }, verdict: 'pass' },
  { title: 'blocks nothing', facts: OPEN, verdict: 'fail', says: NOT_BLOCKED },
  {
    title: 'says that it blocks nothing',
    facts: { encryption: [{ ...SSE_S3, blockedTypes: ['NONE'] }] },
    verdict: 'fail',
    says: NOT_BLOCKED,
  },
  { title: 'blocks something that nobody knew', facts: { encryption: [{ ...SSE_S3, blockedTypes: ['SSE-X'] }] }, verdict: 'fail' },
  { title: 'blocks SSE-C in one of two rules', facts: { encryption: [SSE_KMS, { ...SSE_S3, blockedTypes: [] }] }, verdict: 'fail' },
  { title: 'has no policy either', facts: { ...OPEN, policy: null }, verdict: 'fail', says: NOT_BLOCKED },
  {
    title: 'blocks nothing, and keytrail.yml names it',
    facts: OPEN,
    expectations: expectingOf('northwind-*', { blocksSseC: true }),
    verdict: 'fail',
  },
  { title: 'denies SSE-C by its policy', facts: { ...OPEN, policy: bucketPolicy(DENIED) }, verdict: 'pass' },
  {
    title: 'denies SSE-C for a folder',
    facts: { ...OPEN, policy: bucketPolicy({ ...DENIED, Resource: `${BUCKET}/private/*` }) },
    verdict: 'fail',
  },
  {
    title: 'denies SSE-C to one role',
    facts: { ...OPEN, policy: bucketPolicy({ ...DENIED, Principal: { AWS: 'arn:aws:iam::111122223333:role/App' } }) },
    verdict: 'fail',
  },
  {
    title: 'denies what is not SSE-C',
    facts: { ...OPEN, policy: bucketPolicy({ ...DENIED, Condition: { Null: { [CUSTOMER_ALGORITHM]: 'true' } } }) },
    verdict: 'fail',
  },
  {
    title: 'denies SSE-C in words that are not known here',
    facts: { ...OPEN, policy: bucketPolicy({ ...DENIED, Condition: { Nil: { [CUSTOMER_ALGORITHM]: 'false' } } }) },
    verdict: 'unknown',
    says: 'PolicyNotUnderstood',
  },
  {
    title: 'blocks nothing and has a policy that is none',
    facts: { ...OPEN, policy: 'unreadable' },
    verdict: 'unknown',
    says: 'PolicyNotUnderstood',
  },
  {
    title: 'may take SSE-C',
    facts: OPEN,
    expectations: expectingOf('northwind-*', { blocksSseC: false }),
    verdict: 'not_applicable',
    says: 'this bucket may take SSE-C',
  },
  { title: 'has an unread encryption', unread: ['encryption'], verdict: 'unknown', says: 'AccessDeniedException' },
  { title: 'has an unread policy', facts: OPEN, unread: ['policy'], verdict: 'unknown', says: 'AccessDeniedException' },
])
