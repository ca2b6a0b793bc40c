const KMS_CONTROLS = 'https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html'
const S3_CONTROLS = 'https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html'
const CLOUDTRAIL_CONTROLS = 'https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html'
const SAMPLE_FINDINGS = 'https://docs.aws.amazon.com/securityhub/latest/userguide/sample-control-findings.html'
/** Its table compares the numbers of the versions. */
const CIS_CONTROLS = 'https://docs.aws.amazon.com/securityhub/latest/userguide/cis-aws-foundations-benchmark.html'
const FSBP_CONTROLS = 'https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html'
const FSBP = { framework: 'AWS Foundational Security Best Practices', version: '1.0.0' }
const CIS = { framework: 'CIS AWS Foundations Benchmark' }
const NIST = { framework: 'NIST SP 800-53', version: 'Revision 5' }
const PCI = { framework: 'PCI DSS' }

/** Items of frameworks, each with the version that numbers it so, and the page that maps it to what a rule judges. */
export const CONTROLS = {
  // KMS.4, rotation, is a control of Security Hub CSPM and no item of this standard.
  'FSBP:KMS.3': { ...FSBP, item: 'KMS.3', source: FSBP_CONTROLS },
  'FSBP:KMS.5': { ...FSBP, item: 'KMS.5', source: FSBP_CONTROLS },
  'CIS-1.2.0:2.8': { ...CIS, version: '1.2.0', item: '2.8', source: KMS_CONTROLS },
  'CIS-1.4.0:3.8': { ...CIS, version: '1.4.0', item: '3.8', source: KMS_CONTROLS },
  'CIS-3.0.0:3.6': { ...CIS, version: '3.0.0', item: '3.6', source: KMS_CONTROLS },
  'CIS-5.0.0:3.6': { ...CIS, version: '5.0.0', item: '3.6', source: KMS_CONTROLS },
  'NIST-800-53-r5:SC-12': { ...NIST, item: 'SC-12', source: KMS_CONTROLS },
  'NIST-800-53-r5:SC-12(2)': { ...NIST, item: 'SC-12(2)', source: KMS_CONTROLS },
  'NIST-800-53-r5:SC-28(3)': { ...NIST, item: 'SC-28(3)', source: KMS_CONTROLS },
  'PCI-DSS-3.2.1:3.6.4': { ...PCI, version: '3.2.1', item: '3.6.4', source: KMS_CONTROLS },
  'PCI-DSS-4.0.1:3.7.4': { ...PCI, version: '4.0.1', item: '3.7.4', source: KMS_CONTROLS },
  'FSBP:CloudTrail.1': { ...FSBP, item: 'CloudTrail.1', source: FSBP_CONTROLS },
  'FSBP:CloudTrail.2': { ...FSBP, item: 'CloudTrail.2', source: FSBP_CONTROLS },
  'FSBP:CloudTrail.4': { ...FSBP, item: 'CloudTrail.4', source: FSBP_CONTROLS },
  'FSBP:S3.5': { ...FSBP, item: 'S3.5', source: FSBP_CONTROLS },
  'CIS-1.2.0:2.1': { ...CIS, version: '1.2.0', item: '2.1', source: CIS_CONTROLS },
  'CIS-1.4.0:3.1': { ...CIS, version: '1.4.0', item: '3.1', source: CIS_CONTROLS },
  'CIS-3.0.0:3.1': { ...CIS, version: '3.0.0', item: '3.1', source: CIS_CONTROLS },
  'CIS-5.0.0:3.1': { ...CIS, version: '5.0.0', item: '3.1', source: CIS_CONTROLS },
  'CIS-1.2.0:2.2': { ...CIS, version: '1.2.0', item: '2.2', source: CIS_CONTROLS },
  'CIS-1.4.0:3.2': { ...CIS, version: '1.4.0', item: '3.2', source: CIS_CONTROLS },
  'CIS-3.0.0:3.2': { ...CIS, version: '3.0.0', item: '3.2', source: CIS_CONTROLS },
  'CIS-5.0.0:3.2': { ...CIS, version: '5.0.0', item: '3.2', source: CIS_CONTROLS },
  'CIS-1.2.0:2.7': { ...CIS, version: '1.2.0', item: '2.7', source: CIS_CONTROLS },
  'CIS-1.4.0:3.7': { ...CIS, version: '1.4.0', item: '3.7', source: CIS_CONTROLS },
  'CIS-3.0.0:3.5': { ...CIS, version: '3.0.0', item: '3.5', source: CIS_CONTROLS },
  'CIS-5.0.0:3.5': { ...CIS, version: '5.0.0', item: '3.5', source: CIS_CONTROLS },
  'CIS-1.4.0:2.1.2': { ...CIS, version: '1.4.0', item: '2.1.2', source: S3_CONTROLS },
  'CIS-3.0.0:2.1.1': { ...CIS, version: '3.0.0', item: '2.1.1', source: S3_CONTROLS },
  'CIS-5.0.0:2.1.1': { ...CIS, version: '5.0.0', item: '2.1.1', source: S3_CONTROLS },
  'NIST-800-53-r5:AC-17(2)': { ...NIST, item: 'AC-17(2)', source: S3_CONTROLS },
  'NIST-800-53-r5:AU-12': { ...NIST, item: 'AU-12', source: CLOUDTRAIL_CONTROLS },
  'NIST-800-53-r5:SC-8': { ...NIST, item: 'SC-8', source: S3_CONTROLS },
  'NIST-800-53-r5:SC-8(1)': { ...NIST, item: 'SC-8(1)', source: S3_CONTROLS },
  'NIST-800-53-r5:SC-28': { ...NIST, item: 'SC-28', source: S3_CONTROLS },
  'NIST-800-53-r5:SC-28(1)': { ...NIST, item: 'SC-28(1)', source: S3_CONTROLS },
  'PCI-DSS-3.2.1:4.1': { ...PCI, version: '3.2.1', item: '4.1', source: S3_CONTROLS },
  'PCI-DSS-4.0.1:4.2.1': { ...PCI, version: '4.0.1', item: '4.2.1', source: S3_CONTROLS },
  'PCI-DSS-4.0.1:10.3.2': { ...PCI, version: '4.0.1', item: '10.3.2', source: SAMPLE_FINDINGS },
} as const satisfies Record<string, Control>

export type Control = { readonly framework: string; readonly version: string; readonly item: string; readonly source: string }
export type ControlId = keyof typeof CONTROLS
