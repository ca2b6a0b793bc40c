import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { OTHER_REGIONS, whyElsewhere } from './in-scope.ts'

/** Who may read log files is then a matter of two policies, and every reading a call of KMS. */
export const cloudtrailEncryptedWithKms = defineRule({
  id: 'cloudtrail-encrypted-with-kms',
  title: 'Trail encrypts its log files under a KMS key',
  severity: 'medium',
  resource: 'cloudtrail_trail',
  controls: ['FSBP:CloudTrail.2', 'CIS-1.2.0:2.7', 'CIS-1.4.0:3.7', 'CIS-3.0.0:3.5', 'CIS-5.0.0:3.5', 'PCI-DSS-4.0.1:10.3.2'],
  source: 'https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html',
  watches: [{ source: 'cloudtrail.amazonaws.com', names: ['CreateTrail', 'UpdateTrail'] }],
  advice: 'Set a KMS key for the trail, in the Region of its bucket, whose policy lets CloudTrail encrypt and the readers decrypt.',
  scope: { facts: ['homeRegion'], outOfScope: [OTHER_REGIONS], exclude: (trail, { resource }) => whyElsewhere(trail, resource) },
  facts: ['kmsKey'],
  evaluate: ({ kmsKey }) => (kmsKey === null ? fail('no KMS key is set: log files are under what the bucket encrypts with') : pass),
})
