import { createHash } from 'node:crypto'
import type { ResourceKind } from '../rules/facts.ts'
import type { Severity } from '../rules/rule.ts'
import type { Finding, FindingStatus } from './finding.ts'
import { plainText } from './plain-text.ts'
import { KIND_NAMES, requirementsOf, type ShownRule } from './shown-rule.ts'

/** Lengths of https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html and the types it names. */
const TITLE_LENGTH_MAX = 256
const DESCRIPTION_LENGTH_MAX = 1024
const RESOURCE_ID_LENGTH_MAX = 512
const RECOMMENDATION_LENGTH_MAX = 512
const PRODUCT_FIELD_LENGTH_MAX = 2048
const REQUIREMENTS_MAX = 32
const KIND_LENGTH_MAX = 32
/** 16 characters at most; a part of a name is none. */
const REGION = /^[a-z0-9-]{1,16}$/
/** Those of AWS in `Partition` of @aws-sdk/client-securityhub. */
const PARTITIONS = ['aws', 'aws-cn', 'aws-us-gov', 'aws-us-iso', 'aws-us-iso-b'] as const

const TYPES: Readonly<Record<ResourceKind, string>> = {
  kms_key: 'AwsKmsKey',
  s3_bucket: 'AwsS3Bucket',
  cloudtrail_trail: 'AwsCloudTrailTrail',
  aws_account: 'AwsAccount',
  keytrail_stack: 'Other',
}

const LABELS = { low: 'LOW', medium: 'MEDIUM', high: 'HIGH', critical: 'CRITICAL' } as const satisfies Record<Severity, string>

/**
 * By https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Compliance.html: NOT_AVAILABLE is for a check that "could not be
 * performed", as for an unread or gone resource. An exempt one was checked: neither that, nor passed, nor to be counted as failed;
 * WARNING, "not supported for your configuration", is what is left, and shows in Security Hub that somebody has to answer for it.
 */
const COMPLIANCE = {
  failing: 'FAILED',
  passing: 'PASSED',
  unknown: 'NOT_AVAILABLE',
  exempt: 'WARNING',
  gone: 'NOT_AVAILABLE',
} as const satisfies Record<FindingStatus, string>

/** Whose Security Hub it is: it takes findings of its own account only (BatchImportFindings with the default product). */
export type Hub = { readonly accountId: string; readonly region: string }

/** A finding as Security Hub CSPM takes it. Who else may change fields of it keeps them: no Workflow, Note or VerificationState. */
export type AsffFinding = ReturnType<typeof asffFinding>

/** @param updatedAt when it is imported, in seconds; Security Hub leaves out what is not newer than what it has */
export function asffFinding(finding: Finding, rule: ShownRule, { hub, updatedAt }: { readonly hub: Hub; readonly updatedAt: number }) {
  const { resource, status, evidence } = finding
  const requirements = requirementsOf(rule).slice(0, REQUIREMENTS_MAX)
  return {
    SchemaVersion: '2018-10-08',
    Id: `keytrail/${finding.id}`,
    ProductArn: `arn:${partitionOf(resource.arn)}:securityhub:${hub.region}:${hub.accountId}:product/${hub.accountId}/default`,
    GeneratorId: plainText(finding.ruleId, RESOURCE_ID_LENGTH_MAX),
    AwsAccountId: hub.accountId,
    CreatedAt: iso(finding.createdAt),
    UpdatedAt: iso(updatedAt),
    ...(finding.firstFailedAt !== null && { FirstObservedAt: iso(finding.firstFailedAt) }),
    ...(finding.lastFailedAt !== null && { LastObservedAt: iso(finding.lastFailedAt) }),
    Title: plainText(rule.title, TITLE_LENGTH_MAX),
    Description: `${KIND_NAMES[resource.kind]}: ${plainText(finding.reason, DESCRIPTION_LENGTH_MAX - KIND_LENGTH_MAX)}`,
    FindingProviderFields: {
      Severity: { Label: LABELS[finding.severity], Original: finding.severity },
      Types: ['Software and Configuration Checks/AWS Security Best Practices'],
    },
    Compliance: { Status: COMPLIANCE[status], ...(requirements.length > 0 && { RelatedRequirements: [...requirements] }) },
    RecordState: status === 'gone' ? ('ARCHIVED' as const) : ('ACTIVE' as const),
    ...(rule.advice !== '' && {
      Remediation: { Recommendation: { Text: plainText(rule.advice, RECOMMENDATION_LENGTH_MAX), Url: rule.source } },
    }),
    ProductFields: {
      ProviderName: 'Keytrail',
      'keytrail/status': status,
      'keytrail/since': iso(finding.since),
      'keytrail/eventId': plainText(evidence.eventId ?? 'none: found by a sweep', PRODUCT_FIELD_LENGTH_MAX),
      'keytrail/policyDigest': plainText(evidence.policyDigest, PRODUCT_FIELD_LENGTH_MAX),
      'keytrail/facts': plainText(evidence.facts, PRODUCT_FIELD_LENGTH_MAX),
    },
    Resources: [
      {
        Type: TYPES[resource.kind],
        Id: resourceId(resource.arn),
        Partition: partitionOf(resource.arn),
        ...(REGION.test(resource.region) && { Region: resource.region }),
      },
    ],
  }
}

function iso(epochS: number): string {
  return new Date(1000 * epochS).toISOString()
}

/** Two ARNs that are cut stay two. */
function resourceId(arn: string): string {
  const shown = plainText(arn, RESOURCE_ID_LENGTH_MAX)
  if (shown === arn) return shown
  const digest = createHash('sha256').update(arn).digest('hex').slice(0, 16)
  return `${plainText(arn, RESOURCE_ID_LENGTH_MAX - digest.length - 1)} ${digest}`
}

function partitionOf(arn: string): (typeof PARTITIONS)[number] {
  const named = arn.split(':', 2)[1]
  return PARTITIONS.find((partition) => partition === named) ?? 'aws'
}
