import type { DatabaseSync } from 'node:sqlite'
import { clockMark } from './clock-mark.ts'

/** The local cloud's time. It passes like real time, can be moved forward, and never goes back, not even over a restart. */
export type LocalClock = {
  nowMs(): number
  /**
   * Moves the clock forward (0 to 400 days) and runs what falls due, each at its time and one after the other. Fulfilled once all has
   * run and the clock stands at least that much later; rejected after 100,000 runs, with the clock where they led it.
   */
  advance(ms: number): Promise<void>
  /** Runs something once when the clock gets there, at once if it is past. Answers what cancels it. Throws when 100,000 wait. */
  at(timeMs: number, run: () => void | Promise<void>): () => void
  /** Nothing runs after this; what waits is forgotten. Waits for what is running, 30 seconds at most. */
  close(): Promise<void>
}

export type ClockOptions = {
  readonly db: DatabaseSync
  /** Where a clock starts that is not in the database yet; the real time if left out. */
  readonly startMs?: number
  readonly realMs?: () => number
  /** Told of what a run threw, and of one that took longer than 30 seconds. */
  onFault(error: unknown): void
}

export const ADVANCE_MS_MAX = 400 * 24 * 3600 * 1000
const TIMERS_MAX = 100_000
const RUNS_MAX = 100_000
/** What waits for a run, and whoever advances, goes on after this: a run that advances the clock itself would wait for itself. */
const RUN_WAIT_MS = 30_000
/** setTimeout counts in 32 bits. https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const SLEEP_MS_MAX = 3_600_000
const ADVANCES_MAX = 64

type Timer = { readonly timeMs: number; readonly run: () => void | Promise<void> }

export function openClock(options: ClockOptions): LocalClock {
  const { onFault } = options
  const mark = clockMark(options.db, options.realMs ?? Date.now, options.startMs)
  /** Sorted by time; of one time, in the order they were set. */
  const timers: Timer[] = []
  let turn: Promise<void> = Promise.resolve()
  let turns = 0
  let sleep: NodeJS.Timeout | undefined
  let closed = false

  /** One at a time, so that timers run in order whoever wakes them. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const result = turn.then(work)
    turns++
    turn = result.then(
      () => void turns--,
      () => void turns--,
    )
    return result
  }

  async function runDue(untilMs: number): Promise<void> {
    for (let runs = 0; ; runs++) {
      const next = timers[0]
      if (closed || next === undefined || next.timeMs > untilMs) return
      if (runs === RUNS_MAX) throw new Error(`the clock stopped after ${RUNS_MAX} runs: they set new ones without end, or advance by less`)
      timers.shift()
      mark.moveTo(next.timeMs)
      await finished(next, onFault)
    }
  }

  function wakeLater(): void {
    clearTimeout(sleep)
    const next = timers[0]
    if (closed || next === undefined) return
    const waitMs = Math.min(Math.max(next.timeMs - mark.nowMs(), 0), SLEEP_MS_MAX)
    sleep = setTimeout(() => {
      inTurn(() => runDue(mark.nowMs()))
        .catch(onFault)
        .finally(wakeLater)
    }, waitMs)
    // What waits for a time of its own does not keep the process alive.
    sleep.unref()
  }

  return {
    nowMs: mark.nowMs,
    async advance(ms) {
      if (!Number.isSafeInteger(ms) || ms < 0 || ms > ADVANCE_MS_MAX) throw new RangeError('the clock advances by 0 to 400 days')
      if (turns >= ADVANCES_MAX) throw new Error(`the clock is being advanced ${ADVANCES_MAX} times already`)
      await inTurn(async () => {
        const untilMs = mark.nowMs() + ms
        await runDue(untilMs)
        mark.moveTo(untilMs)
      }).finally(wakeLater)
    },
    at(timeMs, run) {
      if (closed) throw new Error('the clock is closed')
      if (timers.length >= TIMERS_MAX) throw new Error(`the clock holds ${TIMERS_MAX} timers at most`)
      const timer = { timeMs, run }
      const place = placeOf(timers, timeMs)
      timers.splice(place, 0, timer)
      if (place === 0) wakeLater()
      return () => {
        const index = timers.indexOf(timer)
        if (index !== -1) timers.splice(index, 1)
      }
    },
    async close() {
      closed = true
      timers.length = 0
      clearTimeout(sleep)
      await turn
      mark.close()
    },
  }
}

/** Behind all that are not later. */
function placeOf(timers: readonly Timer[], timeMs: number): number {
  let low = 0
  let high = timers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timers[middle]?.timeMs ?? 0) <= timeMs) low = middle + 1
    else high = middle
  }
  return low
}

async function finished(timer: Timer, onFault: (error: unknown) => void): Promise<void> {
  let patience: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    patience = setTimeout(() => resolve('late'), RUN_WAIT_MS)
  })
  try {
    const outcome = await Promise.race([timer.run(), late])
    if (outcome === 'late') onFault(new Error(`a run of the local clock took longer than ${RUN_WAIT_MS / 1000} seconds`))
  } catch (error) {
    onFault(error)
  } finally {
    clearTimeout(patience)
  }
}
