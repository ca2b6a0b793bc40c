import type { BucketKeyStanding, S3BucketFacts } from '../../../shared/rules/facts.ts'
import {
  ACCOUNT,
  bucketCases,
  encryptedWith,
  FOREIGN_KEY_ARN,
  KEY_ARN,
  OTHER_ACCOUNT,
  OTHER_KEY_ARN,
  SSE_KMS,
  SSE_S3,
  STANDING,
} from './ordinary-bucket.ts'

function standing(differing: Partial<BucketKeyStanding>): Pick<S3BucketFacts, 'defaultKey'> {
  return { defaultKey: { ...STANDING, ...differing } }
}

function inState(state: string): { readonly title: string; readonly facts: Pick<S3BucketFacts, 'defaultKey'> } {
  return { title: `has a key in state ${state}`, facts: standing({ state }) }
}

export const cases = bucketCases([
  { title: 'has an enabled key', verdict: 'pass' },
  { ...inState('Updating'), verdict: 'pass' },
  { ...inState('Disabled'), verdict: 'fail', says: 'the state of the default key is Disabled' },
  { ...inState('PendingDeletion'), verdict: 'fail', says: 'the state of the default key is PendingDeletion' },
  { ...inState('PendingReplicaDeletion'), verdict: 'fail' },
  { ...inState('PendingImport'), verdict: 'fail' },
  { ...inState('Unavailable'), verdict: 'fail' },
  { ...inState('Creating'), verdict: 'fail' },
  { ...inState('Resting'), verdict: 'unknown', says: 'KeyStateNotKnown' },
  {
    title: 'names a key that there is not',
    facts: { defaultKey: null },
    verdict: 'fail',
    says: 'KMS knows no key of the name that is set',
  },
  {
    title: 'has an RSA key',
    facts: standing({ spec: 'RSA_2048' }),
    verdict: 'fail',
    says: 'the default key is RSA_2048, and S3 takes symmetric encryption keys only',
  },
  { title: 'has an HMAC key', facts: standing({ spec: 'HMAC_256' }), verdict: 'fail' },
  {
    title: 'has a key of another Region',
    facts: standing({ region: 'us-east-1' }),
    verdict: 'fail',
    says: 'the default key is in us-east-1, the bucket in eu-central-1',
  },
  { title: 'is in another Region than its key', facts: { region: 'eu-west-1' }, verdict: 'fail' },
  {
    title: 'has a key that is wrong in two ways',
    facts: standing({ state: 'Disabled', region: 'us-east-1' }),
    verdict: 'fail',
    says: 'the state of the default key is Disabled; the default key is in us-east-1, the bucket in eu-central-1',
  },
  {
    title: 'has a key of a stranger',
    facts: standing({ accountId: OTHER_ACCOUNT }),
    verdict: 'fail',
    says: `the default key belongs to account ${OTHER_ACCOUNT}, which is not trusted`,
  },
  {
    title: 'has a key of an account that is trusted',
    facts: standing({ accountId: OTHER_ACCOUNT }),
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'pass',
  },
  {
    title: 'has a key of an account that may belong to an organization that is trusted',
    facts: standing({ accountId: OTHER_ACCOUNT }),
    expectations: { trustedAccounts: ['o-a1b2c3d4e5'] },
    verdict: 'unknown',
    says: 'OrganizationOfAccountNotKnown',
  },
  {
    title: 'has an AWS managed key of another account, though it is trusted',
    facts: standing({ accountId: OTHER_ACCOUNT, manager: 'AWS' }),
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'fail',
    says: `the default key is an AWS managed key of account ${OTHER_ACCOUNT}, which other accounts cannot use`,
  },
  {
    title: 'names the AWS managed key of its account',
    facts: { encryption: [{ ...SSE_KMS, key: `arn:aws:kms:eu-central-1:${ACCOUNT}:alias/aws/s3` }], ...standing({ manager: 'AWS' }) },
    verdict: 'pass',
  },
  {
    title: 'names two keys, of which one was looked up',
    facts: { encryption: [SSE_KMS, { ...SSE_KMS, key: OTHER_KEY_ARN }] },
    verdict: 'unknown',
    says: 'MoreThanOneKey',
  },
  {
    title: 'names a disabled key beside the AWS managed key',
    facts: { encryption: [encryptedWith('aws:kms'), SSE_KMS], ...standing({ state: 'Disabled' }) },
    verdict: 'fail',
    says: 'the state of the default key is Disabled',
  },
  { title: 'names one key twice', facts: { encryption: [SSE_KMS, SSE_KMS] }, verdict: 'pass' },
  {
    title: 'has SSE-S3',
    facts: { encryption: [SSE_S3], defaultKey: null },
    verdict: 'not_applicable',
    says: 'no KMS key stands behind the default encryption',
  },
  {
    title: 'has SSE-KMS without a key of its own',
    facts: { encryption: [encryptedWith('aws:kms')], defaultKey: null },
    verdict: 'not_applicable',
    says: 'the default key is the AWS managed key',
  },
  {
    title: 'has a key of a stranger who does not show it',
    facts: { encryption: [{ ...SSE_KMS, key: FOREIGN_KEY_ARN }] },
    unread: ['defaultKey'],
    verdict: 'fail',
    says: `the default key belongs to account ${OTHER_ACCOUNT}, which is not trusted`,
  },
  {
    title: 'has a key of a stranger of whom KMS knows no such key',
    facts: { encryption: [{ ...SSE_KMS, key: FOREIGN_KEY_ARN }], defaultKey: null },
    verdict: 'fail',
    says: `KMS knows no key of the name that is set; the default key belongs to account ${OTHER_ACCOUNT}, which is not trusted`,
  },
  {
    title: 'has an alias of a stranger who does not show it',
    facts: { encryption: [{ ...SSE_KMS, key: `arn:aws:kms:eu-central-1:${OTHER_ACCOUNT}:alias/x` }] },
    unread: ['defaultKey'],
    verdict: 'fail',
  },
  {
    title: 'has a key of another Region that is not shown',
    facts: { encryption: [{ ...SSE_KMS, key: KEY_ARN.replace('eu-central-1', 'us-east-1') }] },
    unread: ['defaultKey'],
    verdict: 'fail',
    says: 'the default key is in us-east-1, the bucket in eu-central-1',
  },
  {
    title: 'has a key of a trusted account that does not show it',
    facts: { encryption: [{ ...SSE_KMS, key: FOREIGN_KEY_ARN }] },
    unread: ['defaultKey'],
    expectations: { trustedAccounts: [OTHER_ACCOUNT] },
    verdict: 'unknown',
    says: 'AccessDeniedException',
  },
  {
    title: 'names a key of a stranger second, which is not looked up',
    facts: { encryption: [SSE_KMS, { ...SSE_KMS, key: FOREIGN_KEY_ARN }] },
    verdict: 'fail',
    says: `the default key belongs to account ${OTHER_ACCOUNT}, which is not trusted`,
  },
  { title: 'has a key of its account that is not shown', unread: ['defaultKey'], verdict: 'unknown', says: 'AccessDeniedException' },
  { title: 'has an unread encryption', unread: ['encryption'], verdict: 'unknown', says: 'AccessDeniedException' },
])
