import { recordOfItem } from '../cloudtrail/document.ts'
import type { CallFacts } from '../cloudtrail/record.ts'
import { isJsonObject, memberOf, parsedJson } from '../json.ts'
import { type Parsed, parsed } from '../parsed.ts'
import type { EpochS } from '../time.ts'
import { type ContextDigester, type ToldUses, toldUsesOf } from './key-use.ts'

/** UTF-8 text within other bytes: `bytes[start, end)`. */
export type TextBytes = { readonly bytes: Uint8Array; readonly start: number; readonly end: number }

/** An event of the queue of KMS events: who it says it comes from, and the call that its record tells of, or why it holds no record. */
export type UsageEvent = { readonly source: unknown; readonly account: unknown; readonly call: Parsed<ToldCall> }

/** A call as a record tells it, valid until the next event is read. */
export type ToldCall = {
  readonly facts: CallFacts
  readonly identity: TextBytes
  readonly eventTime: EpochS | null
  /** The uses of keys; none if it is no cryptographic call. */
  usesOf(digestOf: ContextDigester): ToldUses
}

/** The event that a text is; null: none. */
export function parseUsageEvent(body: string): UsageEvent | null {
  const event = parsedJson(body)
  if (!isJsonObject(event)) return null
  const record = recordOfItem(event)
  return {
    source: memberOf(event, 'source'),
    account: memberOf(event, 'account'),
    call: record.ok
      ? parsed({
          facts: record.value,
          identity: wholeText(record.value.identity),
          eventTime: record.value.eventTime,
          usesOf: (digestOf) => toldUsesOf(record.value, digestOf),
        })
      : record,
  }
}

function wholeText(text: string): TextBytes {
  const bytes = Buffer.from(text)
  return { bytes, start: 0, end: bytes.length }
}
