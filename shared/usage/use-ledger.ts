import { type EpochS, HOUR_S } from '../time.ts'
import type { KeyUse } from './key-use.ts'
import { DIGEST_WORD, ENTRY_WORDS, parseRow, ROW_WORD, rowText, SECOND_WORD, UNREAD_SECOND, type UseBatch } from './use-batch.ts'

/** How many uses share all attributes, and the hour where hours were asked for. */
export type UseTally = { readonly use: KeyUse; readonly hour: EpochS | null; readonly count: number }

type LedgerBatch = Pick<UseBatch, 'rows' | 'entries'>

/**
 * Counts uses of keys, each once, whatever number of records tells of it. A count is (identity, key, operation).
 *
 * Where copies of one use tell different stories, the caller's own copy holds, else the one whose attributes are bytewise smaller:
 * both are properties of the copies, so their order does not matter. A copy that names no key is a copy of the use that names one,
 * if there is one of the same identity and operation.
 *
 * 24 bytes a use, and 6 to 12 bytes of index.
 */
export type UseLedger = {
  add(batch: LedgerBatch): void
  /** The uses so far, grouped by attributes (and hour), and how many records were left out as repeats. */
  tally(options: { readonly byHour: boolean }): { readonly tallies: readonly UseTally[]; readonly duplicates: number }
}

/** A use of its own kind: more of them than this is no usage of keys, and would not fit memory. */
const ROWS_MAX = 4_000_000
const CHUNK_ENTRIES = 1 << 16
/** All of an entry but its digest, which stands last: no count asks for it. */
const KEPT_WORDS = DIGEST_WORD
const FIRST_SLOTS = 1 << 12
/** The index grows once two thirds of it are in use. */
const LOAD_MAX = 2 / 3

type Row = {
  readonly use: KeyUse
  readonly attributes: Buffer
  /** The number of this (operation, key), and of this operation without a key. */
  readonly subject: number
  readonly keylessSubject: number
}

export class TooManyRowsError extends Error {
  override readonly name = 'TooManyRowsError'
  constructor() {
    super(
      `more than ${ROWS_MAX} different combinations of key, operation, caller, service and error: narrow the time with --since and --until`,
    )
  }
}

export function createUseLedger(): UseLedger {
  const rows: Row[] = []
  const rowOfText = new Map<string, number>()
  const numberOfSubject = new Map<string, number>()
  const chunks: Uint32Array[] = []
  let entryCount = 0
  let slots = new Uint32Array(FIRST_SLOTS)
  let recordCount = 0

  function numberOf(subject: string): number {
    const known = numberOfSubject.get(subject)
    if (known !== undefined) return known
    numberOfSubject.set(subject, numberOfSubject.size)
    return numberOfSubject.size - 1
  }

  function rowNumber(text: string): number {
    const known = rowOfText.get(text)
    if (known !== undefined) return known
    if (rows.length === ROWS_MAX) throw new TooManyRowsError()
    const { use, subject, attributes } = parseRow(text)
    rows.push({ use, attributes, subject: numberOf(subject), keylessSubject: numberOf(JSON.stringify([use.operation, null])) })
    rowOfText.set(text, rows.length - 1)
    return rows.length - 1
  }

  function row(number: number): Row {
    const found = rows[number]
    if (found === undefined) throw new Error(`no row ${number}`)
    return found
  }

  function chunkOf(entry: number): Uint32Array {
    const chunk = chunks[Math.floor(entry / CHUNK_ENTRIES)]
    if (chunk === undefined) throw new Error(`no entry ${entry}`)
    return chunk
  }

  /** The slot of the entry with these words' identity and one of two subjects, or the free slot where the search ends. */
  function findSlot(words: Uint32Array, offset: number, subject: number): number {
    const mask = slots.length - 1
    let slot = hashOf(words, offset) & mask
    for (;;) {
      const entry = (slots[slot] ?? 0) - 1
      if (entry === -1) return slot
      const chunk = chunkOf(entry)
      const at = (entry % CHUNK_ENTRIES) * KEPT_WORDS
      if (
        chunk[at] === words[offset] &&
        chunk[at + 1] === words[offset + 1] &&
        chunk[at + 2] === words[offset + 2] &&
        chunk[at + 3] === words[offset + 3] &&
        row(chunk[at + ROW_WORD] ?? 0).subject === subject
      ) {
        return slot
      }
      slot = (slot + 1) & mask
    }
  }

  function grow(): void {
    const old = slots
    slots = new Uint32Array(2 * old.length)
    const mask = slots.length - 1
    for (const filled of old) {
      if (filled === 0) continue
      let slot = hashOf(chunkOf(filled - 1), ((filled - 1) % CHUNK_ENTRIES) * KEPT_WORDS) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = filled
    }
  }

  function append(words: Uint32Array, offset: number, rowOfEntry: number): number {
    if (entryCount % CHUNK_ENTRIES === 0) chunks.push(new Uint32Array(CHUNK_ENTRIES * KEPT_WORDS))
    const chunk = chunkOf(entryCount)
    const at = (entryCount % CHUNK_ENTRIES) * KEPT_WORDS
    for (let word = 0; word < KEPT_WORDS; word++) chunk[at + word] = words[offset + word] ?? 0
    chunk[at + ROW_WORD] = rowOfEntry
    return entryCount++
  }

  /** Keeps the preferred of two copies' attributes, and the earlier second. */
  function merge(entry: number, second: number, rowOfCopy: number): void {
    const chunk = chunkOf(entry)
    const at = (entry % CHUNK_ENTRIES) * KEPT_WORDS
    chunk[at + SECOND_WORD] = Math.min(chunk[at + SECOND_WORD] ?? UNREAD_SECOND, second)
    const kept = chunk[at + ROW_WORD] ?? 0
    if (kept === rowOfCopy || Buffer.compare(row(kept).attributes, row(rowOfCopy).attributes) <= 0) return
    const { use } = row(kept)
    const { use: preferred } = row(rowOfCopy)
    chunk[at + ROW_WORD] =
      preferred.keyArn === use.keyArn ? rowOfCopy : rowNumber(rowText({ ...preferred, keyArn: use.keyArn, sent: null }))
  }

  function add(batch: LedgerBatch): void {
    const numbers = batch.rows.map(rowNumber)
    const { entries } = batch
    for (let offset = 0; offset < entries.length; offset += ENTRY_WORDS) {
      const number = numbers[entries[offset + ROW_WORD] ?? 0] ?? 0
      if (isFirstUse(row(number).use)) recordCount++
      const slot = findSlot(entries, offset, row(number).subject)
      const entry = (slots[slot] ?? 0) - 1
      if (entry === -1) {
        slots[slot] = append(entries, offset, number) + 1
        if (entryCount > LOAD_MAX * slots.length) grow()
      } else {
        merge(entry, entries[offset + SECOND_WORD] ?? UNREAD_SECOND, number)
      }
    }
  }

  /** The keyless copies of uses that a copy with a key tells of: their attributes are merged into it. */
  function absorbKeyless(): ReadonlySet<number> {
    const absorbed = new Set<number>()
    const keylessBySubject = new Set(rows.filter(({ use }) => use.keyArn === null).map(({ subject }) => subject))
    if (keylessBySubject.size === 0) return absorbed
    const keyedRows = rows.filter(({ use, keylessSubject }) => use.keyArn !== null && keylessBySubject.has(keylessSubject))
    if (keyedRows.length === 0) return absorbed
    for (let entry = 0; entry < entryCount; entry++) {
      const chunk = chunkOf(entry)
      const at = (entry % CHUNK_ENTRIES) * KEPT_WORDS
      const { use, keylessSubject } = row(chunk[at + ROW_WORD] ?? 0)
      if (use.keyArn === null) continue
      const keyless = (slots[findSlot(chunk, at, keylessSubject)] ?? 0) - 1
      if (keyless === -1) continue
      absorbed.add(keyless)
      const copy = chunkOf(keyless)
      const copyAt = (keyless % CHUNK_ENTRIES) * KEPT_WORDS
      merge(entry, copy[copyAt + SECOND_WORD] ?? UNREAD_SECOND, copy[copyAt + ROW_WORD] ?? 0)
    }
    return absorbed
  }

  function tally({ byHour }: { readonly byHour: boolean }): { readonly tallies: readonly UseTally[]; readonly duplicates: number } {
    const absorbed = absorbKeyless()
    const counts = new Map<number, Map<number, number>>()
    let kept = 0
    for (let entry = 0; entry < entryCount; entry++) {
      if (absorbed.has(entry)) continue
      const chunk = chunkOf(entry)
      const at = (entry % CHUNK_ENTRIES) * KEPT_WORDS
      const number = chunk[at + ROW_WORD] ?? 0
      const second = chunk[at + SECOND_WORD] ?? UNREAD_SECOND
      if (isFirstUse(row(number).use)) kept++
      const hour = byHour && second !== UNREAD_SECOND ? second - (second % HOUR_S) : UNREAD_SECOND
      let ofHours = counts.get(number)
      if (ofHours === undefined) counts.set(number, (ofHours = new Map()))
      ofHours.set(hour, (ofHours.get(hour) ?? 0) + 1)
    }
    const tallies: UseTally[] = []
    for (const [number, ofHours] of counts) {
      for (const [hour, count] of ofHours) {
        tallies.push({ use: row(number).use, hour: hour === UNREAD_SECOND ? null : (hour as EpochS), count })
      }
    }
    return { tallies, duplicates: recordCount - kept }
  }

  return { add, tally }
}

/** One use a record stands for the record: of a ReEncrypt, that of the source key. */
function isFirstUse(use: KeyUse): boolean {
  return use.operation !== 'ReEncryptTo'
}

function hashOf(words: Uint32Array, offset: number): number {
  const mixed =
    Math.imul((words[offset] ?? 0) ^ (words[offset + 3] ?? 0), 0x9e37_79b1) ^
    Math.imul((words[offset + 1] ?? 0) ^ (words[offset + 2] ?? 0), 0x85eb_ca6b)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
