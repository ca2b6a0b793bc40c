import type { LocalClock } from './clock.ts'
import type { EventBus } from './events/bus.ts'

/** How often schedules are looked at, in time of the local clock: no rule of the stack runs more often. */
const LOOK_MS = 15 * 60_000

export type Schedules = {
  /** While this runs, nothing is due; afterwards what was due meanwhile runs, each rule once. */
  rest(run: () => Promise<void>): Promise<void>
  stop(): void
}

/** Runs what the rules with a schedule are due for as the clock goes on. A rule that was due several times runs once. */
export function runSchedules(parts: { readonly bus: EventBus; readonly clock: LocalClock; onFault(error: unknown): void }): Schedules {
  const { bus, clock, onFault } = parts
  let seenMs = clock.nowMs()
  let cancel: (() => void) | undefined
  let resting = 0

  async function look(): Promise<void> {
    if (resting > 0) return
    const fromMs = seenMs
    const { due, completeToMs } = bus.dueSchedules(fromMs, clock.nowMs())
    seenMs = completeToMs
    const latest = new Map(due.map((rule) => [`${rule.region} ${rule.ruleName}`, rule]))
    for (const rule of latest.values()) await bus.runSchedule(rule)
  }

  function lookLater(): void {
    cancel = clock.at(clock.nowMs() + LOOK_MS, async () => {
      await look().catch(onFault)
      lookLater()
    })
  }

  lookLater()
  return {
    async rest(run) {
      resting++
      try {
        await run()
      } finally {
        resting--
      }
      await look()
    },
    stop: () => cancel?.(),
  }
}
