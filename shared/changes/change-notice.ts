import { createHash } from 'node:crypto'
import { findingId } from '../findings/finding.ts'
import type { JsonObject } from '../json.ts'
import type { Resource } from '../rules/rule.ts'
import { cappedText } from '../text.ts'
import { type EpochS, hourText } from '../time.ts'
import { stateText } from './meaning.ts'
import type { Notice } from './notice.ts'
import type { ChangeRecord } from './record.ts'

const FORMAT = 'keytrail.change/1'
const LINE_BYTES_MAX = 2048
/** A bucket policy has 20 KB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html; the record has all of it. */
const STATE_BYTES_MAX = 8192
const REASONS_MAX = 10

/** What became of a change. One refusal of AWS is told once a month, however often Keytrail runs into it. */
export function recordNotice(record: ChangeRecord): Notice {
  const { id, resource, ruleId, before, after, by, state, reason, since, undoes } = record
  const isSeen = state === 'done' || state === 'undone'
  return notice(resource, {
    id: state === 'refused' ? refusalId(record) : `${id}#${isSeen ? 'done' : state}`,
    at: since,
    title: titleOf(record),
    lines: [
      `Was: ${stateText(before)}`,
      `${isSeen ? 'Is' : 'Wanted'}: ${stateText(after)}`,
      ...(reason === '' ? [] : [`Why: ${reason}`]),
      `Rule: ${ruleId}`,
      `By: ${by}`,
      ...(undoes === null ? [] : [`Takes back: ${undoes}`]),
      isSeen ? `To take it back: npm run -s keytrail -- undo ${id}` : `Record: ${id}`,
    ],
    detail: {
      kind: isSeen && undoes !== null ? 'undone' : isSeen ? 'done' : state,
      recordId: id,
      ruleId,
      findingId: record.findingId,
      undoes,
      aspect: after.aspect,
      summary: record.summary,
      before: cappedText(stateText(before), STATE_BYTES_MAX),
      after: cappedText(stateText(after), STATE_BYTES_MAX),
      by,
      reason,
    },
  })
}

function titleOf({ state, undoes, summary }: ChangeRecord): string {
  switch (state) {
    case 'done':
    case 'undone':
      return `${undoes === null ? 'Put right' : 'Taken back'}: Keytrail ${summary}`
    case 'refused':
      return `AWS refused a change: Keytrail ${summary}`
    case 'lost':
      return `Changed by somebody else: Keytrail ${summary}`
    case 'writing':
    case 'dropped':
      return `Not written: Keytrail ${summary}`
  }
}

function refusalId({ id, findingId: finding, reason, policyDigest, since }: ChangeRecord): string {
  const [code = ''] = reason.split(':')
  return finding === null ? `${id}#refused` : `${finding}#refused-${digestOf([code, policyDigest, monthText(since)])}`
}

/**
 * What Keytrail would put right, and does not. The same reasons under the same policy are told once a month: what was fixed meanwhile and
 * fails again, or fails on and on, is told anew.
 */
export function heldNotice(held: {
  readonly resource: Resource
  readonly ruleId: string
  readonly ruleTitle: string
  readonly reasons: readonly string[]
  readonly policyDigest: string
  readonly at: EpochS
}): Notice {
  const { resource, ruleId, ruleTitle, at, policyDigest } = held
  const finding = findingId(ruleId, resource)
  const rest = held.reasons.length - REASONS_MAX
  const reasons = held.reasons.slice(0, REASONS_MAX).map((reason) => cappedText(reason, LINE_BYTES_MAX))
  return notice(resource, {
    id: `${finding}#held-${digestOf([...held.reasons, policyDigest, monthText(at)])}`,
    at,
    title: `Left as it is: ${ruleTitle}`,
    lines: [
      ...reasons.map((reason) => `Why: ${reason}`),
      ...(rest > 0 ? [`And: ${rest} more reasons`] : []),
      `Rule: ${ruleId}`,
      `Finding: ${finding}`,
    ],
    detail: { kind: 'held', ruleId, findingId: finding, reasons },
  })
}

/** The hour has no more writes: once an hour, whatever is left. */
export function limitNotice({
  resource,
  ruleId,
  perHourMax,
  at,
}: {
  readonly resource: Resource
  readonly ruleId: string
  readonly perHourMax: number
  readonly at: EpochS
}): Notice {
  return notice(resource, {
    id: `limit-changes-${hourText(at)}`,
    at,
    title: `The limit of ${perHourMax} changes an hour is reached`,
    lines: ['Left: this resource, and maybe others; the next sweep comes to them again', `Rule: ${ruleId}`],
    detail: { kind: 'limit', ruleId, perHourMax, hour: hourText(at) },
  })
}

type Told = Pick<Notice, 'id' | 'at' | 'title' | 'lines'> & { readonly detail: JsonObject }

function notice({ arn, accountId, region }: Resource, { id, at, title, lines, detail }: Told): Notice {
  return {
    id,
    at,
    title: cappedText(title, LINE_BYTES_MAX),
    resourceArn: arn,
    accountId,
    region,
    lines: lines.map((line) => cappedText(line, LINE_BYTES_MAX)),
    detail: { format: FORMAT, ...detail },
  }
}

/** `2026-10` */
function monthText(instant: EpochS): string {
  return hourText(instant).slice(0, 7)
}

function digestOf(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16)
}
