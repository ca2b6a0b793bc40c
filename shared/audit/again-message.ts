import { isJsonObject, type JsonObject, memberOf, textOf } from '../json.ts'
import { type Parsed, parsed, refused } from '../parsed.ts'
import { FACT_ACTIONS, type ResourceKind } from '../rules/facts.ts'
import type { Resource } from '../rules/rule.ts'
import { epochS, type EpochS } from '../time.ts'

/** A resource to come back to, as Keytrail itself sends it to the queue of changes. */
export type Again = {
  readonly resource: Resource
  readonly eventId: string | null
  readonly madeAt: EpochS | null
  /** How often it was judged, and could not be. */
  readonly attempt: number
}

const FORMAT = 'keytrail.audit-again/1'
/** As often as a resource is come back to, about three quarters of an hour in all; the next sweep comes to it anyway. */
export const ATTEMPTS_MAX = 8
const FIRST_DELAY_S = 15
/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html */
const DELAY_S_MAX = 900
const TEXT_LENGTH_MAX = 2048

/** How long a message waits in the queue before the attempt with this number. */
export function delayBefore(attempt: number): number {
  return Math.min(DELAY_S_MAX, FIRST_DELAY_S * 2 ** (attempt - 1))
}

export function againBody(again: Again): string {
  return JSON.stringify({ format: FORMAT, ...again })
}

/** Null: the message is no such thing. */
export function parseAgain(message: JsonObject): Parsed<Again> | null {
  if (memberOf(message, 'format') !== FORMAT) return null
  const resource = parseResource(memberOf(message, 'resource'))
  const attempt = memberOf(message, 'attempt')
  const madeAt = memberOf(message, 'madeAt')
  if (resource === null) return refused('a message to come back to names no resource')
  if (typeof attempt !== 'number' || !Number.isInteger(attempt) || attempt < 0 || attempt > ATTEMPTS_MAX)
    return refused('a message to come back to has no number of attempts')
  return parsed({
    resource,
    attempt,
    eventId: textOf(message, 'eventId')?.slice(0, TEXT_LENGTH_MAX) ?? null,
    madeAt: typeof madeAt === 'number' ? epochS(1000 * madeAt) : null,
  })
}

function parseResource(value: unknown): Resource | null {
  if (!isJsonObject(value)) return null
  const [kind, arn, accountId, region] = ['kind', 'arn', 'accountId', 'region'].map((name) => textOf(value, name))
  if (!isKind(kind) || !arn || !accountId || !region || arn.length > TEXT_LENGTH_MAX) return null
  return { kind, arn, accountId, region }
}

function isKind(kind: string | null | undefined): kind is ResourceKind {
  return typeof kind === 'string' && Object.hasOwn(FACT_ACTIONS, kind)
}
