import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { countWithDuckDb } from './support/duckdb-count.ts'
import type { CountedRow, DuckDbCount } from './support/duckdb-count.ts'

type Usage = {
  readonly records: number
  readonly duplicates: number
  readonly dryRuns: number
  readonly calls: readonly CountedRow[]
  readonly unattributed: readonly CountedRow[]
  readonly malformed: readonly { readonly file: string; readonly position: number; readonly reason: string }[]
  readonly skipped: readonly unknown[]
}
type Run = { readonly exitCode: number | null; readonly stderr: string; readonly usage: Usage }

/** What `truth.json` tells of one folder, counted by whoever collected the corpus. */
type Truth = {
  readonly records_in_files: number
  readonly per_key_distinct: { readonly [keyArn: string]: { readonly [operation: string]: number } }
}

const KEYTRAIL = fileURLToPath(new URL('../cli/keytrail.mjs', import.meta.url))
/** Real records belong to those who published them: they lie outside the project, and not on every machine. */
const CORPUS = process.env['KEYTRAIL_CORPUS'] ?? ''
const CORPORA = CORPUS === '' ? [] : [path.resolve(CORPUS)]
const SOMETHING_UNREAD = 3
/** Not a control character, nothing beyond ASCII. */
const PLAIN_SENTENCE = /^[\u0020-\u007e]{5,200}$/

// So that a run without real records says so.
it.each(CORPORA.length === 0 ? ['KEYTRAIL_CORPUS is not set'] : [])('is not run: %s', () => {
  expect(CORPUS).toBe('')
})

describe.each(CORPORA)('real records of %s', (corpus) => {
  let once: Run
  let twice: Run
  let byCaller: Run
  let queried: DuckDbCount

  beforeAll(async () => {
    ;[once, twice, byCaller, queried] = await Promise.all([
      runUsage([corpus]),
      runUsage([corpus, corpus]),
      runUsage([corpus, '--by', 'key,operation,caller,service,errorCode']),
      countWithDuckDb(corpus),
    ])
  }, 60_000)

  it.each(knownFolders(corpus))('are counted as they are known to be: $name', async ({ name, truth }) => {
    const { usage } = await runUsage([path.join(corpus, name)])
    const known = Object.entries(truth.per_key_distinct).flatMap(([keyArn, counts]) =>
      Object.entries(counts).map(([operation, count]) => ({ keyArn, operation, count })),
    )
    expect(usage.records).toBe(truth.records_in_files)
    expect(usage.calls.map(({ succeeded, failed, ...of }) => ({ ...of, count: succeeded + failed }))).toEqual(
      known.toSorted((a, b) => compare(a.keyArn, b.keyArn) || compare(a.operation, b.operation)),
    )
    expect(usage.unattributed).toEqual([])
  })

  it('end in "something could not be read", and in nothing worse', () => {
    const runs = [once, twice, byCaller]
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(runs.map(() => SOMETHING_UNREAD))
    // Neither a fault of Keytrail's own nor a stack.
    expect(runs.filter(({ stderr }) => /fault of Keytrail|^ +at /m.test(stderr))).toEqual([])
  })

  it('hold nothing that the query cannot decide', () => {
    expect(queried.undecided).toEqual({ packedFiles: 0, listsInLists: 0, ties: 0, cutTexts: 0 })
    expect(once.usage.skipped).toEqual([])
  })

  it('are all read, or reported with file and position', () => {
    const { records, malformed } = once.usage
    expect(records).toBe(queried.records)
    expect(records + malformed.length).toBe(queried.items)
    expect(malformed.map(placeOf)).toEqual(queried.unread.map(placeOf))
    expect(malformed.filter(({ position }) => !Number.isInteger(position) || position < 1)).toEqual([])
  })

  it('do not speak through the reason why they could not be read', () => {
    const textsOf = new Map(queried.unread.map((unread) => [placeOf(unread), unread.texts]))
    expect([...textsOf.values()].flat()).not.toEqual([])
    for (const entry of once.usage.malformed) {
      expect(entry.reason).toMatch(PLAIN_SENTENCE)
      expect(textsOf.get(placeOf(entry))?.filter((words) => entry.reason.includes(words))).toEqual([])
    }
  })

  it('give the calls that a query without a line of the product gives', () => {
    const { calls, unattributed, duplicates, dryRuns } = once.usage
    expect({ calls, unattributed, duplicates, dryRuns }).toEqual({
      calls: queried.calls,
      unattributed: queried.unattributed,
      duplicates: queried.duplicates,
      dryRuns: queried.dryRuns,
    })
  })

  it('give its callers, services and error codes, too', () => {
    const { calls, unattributed } = byCaller.usage
    expect({ calls, unattributed }).toEqual({ calls: queried.callsByCaller, unattributed: queried.unattributedByCaller })
  })

  it('give the same calls when all of them come twice', () => {
    const { calls, unattributed, dryRuns } = twice.usage
    expect({ calls, unattributed, dryRuns }).toEqual({
      calls: once.usage.calls,
      unattributed: once.usage.unattributed,
      dryRuns: once.usage.dryRuns,
    })
    expect(twice.usage.records).toBe(2 * once.usage.records)
    expect(queried.cryptographicRecords).toBeGreaterThan(0)
    expect(twice.usage.duplicates).toBe(once.usage.duplicates + queried.cryptographicRecords)
  })
})

function knownFolders(corpus: string): { readonly name: string; readonly truth: Truth }[] {
  const told = JSON.parse(readFileSync(path.join(corpus, 'truth.json'), 'utf8')) as Record<string, Truth | string>
  return Object.entries(told).flatMap(([name, truth]) => (typeof truth === 'string' ? [] : [{ name, truth }]))
}

async function runUsage(args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [KEYTRAIL, 'usage', ...args, '--format', 'json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  if (stdout === '') throw new Error(`keytrail usage wrote nothing and ended with ${exitCode}: ${stderr}`)
  return { exitCode, stderr, usage: JSON.parse(stdout) as Usage }
}

function placeOf({ file, position }: { readonly file: string; readonly position: number }): string {
  return `${file}:${position}`
}

/** By code units, as the product sorts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
