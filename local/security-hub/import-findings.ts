import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { flawOfFinding, SEVERITY_LABELS, updatedMs } from './asff.ts'
import type { Findings, StoredFinding } from './findings.ts'

/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html */
export const BATCH_MAX = 100
export const FINDING_BYTES_MAX = 240 * 1024
/** "After a finding is created, BatchImportFindings cannot be used to update" these. The same page. */
const CUSTOMER_ONLY = ['Note', 'UserDefinedFields', 'VerificationState', 'Workflow']
/** What FindingProviderFields hold, and the finding itself until a customer says otherwise. */
const PROVIDED = ['Confidence', 'Criticality', 'RelatedFindings', 'Severity', 'Types']
/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html */
const NORMALIZED_MIN = [0, 1, 40, 70, 90]
/** BatchUpdateFindings documents the code and the message of a finding that is too large, BatchImportFindings that there is an error. */
export const TOO_LARGE = { ErrorCode: 'FindingSizeExceeded', ErrorMessage: 'Finding size exceeded 240 KB' }

function productArnOf({ region, accountId }: Pick<ServiceCall, 'region' | 'accountId'>): string {
  return `arn:aws:securityhub:${region}:${accountId}:product/${accountId}/default`
}

export function batchImportFindings(findings: Findings, call: ServiceCall): Outcome {
  const sent = memberOf(call.input, 'Findings')
  if (!Array.isArray(sent) || sent.length < 1 || sent.length > BATCH_MAX)
    return refusal('InvalidInputException', `Findings must have 1 to ${BATCH_MAX} members.`)
  const batch = sent.map((finding) => (isJsonObject(finding) ? finding : {}))
  const foreign = refusedProvider(batch, call)
  if (foreign !== null) return foreign
  const failed = batch.flatMap((finding) => {
    const failure = importOne(findings, finding, call)
    return failure === null ? [] : [{ Id: textOf(finding, 'Id') ?? '', ...failure }]
  })
  return { output: { FailedCount: failed.length, SuccessCount: batch.length - failed.length, FailedFindings: failed } }
}

/**
 * A finding of another account or product fails the whole call, as one without permission does.
 * https://github.com/prowler-cloud/prowler/issues/867
 */
function refusedProvider(batch: readonly JsonObject[], call: ServiceCall): Refusal | null {
  const own = productArnOf(call)
  const productArn = (finding: JsonObject): string => textOf(finding, 'ProductArn') ?? own
  const foreign = batch.find(
    (finding) => productArn(finding) !== own || (textOf(finding, 'AwsAccountId') ?? call.accountId) !== call.accountId,
  )
  if (foreign === undefined) return null
  const who = `User: ${call.principal.arn} is not authorized to perform: securityhub:BatchImportFindings`
  return refusal('AccessDeniedException', `${who} on a finding that is not of ${own} and the account ${call.accountId}`)
}

type Failure = { readonly ErrorCode: string; readonly ErrorMessage: string }

function importOne(findings: Findings, sent: JsonObject, call: ServiceCall): Failure | null {
  if (Buffer.byteLength(JSON.stringify(sent)) > FINDING_BYTES_MAX) return TOO_LARGE
  const flaw = flawOfFinding(sent)
  if (flaw !== null) return { ErrorCode: 'InvalidInput', ErrorMessage: `Finding does not adhere to Amazon Finding Format. ${flaw}.` }
  const name = { region: call.region, productArn: productArnOf(call), id: textOf(sent, 'Id') ?? '' }
  const known = findings.find(name)
  // What is not newer than the finding that is there is ignored, and has not failed.
  // https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
  if (known !== null && updatedMs(sent) <= updatedMs(known.finding)) return null
  const given = provided(sent, call)
  const stored = known === null ? { finding: { Workflow: { Status: 'NEW' }, ...given }, customerFields: [] } : updated(known, given)
  return findings.put(name, stored, call.timeMs)
    ? null
    : { ErrorCode: 'InternalFailure', ErrorMessage: 'The local cloud has no room for one more finding.' }
}

/** The finding as its provider tells it. */
function provided(sent: JsonObject, call: ServiceCall): JsonObject {
  const fields = memberOf(sent, 'FindingProviderFields')
  const own = picked(sent, PROVIDED)
  const assessed = { ...own, ...(isJsonObject(fields) ? fields : {}) }
  return {
    ...sent,
    ...assessed,
    Severity: completeSeverity(memberOf(assessed, 'Severity')),
    FindingProviderFields: isJsonObject(fields) ? fields : own,
    RecordState: memberOf(sent, 'RecordState') ?? 'ACTIVE',
    Region: call.region,
    ProcessedAt: new Date(call.timeMs).toISOString(),
  }
}

/** Label and number say the same. https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html */
export function completeSeverity(value: unknown): JsonObject {
  const severity = isJsonObject(value) ? value : {}
  const number = memberOf(severity, 'Normalized')
  const label = textOf(severity, 'Label') ?? SEVERITY_LABELS[NORMALIZED_MIN.findLastIndex((min) => Number(number ?? 0) >= min)]
  return { ...severity, Label: label, Normalized: NORMALIZED_MIN[SEVERITY_LABELS.indexOf(label ?? '')] ?? 0 }
}

function updated({ finding, customerFields }: StoredFinding, given: JsonObject): StoredFinding {
  const kept = [...CUSTOMER_ONLY, ...customerFields]
  const others = Object.fromEntries(Object.entries(given).filter(([name]) => !kept.includes(name)))
  return {
    finding: { ...others, ...picked(finding, kept), ...(isOpenedAgain(finding, given) && { Workflow: { Status: 'NEW' } }) },
    customerFields,
  }
}

/**
 * "Security Hub also resets the workflow status from NOTIFIED or RESOLVED to NEW" in two cases.
 * https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Workflow.html
 */
function isOpenedAgain(before: JsonObject, now: JsonObject): boolean {
  const workflow = statusIn(before, 'Workflow')
  if (workflow !== 'NOTIFIED' && workflow !== 'RESOLVED') return false
  const isActiveAgain = memberOf(before, 'RecordState') === 'ARCHIVED' && memberOf(now, 'RecordState') === 'ACTIVE'
  const status = statusIn(now, 'Compliance')
  return isActiveAgain || (statusIn(before, 'Compliance') === 'PASSED' && status !== null && status !== 'PASSED')
}

function statusIn(finding: JsonObject, member: string): string | null {
  const value = memberOf(finding, member)
  return isJsonObject(value) ? textOf(value, 'Status') : null
}

function picked(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => memberOf(object, name) !== undefined).map((name) => [name, object[name]]))
}
