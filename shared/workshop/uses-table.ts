import { parseKmsKeyArn } from '../arn.ts'
import type { UseTally } from '../usage/use-ledger.ts'
import type { RunFacts } from './registry.ts'
import type { Stage } from './stage.ts'
import type { Table } from './use-case.ts'
import { usesSince } from './waiting.ts'

const TITLE = 'What CloudTrail tells of the keys so far, refused calls too'
/** Of a call that was not allowed CloudTrail says what was sent, and names no key. */
const UNNAMED = 'not named'
const HEAD = ['key', 'operation', 'by', 'outcome', 'calls']

/**
 * Uses of keys since the run began, each key with the name that the lesson gave it; refused ones apart, and those of a role of the lesson too
 * where no key is named.
 */
export async function usesTable(stage: Stage, facts: RunFacts, keys: Readonly<Record<string, string>>, roleArn: string): Promise<Table> {
  const rows: (readonly string[])[] = []
  for (const [name, named] of Object.entries(keys)) {
    const keyArn = parseKmsKeyArn(named)
    const tallies = keyArn === null ? [] : await usesSince(stage, { since: facts['since'] }, { keyArn })
    rows.push(...merged(tallies.map((tally) => [name, ...cells(tally)])).toSorted(byCells))
  }
  const ofRole = await usesSince(stage, { since: facts['since'] }, { caller: roleArn })
  const unnamed = ofRole.filter(({ use }) => use.keyArn === null)
  rows.push(...merged(unnamed.map((tally) => [UNNAMED, ...cells(tally)])).toSorted(byCells))
  return { title: TITLE, rows: [HEAD, ...rows] }
}

function cells({ use, count }: UseTally): readonly string[] {
  return [use.operation, use.caller ?? 'unknown', use.errorCode ?? use.outcome, String(count)]
}

/** Uses that differ in what the table does not show, such as the hour, in one row. */
function merged(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const sums = new Map<string, { readonly cells: readonly string[]; count: number }>()
  for (const row of rows) {
    const shown = row.slice(0, -1)
    const id = JSON.stringify(shown)
    const sum = sums.get(id) ?? { cells: shown, count: 0 }
    sum.count += Number(row.at(-1))
    sums.set(id, sum)
  }
  return [...sums.values()].map((sum) => [...sum.cells, String(sum.count)])
}

function byCells(left: readonly string[], right: readonly string[]): number {
  const [one, other] = [left.join('\n'), right.join('\n')]
  return one < other ? -1 : one > other ? 1 : 0
}
