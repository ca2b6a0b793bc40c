import { recordOfItem } from '../cloudtrail/document.ts'
import { CLOSE_BRACE, OPEN_BRACE } from '../cloudtrail/scan/bytes.ts'
import { createScanner, Walked } from '../cloudtrail/scan/scanner.ts'
import { parsed } from '../parsed.ts'
import { createPlainCallReader, identityField, isPlainRecord, isPlainText, PLAIN_FIELDS, plainTime, plainValue } from './plain-call.ts'
import type { UsageEvent } from './usage-event.ts'

// Most events are read without parsing them. What stands here must say of such an event what `parseUsageEvent` says of it.

const FIELDS = [...PLAIN_FIELDS, 'source', 'account', 'detail'] as const
const TYPE = FIELDS.indexOf('detail-type')
const SOURCE = FIELDS.indexOf('source')
const ACCOUNT = FIELDS.indexOf('account')
const DETAIL = FIELDS.indexOf('detail')
const ENVELOPE = (1 << TYPE) | (1 << SOURCE) | (1 << ACCOUNT)
/** Stands for any record where it is asked what an envelope makes of one. */
const RECORD = { eventSource: 'a', eventName: 'a', eventID: 'a' }
/** EventBridge writes the detail last, without spaces. */
const DETAIL_BEGINS = '"detail":{'
const ZERO = 0x30
/** A UTF-16 code unit is at most three bytes of UTF-8: half of this always fits the scanner's window. Messages are smaller. */
const BODY_LENGTH_MAX = 1 << 19

type Envelope = Pick<UsageEvent, 'source' | 'account'>

/** Reads events; null: what it is must be found by parsing it. Takes 16 MiB, so make one for all. */
export function createPlainEventReader(): (body: string) => UsageEvent | null {
  const scanner = createScanner(FIELDS)
  const { memory, windowStart } = scanner
  const item = { ...scanner, bytes: memory, isPlain: true }
  const readPlainCall = createPlainCallReader()
  const known: (Envelope | null)[] = []

  /** Finds the members of the object that is `memory[from, to)`, and nothing else. */
  function walk(from: number, to: number): boolean {
    scanner.index(from, to)
    const isWhole = memory[from] === OPEN_BRACE && scanner.walk(from, to, false) === Walked.done && scanner.at() === to
    item.isPlain = !scanner.escaped()
    return isWhole
  }

  /** The event without its detail, which stands last and begins at `detail`: as if a number stood there. */
  function walkEnvelope(detail: number): boolean {
    const second = memory[detail + 1] ?? 0
    memory[detail] = ZERO
    memory[detail + 1] = CLOSE_BRACE
    const isWhole = walk(windowStart, detail + 2) && scanner.start(DETAIL) === detail
    memory[detail] = OPEN_BRACE
    memory[detail + 1] = second
    return isWhole
  }

  /** What many events share. */
  function envelope(): Envelope | null {
    if (!item.isPlain || !isPlainText(item, TYPE) || !isPlainText(item, SOURCE) || !isPlainText(item, ACCOUNT)) return null
    const number = item.remember(ENVELOPE)
    if (number >= 0) return known[number] ?? null
    const source = plainValue(item, SOURCE)
    const isOfCloudTrail = recordOfItem({ 'detail-type': plainValue(item, TYPE), source, detail: RECORD }).ok
    const found = isOfCloudTrail ? { source, account: plainValue(item, ACCOUNT) } : null
    known[~number] = found
    return found
  }

  return (body) => {
    const detailIndex = body.indexOf(DETAIL_BEGINS)
    if (body.length > BODY_LENGTH_MAX || detailIndex === -1) return null
    const length = memory.write(body, windowStart)
    if (length !== body.length && !body.isWellFormed()) return null
    // Behind characters beyond ASCII this is another place; then what stands there is no detail either.
    const detail = windowStart + detailIndex + DETAIL_BEGINS.length - 1
    const last = windowStart + length - 1
    if (memory[detail] !== OPEN_BRACE || memory[last] !== CLOSE_BRACE || !walkEnvelope(detail)) return null
    const found = envelope()
    if (found === null || !walk(detail, last) || !isPlainRecord(item)) return null
    const call = readPlainCall(item)
    if (call === null) return null
    const identity = identityField(item)
    return {
      ...found,
      call: parsed({
        facts: call.facts,
        identity: { bytes: memory, start: scanner.start(identity) + 1, end: scanner.end(identity) - 1 },
        eventTime: plainTime(item),
        usesOf: (digestOf) => call.usesOf(item, digestOf),
      }),
    }
  }
}
