import { parseAccountId } from '../../shared/arn.ts'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { parseEventTime } from '../../shared/time.ts'

const SCHEMA_VERSION = '2018-10-08'
export const SEVERITY_LABELS = ['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL']
const COMPLIANCE_STATUSES = ['PASSED', 'WARNING', 'FAILED', 'NOT_AVAILABLE']
const WORKFLOW_STATUSES = ['NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED']
const VERIFICATION_STATES = ['UNKNOWN', 'TRUE_POSITIVE', 'FALSE_POSITIVE', 'BENIGN_POSITIVE']
const RECORD_STATES = ['ACTIVE', 'ARCHIVED']
const RESOURCES_MAX = 32
const TYPES_MAX = 50
const RELATED_FINDINGS_MAX = 10
const NOTE_LENGTH_MAX = 512
const SCORE_MAX = 100
const PAIRS_MAX = 50
const PAIR_NAME_LENGTH_MAX = 128

type Check = (value: unknown) => string | null

const text =
  (lengthMax: number, lengthMin = 1): Check =>
  (value) => {
    if (typeof value !== 'string') return 'should be string'
    if (value.length < lengthMin) return `should NOT be shorter than ${lengthMin} characters`
    return value.length > lengthMax ? `should NOT be longer than ${lengthMax} characters` : null
  }
const oneOf =
  (choices: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && choices.includes(value) ? null : 'should be equal to one of the allowed values'
const time: Check = (value) => (parseEventTime(value) === null ? 'should match format "date-time"' : null)
const score: Check = (value) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= SCORE_MAX ? null : `should be an integer of 0 to ${SCORE_MAX}`
const listOf =
  (check: Check, countMax: number, countMin = 0): Check =>
  (value) => {
    if (!Array.isArray(value)) return 'should be array'
    if (value.length < countMin) return `should NOT have fewer than ${countMin} items`
    if (value.length > countMax) return `should NOT have more than ${countMax} items`
    return value.map(check).find((reason) => reason !== null) ?? null
  }
const pairs =
  (lengthMax: number): Check =>
  (value) => {
    if (!isJsonObject(value)) return 'should be object'
    const entries = Object.entries(value)
    if (entries.length > PAIRS_MAX) return `should NOT have more than ${PAIRS_MAX} properties`
    const isLong = entries.some(([name, each]) => name.length > PAIR_NAME_LENGTH_MAX || text(lengthMax, 0)(each) !== null)
    return isLong ? `should have names of ${PAIR_NAME_LENGTH_MAX} and values of ${lengthMax} characters at most` : null
  }
/** An object with these members; others pass. */
const shape =
  (required: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check =>
  (value) => {
    if (!isJsonObject(value)) return 'should be object'
    const missing = Object.keys(required).find((name) => memberOf(value, name) === undefined)
    if (missing !== undefined) return `should have required property '${missing}'`
    for (const [name, check] of Object.entries({ ...required, ...optional })) {
      const member = memberOf(value, name)
      const reason = member === undefined ? null : check(member)
      if (reason !== null) return `.${name} ${reason}`
    }
    return null
  }

const severity: Check = (value) =>
  shape({}, { Label: oneOf(SEVERITY_LABELS), Normalized: score })(value) ??
  (isJsonObject(value) && ('Label' in value || 'Normalized' in value) ? null : "should have required property 'Label'")

/** What a provider tells and a customer may overrule. */
const ASSESSMENT: Readonly<Record<string, Check>> = {
  Confidence: score,
  Criticality: score,
  RelatedFindings: listOf(shape({ ProductArn: text(2048, 12), Id: text(512) }), RELATED_FINDINGS_MAX),
  Severity: severity,
  Types: listOf(text(256), TYPES_MAX),
}

/** What BatchUpdateFindings changes. https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html */
const CUSTOMER_FIELDS: Readonly<Record<string, Check>> = {
  ...ASSESSMENT,
  UserDefinedFields: pairs(1024),
  VerificationState: oneOf(VERIFICATION_STATES),
  Workflow: shape({}, { Status: oneOf(WORKFLOW_STATUSES) }),
}

/**
 * The lengths and counts of the AWS Security Finding Format, as far as they are documented.
 * https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
 */
const FINDING = shape(
  {
    SchemaVersion: oneOf([SCHEMA_VERSION]),
    Id: text(512),
    ProductArn: text(2048, 12),
    GeneratorId: text(512),
    AwsAccountId: (value) => (parseAccountId(value) === null ? 'should match pattern "^[0-9]{12}$"' : null),
    CreatedAt: time,
    UpdatedAt: time,
    Title: text(256),
    Description: text(1024),
    Resources: listOf(shape({ Type: text(256), Id: text(512) }), RESOURCES_MAX, 1),
  },
  {
    ...CUSTOMER_FIELDS,
    FindingProviderFields: shape({}, ASSESSMENT),
    FirstObservedAt: time,
    LastObservedAt: time,
    ProductFields: pairs(2048),
    Compliance: shape({}, { Status: oneOf(COMPLIANCE_STATUSES) }),
    RecordState: oneOf(RECORD_STATES),
    Note: shape({ Text: text(NOTE_LENGTH_MAX), UpdatedBy: text(512), UpdatedAt: time }),
  },
)

const UPDATE = shape({}, { ...CUSTOMER_FIELDS, Note: shape({ Text: text(NOTE_LENGTH_MAX), UpdatedBy: text(512) }) })

/** Why something is no finding; null if it is one. Names places, never what stands there. */
export function flawOfFinding(finding: JsonObject): string | null {
  const flaw = FINDING(finding)
  if (flaw !== null) return `data${flaw.startsWith('.') ? '' : ' '}${flaw}`
  const provider = memberOf(finding, 'FindingProviderFields')
  const isAssessed = ['Severity', 'Types'].every(
    (name) => memberOf(finding, name) !== undefined || (isJsonObject(provider) && memberOf(provider, name) !== undefined),
  )
  // The very words: https://github.com/aws-samples/aws-securityhub-config-integration/issues/3
  return isAssessed ? null : "data should have required property 'FindingProviderFields', data should match some schema in anyOf"
}

/** Why something is no update of a customer; null if it is one. */
export function flawOfUpdate(update: JsonObject): string | null {
  return UPDATE(update)
}

/** The finding's own time of an update, in milliseconds; 0 if it has none. */
export function updatedMs(finding: JsonObject): number {
  return Date.parse(textOf(finding, 'UpdatedAt') ?? '') || 0
}
