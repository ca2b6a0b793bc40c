import { listed } from '../listed.ts'
import { withOtherKeys } from '../policy/bucket-everybody.ts'
import { plainHttpRequests } from '../policy/bucket-requests.ts'
import { denial } from '../policy/denial.ts'
import type { PolicyDocument } from '../policy/document.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged, type Verdict } from '../verdict.ts'
import { expectedOf } from './expected.ts'
import { bearsOnTransport, faultOf, withTypedConditions } from './transport-statement.ts'
import { POLICY_EVENTS } from './watched.ts'

/**
 * S3 answers plain HTTP unless a policy denies it. Judged by what a denial does: one on `s3:TlsVersion` alone, by `NumericLessThan`, refuses
 * old TLS, and is not met by plain HTTP, which has no TLS version. CIS 2.1.1 takes it for enough by its words; it is not, and the policy is
 * one word away from one that is (`NumericLessThanIfExists`).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 *
 * The form that AWS documents, `Bool` of `aws:PrincipalIsAWSService`, passes. It does not bind anonymous requests, which have no such key:
 * those come in only where the bucket is open to the world, which is the greater fault.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
 */
export const s3BucketTlsOnly = defineRule({
  id: 's3-bucket-tls-only',
  title: 'Bucket refuses plain HTTP',
  severity: 'medium',
  resource: 's3_bucket',
  controls: [
    'FSBP:S3.5',
    'CIS-1.4.0:2.1.2',
    'CIS-3.0.0:2.1.1',
    'CIS-5.0.0:2.1.1',
    'NIST-800-53-r5:AC-17(2)',
    'NIST-800-53-r5:SC-8',
    'NIST-800-53-r5:SC-8(1)',
    'PCI-DSS-3.2.1:4.1',
    'PCI-DSS-4.0.1:4.2.1',
  ],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html',
  watches: [{ source: 's3.amazonaws.com', names: POLICY_EVENTS }],
  advice:
    'Deny s3:* on the bucket and its objects to everybody with Bool aws:SecureTransport false and BoolIfExists aws:PrincipalIsAWSService false. A denial by s3:TlsVersion alone needs NumericLessThanIfExists: plain HTTP has no TLS version.',
  scope: {
    facts: [],
    outOfScope: ['buckets that keytrail.yml lets answer plain HTTP, such as websites, whose endpoints speak nothing else'],
    exclude: (_, { resource, expectations }) =>
      expectedOf(resource.arn, expectations.buckets).requiresTls ? null : 'this bucket may answer plain HTTP',
  },
  facts: ['policy'],
  evaluate({ policy }, { resource }) {
    if (policy === null) return fail('the bucket has no policy, so that it answers plain HTTP')
    return policy === 'unreadable'
      ? unjudged('s3:GetBucketPolicy', 'PolicyNotUnderstood')
      : ofPolicy(withTypedConditions(policy), resource.arn)
  },
  remediation: { summary: 'Deny plain HTTP in the bucket policy', writes: ['s3:PutBucketPolicy'] },
})

function ofPolicy(policy: PolicyDocument, bucketArn: string): Verdict {
  const requests = withOtherKeys(plainHttpRequests(bucketArn))
  switch (denial(policy, requests)) {
    case 'all':
      return pass
    case 'unclear':
      return unjudged('s3:GetBucketPolicy', 'PolicyNotUnderstood')
    case 'some':
      return denial(policy, { ...requests, resources: [bucketArn] }) === 'all'
        ? fail('plain HTTP is denied for the bucket, and not for all of its objects')
        : fail('plain HTTP is denied for objects, and not for the bucket itself')
    case 'none': {
      const faults = policy.statements.flatMap((statement, index) =>
        bearsOnTransport(statement) ? [`statement ${index + 1} ${faultOf(statement, requests)}`] : [],
      )
      return fail(`no statement denies plain HTTP${faults.length > 0 ? `: ${listed(faults)}` : ''}`)
    }
  }
}
