import { ComplianceStatus, Partition, RecordState, SeverityLabel } from '@aws-sdk/client-securityhub'
import type { AnySchemaObject } from 'ajv'
import { closed, listOf, textOf } from './schemas.ts'

/**
 * The AWS Security Finding Format as far as Keytrail writes it: which members are required, lengths and counts. From
 * https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html and the types it names, which @aws-sdk/client-securityhub
 * 3.1108.0 repeats ("Length Constraints" in dist-types/models). Lists of words are the SDK's own.
 */
const oneOf = (words: Readonly<Record<string, string>>): AnySchemaObject => ({ enum: Object.values(words) })
/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html#timestamps */
const time: AnySchemaObject = { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$` }

/** `namespace/category/classifier`; a finding with the last two left out is taken too. */
const FINDING_TYPE: AnySchemaObject = {
  type: 'string',
  pattern: '^(Software and Configuration Checks|TTPs|Effects|Unusual Behaviors|Sensitive Data Identifications)(/[^/]+){0,2}$',
}

export const SECURITY_FINDING: AnySchemaObject = closed(
  {
    SchemaVersion: { const: '2018-10-08' },
    Id: textOf(1, 512),
    // The default product of an account: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-custom-providers.html
    ProductArn: {
      ...textOf(12, 2048),
      pattern: String.raw`^arn:aws[a-z-]*:securityhub:[a-z0-9-]+:(\d{12}):product/\1/default$`,
    },
    GeneratorId: textOf(1, 512),
    AwsAccountId: { type: 'string', pattern: String.raw`^\d{12}$` },
    CreatedAt: time,
    UpdatedAt: time,
    FirstObservedAt: time,
    LastObservedAt: time,
    Title: textOf(1, 256),
    Description: textOf(1, 1024),
    // Who imports findings tells severity and types here and nowhere else. API_BatchImportFindings.html
    FindingProviderFields: closed(
      {
        Severity: closed({ Label: oneOf(SeverityLabel), Original: textOf(1, 64) }, ['Label']),
        Types: listOf(FINDING_TYPE, 1, 50),
      },
      ['Severity', 'Types'],
    ),
    // `SecurityControlId` and `AssociatedStandards` are for controls of Security Hub's own: they are left out.
    Compliance: closed({ Status: oneOf(ComplianceStatus), RelatedRequirements: listOf(textOf(1, 1024), 1, 32) }, ['Status']),
    RecordState: oneOf(RecordState),
    Remediation: closed({ Recommendation: closed({ Text: textOf(1, 512), Url: textOf(1, 2048) }, ['Text', 'Url']) }, ['Recommendation']),
    ProductFields: {
      type: 'object',
      maxProperties: 50,
      propertyNames: textOf(1, 128),
      additionalProperties: textOf(0, 2048),
    },
    Resources: listOf(
      closed(
        {
          Type: { enum: ['AwsKmsKey', 'AwsS3Bucket', 'AwsCloudTrailTrail', 'AwsAccount', 'Other'] },
          Id: textOf(1, 512),
          Partition: oneOf(Partition),
          Region: textOf(1, 16),
        },
        ['Type', 'Id'],
      ),
      1,
      32,
    ),
  },
  'SchemaVersion Id ProductArn GeneratorId AwsAccountId CreatedAt UpdatedAt Title Description Resources FindingProviderFields'.split(' '),
)
