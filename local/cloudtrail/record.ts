import { randomUUID } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { cappedText } from '../../shared/text.ts'
import type { ServiceAnswer, ServiceCall } from '../service.ts'

/** Sizes of the fields, and of an event as a whole. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
const REQUEST_BYTES_MAX = 100 * 1024
const RESPONSE_BYTES_MAX = 100 * 1024
const ADDITIONAL_BYTES_MAX = 28 * 1024
const SHORT_FIELD_BYTES_MAX = 1024
const EVENT_BYTES_MAX = 256 * 1024
/** What a service that calls in somebody's name stands as. https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html */
export const AWS_INTERNAL = 'AWS Internal'
/** What stands in the place of a field that was too large. */
const OMITTED: JsonObject = { omitted: true }

export type AnsweredCall = {
  readonly call: ServiceCall
  /** Such as `kms.amazonaws.com`. */
  readonly eventSource: string
  readonly answer: ServiceAnswer
  readonly userAgent: string
  readonly sourceIp: string
}

/**
 * What CloudTrail writes of a call; null where the service has nothing recorded. There is no `tlsDetails`: most calls on the loopback come without TLS.
 * The shape is that of the samples in events/.
 */
export function recordOfCall(answered: AnsweredCall, newEventId: () => string = randomUUID): JsonObject | null {
  const { call, eventSource, answer, userAgent, sourceIp } = answered
  const { trail } = answer
  if (trail === null) return null
  const { via } = call
  const record = {
    eventVersion: '1.11',
    userIdentity: { ...call.principal.userIdentity, ...(via !== null && { invokedBy: AWS_INTERNAL }) },
    eventTime: wholeSecondText(call.timeMs),
    eventSource,
    eventName: call.operation,
    awsRegion: call.region,
    sourceIPAddress: via === null ? sourceIp : AWS_INTERNAL,
    userAgent: via === null ? cappedText(userAgent, SHORT_FIELD_BYTES_MAX) : AWS_INTERNAL,
    ...('failure' in answer && {
      errorCode: recordedErrorCode(answer.failure.code),
      errorMessage: cappedText(answer.failure.message, SHORT_FIELD_BYTES_MAX),
    }),
    requestParameters: fitting(trail.requestParameters, REQUEST_BYTES_MAX),
    responseElements: fitting(trail.responseElements, RESPONSE_BYTES_MAX),
    ...(trail.additionalEventData !== undefined && { additionalEventData: fitting(trail.additionalEventData, ADDITIONAL_BYTES_MAX) }),
    requestID: call.requestId,
    eventID: trail.eventId ?? newEventId(),
    readOnly: trail.readOnly,
    ...(trail.resources !== undefined && { resources: trail.resources }),
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: call.accountId,
    eventCategory: 'Management',
  }
  return fittingAsWhole(record)
}

/** The record of a call, and that of what the call did in another Region, where the service called itself in the caller's name. */
export function recordsOfCall(answered: AnsweredCall): readonly JsonObject[] {
  const record = recordOfCall(answered)
  const elsewhere = answered.answer.trail?.elsewhere
  if (record === null || elsewhere === undefined) return record === null ? [] : [record]
  const { operation, region, ...trail } = elsewhere
  const call = { ...answered.call, operation, region, requestId: randomUUID() }
  const answer = { output: {}, trail: { readOnly: false, ...trail } }
  const there = recordOfCall({ ...answered, call, answer, userAgent: AWS_INTERNAL })
  return [record, { ...there, userIdentity: { ...call.principal.userIdentity, invokedBy: answered.eventSource } }]
}

/** `2026-10-20T07:04:39Z`: CloudTrail's times have whole seconds. */
export function wholeSecondText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`
}

/** CloudTrail writes the short code, whatever the SDK calls the exception: see the samples with `AccessDenied`. */
function recordedErrorCode(code: string): string {
  return code === 'AccessDeniedException' ? 'AccessDenied' : code
}

function fitting(field: JsonObject | null, bytesMax: number): JsonObject | null {
  return field === null || jsonBytes(field) <= bytesMax ? field : OMITTED
}

/** Each field may fit and all of them together may not: the answer gives way first, then what was asked, then the rest. */
function fittingAsWhole(record: JsonObject): JsonObject {
  const steps: readonly JsonObject[] = [
    {},
    omitting(record, ['responseElements']),
    omitting(record, ['responseElements', 'requestParameters']),
    omitting(record, ['responseElements', 'requestParameters', 'additionalEventData']),
  ]
  const fitted = steps.map((step) => ({ ...record, ...step })).find((candidate) => jsonBytes(candidate) <= EVENT_BYTES_MAX)
  return fitted ?? { ...record, ...steps.at(-1), resources: [] }
}

function omitting(record: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => isJsonObject(record[name])).map((name) => [name, OMITTED]))
}

function jsonBytes(value: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(value), 'utf8')
}
