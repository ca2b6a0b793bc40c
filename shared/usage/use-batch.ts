import type { EpochS } from '../time.ts'
import { IDENTITY_WORDS, writeIdentity } from './identity.ts'
import type { ContextDigest, KeyUse } from './key-use.ts'

/** The words of one entry: identity, second of the event, row, digest. */
export const ENTRY_WORDS = IDENTITY_WORDS + 3
export const SECOND_WORD = IDENTITY_WORDS
export const ROW_WORD = IDENTITY_WORDS + 1
/** The number of the use's digest, from 1; 0: none. */
export const DIGEST_WORD = IDENTITY_WORDS + 2
/** The second of an event whose time could not be read. */
export const UNREAD_SECOND = 0xffff_ffff

/**
 * Uses of keys in a compact form that moves between threads: a dictionary of what many uses share, and 28 bytes a use.
 * `entries` holds `ENTRY_WORDS` words a use; its row counts in `rows`, its digest, from 1, in `digests`. No two rows, and no two digests,
 * are the same.
 */
export type UseBatch = {
  readonly rows: readonly string[]
  readonly digests: readonly ContextDigest[]
  readonly entries: Uint32Array<ArrayBuffer>
}

/** Collects the uses of one batch after the other. */
export type UseBatchBuilder = {
  /** Adds the uses that a record tells of, and their digests. The call's identity is the UTF-8 text `identity[start, end)`. */
  add(
    identity: Uint8Array,
    start: number,
    end: number,
    eventTime: EpochS | null,
    uses: readonly KeyUse[],
    digests?: readonly (ContextDigest | null)[],
  ): void
  /** The batch so far; what is added next belongs to another. */
  take(): UseBatch
}

const FIRST_CAPACITY = 1024
/** Writing a row out is dear, and the same use (the same object) comes again in the next batches. */
const textOfUse = new WeakMap<KeyUse, string>()

export function createUseBatchBuilder(): UseBatchBuilder {
  const rowOfUse = new Map<KeyUse, number>()
  const rowOfText = new Map<string, number>()
  const numberOfDigest = new Map<ContextDigest, number>()
  let entries = new Uint32Array(FIRST_CAPACITY * ENTRY_WORDS)
  let used = 0

  function rowOf(use: KeyUse): number {
    let row = rowOfUse.get(use)
    if (row === undefined) {
      let text = textOfUse.get(use)
      if (text === undefined) textOfUse.set(use, (text = rowText(use)))
      row = rowOfText.get(text) ?? rowOfText.size
      rowOfText.set(text, row)
      rowOfUse.set(use, row)
    }
    return row
  }

  function digestNumber(digest: ContextDigest | null): number {
    if (digest === null) return 0
    let number = numberOfDigest.get(digest)
    if (number === undefined) numberOfDigest.set(digest, (number = numberOfDigest.size + 1))
    return number
  }

  return {
    add(identity, start, end, eventTime, uses, digests = []) {
      let index = 0
      for (const use of uses) {
        if (used === entries.length) {
          const larger = new Uint32Array(2 * entries.length)
          larger.set(entries)
          entries = larger
        }
        writeIdentity(identity, start, end, entries, used)
        entries[used + SECOND_WORD] = eventTime ?? UNREAD_SECOND
        entries[used + ROW_WORD] = rowOf(use)
        entries[used + DIGEST_WORD] = digestNumber(digests[index++] ?? null)
        used += ENTRY_WORDS
      }
    },
    take() {
      const batch = { rows: [...rowOfText.keys()], digests: [...numberOfDigest.keys()], entries: entries.slice(0, used) }
      rowOfUse.clear()
      rowOfText.clear()
      numberOfDigest.clear()
      used = 0
      return batch
    },
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
