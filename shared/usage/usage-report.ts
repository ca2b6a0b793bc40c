import { hourText } from '../time.ts'
import type { KeyUse } from './key-use.ts'
import type { UseTally } from './use-ledger.ts'

/** What calls can be grouped by. `key` is the key's ARN, or without one what was sent in its place. */
export const DIMENSIONS = ['key', 'operation', 'caller', 'service', 'scope', 'errorCode', 'hour'] as const
export type Dimension = (typeof DIMENSIONS)[number]

type Counts = { readonly succeeded: number; readonly failed: number }
/** The dimensions asked for, in their order, then the counts. */
export type UsageRow = { readonly [name: string]: string | number | null } & Counts

/** The JSON contract of `keytrail usage --format json`. */
export type UsageReport = {
  readonly format: 'keytrail.usage/1'
  /** CloudTrail records read, of any service, repeats included. */
  readonly records: number
  /** Records of cryptographic operations left out because their call had been counted. */
  readonly duplicates: number
  readonly dryRuns: number
  readonly calls: readonly UsageRow[]
  readonly unattributed: readonly UsageRow[]
  readonly malformed: readonly { readonly file: string; readonly position: number; readonly reason: string }[]
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
}

export function usageReport(
  counted: { readonly records: number; readonly duplicates: number; readonly tallies: readonly UseTally[] } & Pick<
    UsageReport,
    'malformed' | 'skipped'
  >,
  by: readonly Dimension[],
): UsageReport {
  const calls = createGroups(by)
  const unattributed = createGroups(by)
  let dryRuns = 0
  for (const tally of counted.tallies) {
    const { use, count } = tally
    if (use.outcome === 'dryRun') {
      // A ReEncrypt is one call, whatever number of keys it would have used.
      if (use.operation !== 'ReEncryptTo') dryRuns += count
    } else (use.keyArn === null ? unattributed : calls).add(tally)
  }
  return {
    format: 'keytrail.usage/1',
    records: counted.records,
    duplicates: counted.duplicates,
    dryRuns,
    calls: calls.rows('keyArn'),
    unattributed: unattributed.rows('sent'),
    malformed: sortedBy(counted.malformed, ({ file, position, reason }) => [file, position, reason]),
    skipped: sortedBy(counted.skipped, ({ file, reason }) => [file, reason]),
  }
}

function createGroups(by: readonly Dimension[]): { add(tally: UseTally): void; rows(keyName: 'keyArn' | 'sent'): readonly UsageRow[] } {
  const groups = new Map<string, { readonly values: readonly (string | null)[]; succeeded: number; failed: number }>()
  return {
    add({ use, hour, count }) {
      const values = by.map((dimension) => (dimension === 'hour' ? (hour === null ? null : hourText(hour)) : valueOf(use, dimension)))
      const id = JSON.stringify(values)
      let group = groups.get(id)
      if (group === undefined) groups.set(id, (group = { values, succeeded: 0, failed: 0 }))
      if (use.outcome === 'succeeded') group.succeeded += count
      else group.failed += count
    },
    rows(keyName) {
      const names = by.map((dimension) => (dimension === 'key' ? keyName : dimension))
      return sortedBy([...groups.values()], ({ values }) => values).map(({ values, succeeded, failed }) => ({
        ...Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])),
        succeeded,
        failed,
      }))
    },
  }
}

function valueOf(use: KeyUse, dimension: Exclude<Dimension, 'hour'>): string | null {
  return dimension === 'key' ? (use.keyArn ?? use.sent) : use[dimension]
}

type SortValue = string | number | null

/** Ascending, by code units, null first: the same order on every machine, whatever its locale. */
function sortedBy<Item>(items: readonly Item[], keyOf: (item: Item) => readonly SortValue[]): readonly Item[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }))
  keyed.sort((a, b) => compare(a.key, b.key))
  return keyed.map(({ item }) => item)
}

function compare(a: readonly SortValue[], b: readonly SortValue[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? null
    if (left === right) continue
    if (left === null || right === null) return left === null ? -1 : 1
    return left < right ? -1 : 1
  }
  return 0
}
