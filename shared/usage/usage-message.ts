import type { AccountId } from '../arn.ts'
import { DAY_S, type EpochS, HOUR_S } from '../time.ts'
import { type ContextDigester, isCryptographicCall, type ToldUses } from './key-use.ts'
import { KMS_EVENT_SOURCE } from './operations.ts'
import { createPlainEventReader } from './plain-event.ts'
import { parseUsageEvent, type TextBytes, type ToldCall, type UsageEvent } from './usage-event.ts'

/** What one message of the queue of KMS events turned out to be. */
export type UsageMessage =
  /** The identity's bytes are valid until the next message is read. */
  | ({ readonly kind: 'uses'; readonly identity: TextBytes; readonly eventTime: EpochS } & ToldUses)
  /** A KMS event that uses no key, such as GenerateRandom. */
  | { readonly kind: 'other' }
  /** Older than segments live: adding it would change an hour that can no longer be told whole. */
  | { readonly kind: 'tooOld' }
  /** Not what CloudTrail writes. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Not from where it says it comes, or not of an account that is audited. */
  | { readonly kind: 'spoofed'; readonly reason: string }

export type UsageMessageReader = {
  readonly accounts: ReadonlySet<AccountId>
  readonly now: EpochS
  readonly digestOf: ContextDigester
}

/** Events older than that are not added: an hour's segments live a day longer, so that it is whole whenever something is added to it. */
export const EVENT_AGE_S_MAX = 35 * DAY_S
/** AWS's clocks and this one agree better than that. */
const FUTURE_S_MAX = HOUR_S
/** Nobody outside AWS can send an event with such a source. */
const KMS_SOURCE = 'aws.kms'

/** Outside any call: it is dear to make, and what it remembers changes no answer. */
let readPlainEvent: ReturnType<typeof createPlainEventReader> | undefined

/** Reads a message: an EventBridge event that CloudTrail made of a KMS call. Never throws. */
export function readUsageMessage(body: string, reader: UsageMessageReader): UsageMessage {
  readPlainEvent ??= createPlainEventReader()
  return usageMessageOf(readPlainEvent(body) ?? parseUsageEvent(body), reader)
}

/** What an event is to whoever counts. */
export function usageMessageOf(event: UsageEvent | null, reader: UsageMessageReader): UsageMessage {
  if (event === null) return { kind: 'malformed', reason: 'no EventBridge event: not a JSON object' }
  const misfit = misfitOf(event.source, event.account, reader.accounts)
  if (misfit !== null) return { kind: 'spoofed', reason: misfit }
  return event.call.ok ? readCall(event.call.value, reader) : { kind: 'malformed', reason: event.call.reason }
}

function misfitOf(source: unknown, account: unknown, accounts: ReadonlySet<unknown>): string | null {
  if (source !== KMS_SOURCE) return `the event's source is not ${KMS_SOURCE}`
  return accounts.has(account) ? null : "the event's account is not audited"
}

function readCall(call: ToldCall, { accounts, now, digestOf }: UsageMessageReader): UsageMessage {
  const { facts, identity, eventTime } = call
  if (facts.eventSource !== KMS_EVENT_SOURCE) return { kind: 'spoofed', reason: `the record's eventSource is not ${KMS_EVENT_SOURCE}` }
  if (facts.recipientAccountId !== null && !accounts.has(facts.recipientAccountId))
    return { kind: 'spoofed', reason: "the record's recipientAccountId is not audited" }
  if (!isCryptographicCall(facts)) return { kind: 'other' }
  if (eventTime === null) return { kind: 'malformed', reason: 'eventTime cannot be read' }
  if (eventTime > now + FUTURE_S_MAX) return { kind: 'malformed', reason: 'eventTime lies in the future' }
  if (eventTime < now - EVENT_AGE_S_MAX) return { kind: 'tooOld' }
  const { uses, contextDigests } = call.usesOf(digestOf)
  return { kind: 'uses', identity, eventTime, uses, contextDigests }
}
