import { parseKmsKeyArn } from '../arn.ts'
import { type EpochS, epochS, HOUR_S } from '../time.ts'
import type { UseTally } from '../usage/use-ledger.ts'
import type { RunFacts } from './registry.ts'
import type { Stage } from './stage.ts'
import type { Check } from './use-case.ts'

/** AWS gives a delay for log files only. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html */
const USUAL = 'usually a few minutes, rarely more than a quarter of an hour'
const WAIT_S_MAX = 20 * 60
const STEP_MS = 5000
/** What was told once too often may come later than the rest. */
const SETTLE_MS = 30_000

/** Uses of a key by operation, succeeded ones only. */
export type Counts = Readonly<Record<string, number>>

/** What was counted, and how long after the calls it was complete. */
export type Awaited = {
  readonly tallies: readonly UseTally[]
  readonly counts: Counts
  /** All wanted uses have been told. */
  readonly isComplete: boolean
  readonly waitedS: number
  check(operation: string, expected: number): Check
  /** The same of those uses that are such. */
  checkOf(what: string, expected: number, isSuch: (use: UseTally['use']) => boolean): Check
}

/**
 * Waits until CloudTrail has told at least these uses of the run's key, and a little longer, for what should not be there.
 * The facts are `keyArn`, `since` before its first and `until` after its last use; in minutes given up.
 */
export async function awaitUses(stage: Stage, { keyArn: named, since, until }: RunFacts, wanted: Counts): Promise<Awaited> {
  const keyArn = parseKmsKeyArn(named)
  if (keyArn === null) throw new Error('the facts of the run name no key')
  const what = `CloudTrail to tell of ${Object.entries(wanted)
    .map(([operation, count]) => `${count} ${operation}`)
    .join(' and ')}`
  const calledAt = Number(until)
  const read = (): Promise<readonly UseTally[]> => succeededUses(stage, { since }, { keyArn })
  for (;;) {
    const tallies = await read()
    const waitedS = Math.max(0, (await stage.time.now()) - calledAt)
    const isComplete = isThere(countsOf(tallies), wanted)
    if (isComplete) {
      await stage.time.pass(SETTLE_MS)
      return awaited(await read(), isComplete, waitedS)
    }
    if (waitedS >= WAIT_S_MAX) return awaited(tallies, isComplete, waitedS)
    stage.tell({ kind: 'waiting', what, usual: USUAL, soFarS: waitedS })
    await stage.time.pass(STEP_MS)
  }
}

/** Uses that went well since the run began, as far as they are counted by now. */
export async function succeededUses(...query: Parameters<typeof usesSince>): Promise<readonly UseTally[]> {
  return (await usesSince(...query)).filter(({ use }) => use.outcome === 'succeeded')
}

/** Uses, failed ones too where CloudTrail names what `where` asks for. */
export async function usesSince(
  stage: Stage,
  { since }: { readonly since: RunFacts[string] | undefined },
  where: Parameters<Stage['countedUse']>[0]['where'],
): Promise<readonly UseTally[]> {
  const until = (hourOf(await stage.time.now()) + 2 * HOUR_S) as EpochS
  return stage.countedUse({ where, since: hourOf(Number(since)), until })
}

function awaited(tallies: readonly UseTally[], isComplete: boolean, waitedS: number): Awaited {
  const counts = countsOf(tallies)
  const check = (what: string, expected: number, seen: number): Check => {
    const isLate = !isComplete && seen < expected
    return {
      what,
      expected: String(expected),
      seen: isLate ? lateText(String(seen), waitedS) : String(seen),
      verdict: isLate ? 'unknown' : seen === expected ? 'pass' : 'fail',
    }
  }
  return {
    tallies,
    counts,
    isComplete,
    waitedS,
    check: (operation, expected) => check(`${operation} calls that CloudTrail counts`, expected, counts[operation] ?? 0),
    checkOf: (what, expected, isSuch) => check(what, expected, totalOf(tallies.filter(({ use }) => isSuch(use)))),
  }
}

function totalOf(tallies: readonly UseTally[]): number {
  return tallies.reduce((sum, { count }) => sum + count, 0)
}

/** What was seen of something that is not complete. */
export function lateText(seen: string, waitedS: number): string {
  return `${seen}, ${durationText(waitedS)} after the calls: not delivered, or not in time`
}

function countsOf(tallies: readonly UseTally[]): Counts {
  const counts: Record<string, number> = {}
  for (const { use, count } of tallies) counts[use.operation] = (counts[use.operation] ?? 0) + count
  return counts
}

function isThere(counts: Counts, wanted: Counts): boolean {
  return Object.entries(wanted).every(([operation, count]) => (counts[operation] ?? 0) >= count)
}

/** As people say it: `1 min 20 s`. */
export function durationText(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** @throws if the run's facts hold no time: somebody else wrote them */
function hourOf(second: number): EpochS {
  const instant = epochS(1000 * second)
  if (instant === null) throw new Error('the facts of the run tell no time')
  return (instant - (instant % HOUR_S)) as EpochS
}
