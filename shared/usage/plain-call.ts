import { QUOTE } from '../cloudtrail/scan/bytes.ts'
import type { TrailItem } from '../cloudtrail/scan/trail-item.ts'
import { type Caller, parseCaller } from '../cloudtrail/caller.ts'
import { CALL_MEMBERS, CALLER_MEMBER, type CallFacts, callFactsOf, FACT_MEMBERS } from '../cloudtrail/record.ts'
import { isJsonObject } from '../json.ts'
import { type EpochS, parseEventTime } from '../time.ts'
import {
  type ContextDigester,
  isCryptographicCall,
  type KeyRequest,
  keyRequestsOf,
  type KeyUse,
  keyUses,
  type ToldUses,
} from './key-use.ts'
import { type CryptographicEvent, isCryptographicEvent, KMS_EVENT_SOURCE } from './operations.ts'

// Most records are read without parsing them. What stands here must say of such a record what `recordOfItem` and `keyUsesOf` say of it.

/** A record whose members the scanner found, in the order of `PLAIN_FIELDS`. */
export type PlainItem = Pick<TrailItem, 'isPlain' | 'start' | 'end' | 'bytes' | 'remember'>

const OTHER_FORMS = ['detail-type', 'CloudTrailEvent'] as const
/** The members that are looked for. */
export const PLAIN_FIELDS = [...FACT_MEMBERS, CALLER_MEMBER, ...CALL_MEMBERS, ...OTHER_FORMS] as const
type Field = (typeof PLAIN_FIELDS)[number]
const FIELD = Object.fromEntries(PLAIN_FIELDS.map((name, field) => [name, field])) as { readonly [Name in Field]: number }
const FACTS = FACT_MEMBERS.reduce((set, name) => set | (1 << FIELD[name]), 0)

/** Roles and users: their sessions are many more. */
const CALLERS_KNOWN_MAX = 4096
/** What is asked of one key, and by whom, has few forms, and short ones, unless callers make them up. */
const USES_KNOWN_MAX = 16
const REQUEST_LENGTH_MAX = 512

const KMS = Buffer.from(JSON.stringify(KMS_EVENT_SOURCE))

/** A record in which what makes it one stands as plain text. All others are parsed whole. */
export function isPlainRecord(item: PlainItem): boolean {
  return (
    item.isPlain &&
    isPlainText(item, FIELD.eventSource) &&
    isPlainText(item, FIELD.eventName) &&
    isPlainText(item, FIELD.eventID) &&
    item.start(FIELD.addendum) === 0 &&
    item.start(FIELD['detail-type']) === 0 &&
    item.start(FIELD.CloudTrailEvent) === 0 &&
    (item.start(FIELD.sharedEventID) === 0 || isPlainText(item, FIELD.sharedEventID))
  )
}

/** A text of at least one character between its quotes. */
export function isPlainText(item: PlainItem, field: number): boolean {
  const start = item.start(field)
  return start !== 0 && item.bytes[start] === QUOTE && item.end(field) - start > 2
}

/** A plain record of a cryptographic operation, as far as its name tells. */
export function isPlainCall(item: PlainItem): boolean {
  const start = item.start(FIELD.eventSource)
  if (item.end(FIELD.eventSource) - start !== KMS.length || KMS.compare(item.bytes, start, start + KMS.length) !== 0) return false
  return isCryptographicEvent(item.bytes.toString('latin1', item.start(FIELD.eventName) + 1, item.end(FIELD.eventName) - 1))
}

/** The member that holds a plain record's identity. */
export function identityField(item: PlainItem): number {
  return item.start(FIELD.sharedEventID) === 0 ? FIELD.eventID : FIELD.sharedEventID
}

/** The time of a plain record. */
export function plainTime(item: PlainItem): EpochS | null {
  return parseEventTime(plainValue(item, FIELD.eventTime))
}

/** A member of a plain item, parsed; undefined if it is absent. */
export function plainValue(item: PlainItem, field: number): unknown {
  const start = item.start(field)
  if (start === 0) return undefined
  const end = item.end(field)
  return item.bytes[start] === QUOTE ? item.bytes.toString('utf8', start + 1, end - 1) : JSON.parse(item.bytes.toString('utf8', start, end))
}

/** What many records share. */
export type PlainCall = {
  readonly facts: CallFacts
  /** The uses that one of these records tells of, none if it is no cryptographic call; their digests where `digestOf` makes some. */
  usesOf(item: PlainItem, digestOf?: ContextDigester): ToldUses
}

/**
 * Reads plain records; null: what it is must be found by parsing it. What has the same bytes in many records is parsed once; the caller
 * apart from the rest, because each of many sessions may use each of many keys.
 */
export function createPlainCallReader(): (item: PlainItem) => PlainCall | null {
  const callerOf = createCallerReader()
  const known: (PlainCall | null)[] = []
  return (item) => {
    const number = item.remember(FACTS)
    if (number >= 0) return known[number] ?? null
    const facts = callFactsOf((name) => plainValue(item, FIELD[name]))
    const call = facts.ok ? plainCall(facts.value, callerOf) : null
    known[~number] = call
    return call
  }
}

/** A caller, the same object for all its sessions, with a number that no other has. */
type KnownCaller = { readonly caller: Caller; readonly number: number }
type CallerReader = (item: PlainItem) => KnownCaller

function createCallerReader(): CallerReader {
  const known: KnownCaller[] = []
  const callers = new Map<string, KnownCaller>()
  let count = 0

  function knownCaller(caller: Caller): KnownCaller {
    const text = JSON.stringify(caller)
    let found = callers.get(text)
    if (found === undefined) {
      if (callers.size === CALLERS_KNOWN_MAX) callers.clear()
      callers.set(text, (found = { caller, number: count++ }))
    }
    return found
  }

  return (item) => {
    const number = item.remember(1 << FIELD[CALLER_MEMBER])
    const place = number >= 0 ? number : ~number
    const found = number >= 0 ? known[place] : undefined
    return found ?? (known[place] = knownCaller(parseCaller(plainValue(item, FIELD[CALLER_MEMBER]))))
  }
}

const NO_USES: ToldUses = { uses: [], contextDigests: [] }

function plainCall(facts: CallFacts, callerOf: CallerReader): PlainCall {
  return isCryptographicCall(facts) ? cryptographicCall(facts, callerOf) : { facts, usesOf: () => NO_USES }
}

function cryptographicCall(facts: CallFacts & { readonly eventName: CryptographicEvent }, callerOf: CallerReader): PlainCall {
  const usesOfRequests = new Map<string, readonly KeyUse[]>()
  let last: {
    readonly text: string
    readonly by: KnownCaller
    readonly digestOf: ContextDigester | undefined
    readonly told: ToldUses
  } | null = null

  function usesOfRequest(requests: readonly KeyRequest[], { caller, number }: KnownCaller): readonly KeyUse[] {
    let key = `${number}`
    for (const { keyId, scope } of requests) key += keyId === null ? ` ${scope};` : ` ${scope} ${keyId.length} ${keyId};`
    let uses = usesOfRequests.get(key)
    if (uses === undefined) {
      uses = keyUses({ ...facts, caller }, requests)
      if (key.length > REQUEST_LENGTH_MAX) return uses
      if (usesOfRequests.size === USES_KNOWN_MAX) usesOfRequests.clear()
      usesOfRequests.set(key, uses)
    }
    return uses
  }

  return {
    facts,
    usesOf(item, digestOf) {
      const by = callerOf(item)
      const text = item.bytes.toString('utf8', item.start(FIELD.requestParameters), item.end(FIELD.requestParameters))
      if (last?.text === text && last.by === by && last.digestOf === digestOf) return last.told
      const request: unknown = text === '' ? null : JSON.parse(text)
      const requests = keyRequestsOf(facts, isJsonObject(request) ? request : null)
      const contextDigests = digestOf === undefined ? [] : requests.map(({ encryptionContext }) => digestOf(encryptionContext))
      const told = { uses: usesOfRequest(requests, by), contextDigests }
      if (text.length <= REQUEST_LENGTH_MAX) last = { text, by, digestOf, told }
      return told
    },
  }
}
