import { isJsonObject, type JsonObject } from '../shared/json.ts'
import { type ServiceAnswer, type ServiceCall, type Trail, unknownOperation } from './service.ts'

export type Refusal = { readonly code: string; readonly message: string }
export type Done = {
  readonly output: JsonObject
  /** What CloudTrail records of the answer; absent: null, as of everything that only reads. */
  readonly responseElements?: JsonObject
}
export type Outcome = Done | Refusal

/** An operation of a service, and what CloudTrail's record of it tells. */
export type RecordedOperation = {
  readonly readOnly: boolean
  /** Members of `requestParameters` that AWS fills in where the caller left them out. */
  readonly requestDefaults?: JsonObject
  /** The request as recorded, where that is not just the request; null: CloudTrail does not record this operation. */
  readonly recorded?: null | ((input: JsonObject) => JsonObject)
  run(call: ServiceCall): Outcome | Promise<Outcome>
}

export function refusal(code: string, message: string): Refusal {
  return { code, message }
}

export async function answerOf(operations: ReadonlyMap<string, RecordedOperation>, call: ServiceCall): Promise<ServiceAnswer> {
  const operation = operations.get(call.operation)
  if (operation === undefined) return unknownOperation()
  const outcome = await operation.run(call)
  if ('code' in outcome) return { failure: { ...outcome, status: 400 }, trail: trailOf(operation, call, null) }
  return { output: outcome.output, trail: trailOf(operation, call, outcome.responseElements ?? null) }
}

function trailOf(operation: RecordedOperation, call: ServiceCall, responseElements: JsonObject | null): Trail | null {
  if (operation.recorded === null) return null
  const asked = operation.recorded === undefined ? recordedMembers(call.input) : operation.recorded(call.input)
  return {
    readOnly: operation.readOnly,
    requestParameters: { ...operation.requestDefaults, ...asked },
    responseElements,
  }
}

/** CloudTrail writes member names with a small first letter: `S3BucketName` as `s3BucketName`, `AWSAccountId` as `aWSAccountId`. */
export function recordedMembers(members: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [`${name.slice(0, 1).toLowerCase()}${name.slice(1)}`, recordedValue(value)]),
  )
}

function recordedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(recordedValue)
  return isJsonObject(value) ? recordedMembers(value) : value
}
