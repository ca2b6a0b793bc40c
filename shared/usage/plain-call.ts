import { QUOTE } from '../cloudtrail/scan/bytes.ts'
import type { TrailItem } from '../cloudtrail/scan/trail-item.ts'
import { ATTRIBUTE_MEMBERS, attributesOf, CALL_MEMBERS, type CallAttributes } from '../cloudtrail/record.ts'
import { isJsonObject } from '../json.ts'
import { type EpochS, parseEventTime } from '../time.ts'
import { type ContextDigester, isCryptographicCall, keyRequestsOf, type KeyUse, keyUses } from './key-use.ts'
import { type CryptographicEvent, isCryptographicEvent, KMS_EVENT_SOURCE } from './operations.ts'

// Most records are read without parsing them. What stands here must say of such a record what `recordOfItem` and `keyUsesOf` say of it.

/** A record whose members the scanner found, in the order of `PLAIN_FIELDS`. */
export type PlainItem = Pick<TrailItem, 'isPlain' | 'start' | 'end' | 'bytes' | 'remember'>

const OTHER_FORMS = ['detail-type', 'CloudTrailEvent'] as const
/** The members that are looked for. */
export const PLAIN_FIELDS = [...ATTRIBUTE_MEMBERS, ...CALL_MEMBERS, ...OTHER_FORMS] as const
type Field = (typeof PLAIN_FIELDS)[number]
const FIELD = Object.fromEntries(PLAIN_FIELDS.map((name, field) => [name, field])) as { readonly [Name in Field]: number }
const ATTRIBUTES = ATTRIBUTE_MEMBERS.reduce((set, name) => set | (1 << FIELD[name]), 0)

/** What one caller asks of one key has few forms, and short ones, unless it makes them up. */
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
  readonly attributes: CallAttributes
  /** The uses that one of these records tells of; none if it is no cryptographic call. */
  usesOf(item: PlainItem, digestOf?: ContextDigester): readonly KeyUse[]
}

/** Reads plain records; null: what it is must be found by parsing it. What has the same bytes in many records is parsed once. */
export function createPlainCallReader(): (item: PlainItem) => PlainCall | null {
  const known: (PlainCall | null)[] = []
  return (item) => {
    const number = item.remember(ATTRIBUTES)
    if (number >= 0) return known[number] ?? null
    const attributes = attributesOf((name) => plainValue(item, FIELD[name]))
    const call = attributes.ok ? plainCall(attributes.value) : null
    known[~number] = call
    return call
  }
}

function plainCall(attributes: CallAttributes): PlainCall {
  return isCryptographicCall(attributes) ? cryptographicCall(attributes) : { attributes, usesOf: () => [] }
}

function cryptographicCall(attributes: CallAttributes & { readonly eventName: CryptographicEvent }): PlainCall {
  const usesOfRequests = new Map<string, readonly KeyUse[]>()
  let last: { readonly text: string; readonly digestOf: ContextDigester | undefined; readonly uses: readonly KeyUse[] } | null = null

  function usesOfRequest(request: unknown, digestOf: ContextDigester | undefined): readonly KeyUse[] {
    const requests = keyRequestsOf(attributes.eventName, isJsonObject(request) ? request : null, digestOf)
    let key = ''
    for (const { keyId, scope, contextDigest } of requests) {
      key += `${scope} ${contextDigest ?? ''} `
      key += keyId === null ? ';' : `${keyId.length} ${keyId};`
    }
    if (key.length > REQUEST_LENGTH_MAX) return keyUses(attributes, requests)
    const knownUses = usesOfRequests.get(key)
    if (knownUses !== undefined) return knownUses
    const uses = keyUses(attributes, requests)
    if (usesOfRequests.size === USES_KNOWN_MAX) usesOfRequests.clear()
    usesOfRequests.set(key, uses)
    return uses
  }

  return {
    attributes,
    usesOf(item, digestOf) {
      const text = item.bytes.toString('utf8', item.start(FIELD.requestParameters), item.end(FIELD.requestParameters))
      if (last?.text === text && last.digestOf === digestOf) return last.uses
      const uses = usesOfRequest(text === '' ? null : JSON.parse(text), digestOf)
      if (text.length <= REQUEST_LENGTH_MAX) last = { text, digestOf, uses }
      return uses
    },
  }
}
