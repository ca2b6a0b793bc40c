import type { CallIdentity } from '../cloudtrail/record.ts'
import type { EpochS } from '../time.ts'
import { IDENTITY_WORDS, writeIdentity } from './identity.ts'
import type { KeyUse } from './key-use.ts'

/** The words of one entry: identity, second of the event, row. */
export const ENTRY_WORDS = IDENTITY_WORDS + 2
export const SECOND_WORD = IDENTITY_WORDS
export const ROW_WORD = IDENTITY_WORDS + 1
/** The second of an event whose time could not be read. */
export const UNREAD_SECOND = 0xffff_ffff

/**
 * Uses of keys in a compact form that moves between threads: a dictionary of what many uses share, and 24 bytes a use.
 * `entries` holds `ENTRY_WORDS` words a use; its row counts in `rows`.
 */
export type UseBatch = { readonly rows: readonly string[]; readonly entries: Uint32Array<ArrayBuffer> }

export type UseBatchBuilder = {
  add(identity: CallIdentity, eventTime: EpochS | null, uses: readonly KeyUse[]): void
  build(): UseBatch
}

const FIRST_CAPACITY = 256

export function createUseBatchBuilder(): UseBatchBuilder {
  const rows: string[] = []
  const rowOfKey = new Map<string, number>()
  const numbers = new Map<string | null, number>()
  let entries = new Uint32Array(FIRST_CAPACITY * ENTRY_WORDS)
  let used = 0

  /** A short name for a text: comparing numbers is cheaper than writing the row out for every use. */
  function numberOf(text: string | null): number {
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, numbers.size)
    return numbers.size - 1
  }

  function rowOf(use: KeyUse): number {
    const key = `${numberOf(use.keyArn)},${numberOf(use.caller)},${numberOf(use.service)},${numberOf(use.keyMaterialId)},${numberOf(use.errorCode)},${numberOf(use.sent)},${use.operation},${use.scope},${use.outcome},${use.isCallersCopy}`
    const known = rowOfKey.get(key)
    if (known !== undefined) return known
    rowOfKey.set(key, rows.length)
    return rows.push(rowText(use)) - 1
  }

  return {
    add(identity, eventTime, uses) {
      for (const use of uses) {
        if (used === entries.length) {
          const larger = new Uint32Array(2 * entries.length)
          larger.set(entries)
          entries = larger
        }
        writeIdentity(identity, entries, used)
        entries[used + SECOND_WORD] = eventTime ?? UNREAD_SECOND
        entries[used + ROW_WORD] = rowOf(use)
        used += ENTRY_WORDS
      }
    },
    build: () => ({ rows, entries: entries.slice(0, used) }),
  }
}

/** A use as text: what it is a use of, then its attributes, of which the smaller text is to be preferred (see use-ledger.ts). */
export function rowText(use: KeyUse): string {
  return JSON.stringify([subjectOf(use), attributesOf(use)])
}

function subjectOf(use: KeyUse): readonly [KeyUse['operation'], KeyUse['keyArn']] {
  return [use.operation, use.keyArn]
}

type Attributes = readonly [
  rank: 0 | 1,
  caller: string | null,
  service: string | null,
  scope: KeyUse['scope'],
  keyMaterialId: string | null,
  outcome: KeyUse['outcome'],
  errorCode: string | null,
  sent: string | null,
]

function attributesOf(use: KeyUse): Attributes {
  const { isCallersCopy, caller, service, scope, keyMaterialId, outcome, errorCode, sent } = use
  return [isCallersCopy ? 0 : 1, caller, service, scope, keyMaterialId, outcome, errorCode, sent]
}

/** What `rowText` wrote. */
export function parseRow(text: string): { readonly use: KeyUse; readonly subject: string; readonly attributes: Buffer } {
  const [subject, attributes] = JSON.parse(text) as [ReturnType<typeof subjectOf>, Attributes]
  const [operation, keyArn] = subject
  const [rank, caller, service, scope, keyMaterialId, outcome, errorCode, sent] = attributes
  return {
    use: { operation, keyArn, isCallersCopy: rank === 0, caller, service, scope, keyMaterialId, outcome, errorCode, sent },
    subject: JSON.stringify(subject),
    attributes: Buffer.from(JSON.stringify(attributes)),
  }
}
