import type { DatabaseSync } from 'node:sqlite'

/** Where a clock stands: real time and an offset, never earlier than what was told before. */
export type ClockMark = {
  nowMs(): number
  /** Nothing if the clock is past it. */
  moveTo(timeMs: number): void
  /** The time can still be read, and is no longer kept. */
  close(): void
}

/**
 * How far ahead of the clock the kept mark stands. A clock that was not closed starts at its mark: up to a second later than it died, and
 * never before a time that was told, even if the machine's own clock was set back.
 */
const AHEAD_MS = 1000

const SCHEMA = `CREATE TABLE IF NOT EXISTS clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  offset_ms INTEGER NOT NULL,
  at_least_ms INTEGER NOT NULL
) STRICT`

export function clockMark(db: DatabaseSync, realMs: () => number, startMs: number | undefined): ClockMark {
  db.exec(SCHEMA)
  const keep = db.prepare('INSERT OR REPLACE INTO clock (id, offset_ms, at_least_ms) VALUES (1, ?, ?)')
  const kept = db.prepare('SELECT offset_ms, at_least_ms FROM clock WHERE id = 1').get()
  let offsetMs = kept === undefined ? Math.trunc(startMs ?? realMs()) - realMs() : Number(kept['offset_ms'])
  let toldMs = kept === undefined ? realMs() + offsetMs : Number(kept['at_least_ms'])
  let keptMs = Number.NEGATIVE_INFINITY
  let closed = false

  function nowMs(): number {
    const local = realMs() + offsetMs
    // The machine's clock was set back, or the kept mark is ahead: time passes on from what was told.
    if (local < toldMs) offsetMs += toldMs - local
    else toldMs = local
    if (toldMs > keptMs && !closed) {
      keptMs = toldMs + AHEAD_MS
      keep.run(offsetMs, keptMs)
    }
    return toldMs
  }

  return {
    nowMs,
    moveTo(timeMs) {
      const aheadMs = Math.ceil(timeMs - nowMs())
      if (aheadMs <= 0) return
      offsetMs += aheadMs
      keptMs = Number.NEGATIVE_INFINITY
      nowMs()
    },
    close() {
      const timeMs = nowMs()
      closed = true
      keep.run(offsetMs, timeMs)
    },
  }
}
