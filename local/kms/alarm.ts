/** A clock that runs something once when it has reached a time, and answers what cancels it. */
export type AlarmClock = {
  nowMs(): number
  at(timeMs: number, run: () => void): () => void
}

export type Alarm = {
  /** After something that may have brought the next moment forward. */
  set(): void
}

/**
 * Runs something whenever the clock reaches the next of many moments, with one timer at a time. Where that throws, the next `set` tries
 * again. A clock that is closed forgets the timer; the moments are asked for again at the next start.
 */
export function createAlarm(clock: AlarmClock, nextMs: () => number | null, ring: (timeMs: number) => void): Alarm {
  let armed: { readonly timeMs: number; readonly cancel: () => void } | null = null

  function set(): void {
    const timeMs = nextMs()
    if (timeMs === null || (armed !== null && armed.timeMs <= timeMs)) return
    armed?.cancel()
    const cancel = clock.at(timeMs, () => {
      armed = null
      ring(clock.nowMs())
      set()
    })
    armed = { timeMs, cancel }
  }

  return { set }
}
