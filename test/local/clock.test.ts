import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ADVANCE_MS_MAX, type LocalClock, openClock } from '../../local/clock.ts'

const DAY_MS = 24 * 3600 * 1000
const databases: DatabaseSync[] = []

afterEach(() => {
  for (const db of databases.splice(0)) db.close()
})

function database(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  databases.push(db)
  return db
}

/** A clock over a machine whose time stands still unless moved. */
function standingClock(
  options: { db?: DatabaseSync; realMs?: number; startMs?: number } = {},
): LocalClock & { readonly real: { ms: number }; readonly faults: unknown[] } {
  const real = { ms: options.realMs ?? 1_800_000_000_000 }
  const faults: unknown[] = []
  const { db = database(), startMs } = options
  const start = startMs === undefined ? {} : { startMs }
  const clock = openClock({ db, realMs: () => real.ms, onFault: (error) => void faults.push(error), ...start })
  return { ...clock, real, faults }
}

describe('the local clock', () => {
  it('runs what is due in order of time, each once, and nothing that was cancelled', async () => {
    const plan = fc.record({
      timers: fc.array(fc.record({ afterMs: fc.integer({ min: -10, max: 40 }).map((step) => 500 * step), cancelled: fc.boolean() }), {
        maxLength: 40,
      }),
      steps: fc.array(fc.record({ advanceMs: fc.nat(6000), passMs: fc.nat(500) }), { maxLength: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ timers, steps }) => {
        const clock = standingClock()
        const startMs = clock.nowMs()
        const ran: { index: number; atMs: number }[] = []
        const cancels = timers.map(({ afterMs }, index) => clock.at(startMs + afterMs, () => void ran.push({ index, atMs: clock.nowMs() })))
        for (const [index, { cancelled }] of timers.entries()) if (cancelled) cancels[index]?.()
        for (const { advanceMs, passMs } of steps) {
          clock.real.ms += passMs
          await clock.advance(advanceMs)
        }
        const endMs = clock.nowMs()
        expect(endMs - startMs).toBe(steps.reduce((sum, { advanceMs, passMs }) => sum + advanceMs + passMs, 0))
        const due = timers
          .map(({ afterMs, cancelled }, index) => ({ index, dueMs: startMs + afterMs, cancelled }))
          .filter(({ dueMs, cancelled }) => !cancelled && steps.length > 0 && dueMs <= endMs)
        // Those that are past when they are set run in the first step, in order of time as well.
        expect(ran.map(({ index }) => index)).toEqual(
          due.toSorted((a, b) => a.dueMs - b.dueMs || a.index - b.index).map(({ index }) => index),
        )
        for (const { index, atMs } of ran) expect(atMs).toBeGreaterThanOrEqual(startMs + (timers[index]?.afterMs ?? 0))
        expect(clock.faults).toEqual([])
        await clock.close()
      }),
      { numRuns: 150 },
    )
  })

  it('shows a timer its own time, and runs what that sets within the same advance', async () => {
    const clock = standingClock()
    const startMs = clock.nowMs()
    const seen: number[] = []
    const tick = async (): Promise<void> => {
      seen.push(clock.nowMs() - startMs)
      await sleep(1)
      clock.at(clock.nowMs() + 100, tick)
    }
    clock.at(startMs + 100, tick)
    await clock.advance(350)
    expect(seen).toEqual([100, 200, 300])
    expect(clock.nowMs() - startMs).toBe(350)
    await clock.close()
  })

  it('lets several advance it, one after the other', async () => {
    const clock = standingClock()
    const startMs = clock.nowMs()
    const seen: number[] = []
    for (const afterMs of [50, 150]) clock.at(startMs + afterMs, () => void seen.push(afterMs))
    await Promise.all([clock.advance(100), clock.advance(100)])
    expect(seen).toEqual([50, 150])
    expect(clock.nowMs() - startMs).toBe(200)
    await clock.close()
  })

  it('goes on after a run that throws, and tells of it', async () => {
    const clock = standingClock()
    const seen: string[] = []
    clock.at(clock.nowMs() + 1, () => {
      throw new Error('at once')
    })
    clock.at(clock.nowMs() + 2, () => Promise.reject(new Error('later')))
    clock.at(clock.nowMs() + 3, () => void seen.push('third'))
    await clock.advance(10)
    expect(seen).toEqual(['third'])
    expect(clock.faults.map(String)).toEqual(['Error: at once', 'Error: later'])
    await clock.close()
  })

  it.each([-1, 0.5, ADVANCE_MS_MAX + 1, Number.NaN])('refuses to advance by %s', async (ms) => {
    const clock = standingClock()
    const beforeMs = clock.nowMs()
    await expect(clock.advance(ms)).rejects.toThrow('0 to 400 days')
    expect(clock.nowMs()).toBe(beforeMs)
    await clock.close()
  })

  it('does not run without end', async () => {
    const clock = standingClock()
    let runs = 0
    const again = (): void => {
      runs++
      clock.at(clock.nowMs(), again)
    }
    clock.at(clock.nowMs() + 1, again)
    await expect(clock.advance(1000)).rejects.toThrow('without end')
    expect(runs).toBe(100_000)
    await clock.close()
  })

  it('passes with real time, and wakes timers by it', async () => {
    const faults: unknown[] = []
    const clock = openClock({ db: database(), onFault: (error) => void faults.push(error) })
    const ran = new Promise<number>((resolve) => {
      clock.at(clock.nowMs() + 20, () => resolve(clock.nowMs()))
    })
    // The clock itself does not keep a process alive.
    const awake = setInterval(() => undefined, 10)
    const setMs = clock.nowMs()
    expect(await ran).toBeGreaterThanOrEqual(setMs)
    clearInterval(awake)
    expect(faults).toEqual([])
    await clock.close()
  })
})

describe('a clock that is opened again', () => {
  it.each([
    { title: 'earlier', startMs: Date.UTC(2020, 0, 1) },
    { title: 'later', startMs: Date.UTC(2030, 0, 1) },
  ])('keeps a start that is $title than real time', async ({ startMs }) => {
    const db = database()
    const first = standingClock({ db, startMs, realMs: 1_800_000_000_000 })
    expect(first.nowMs()).toBe(startMs)
    await first.advance(DAY_MS)
    await first.close()
    const second = standingClock({ db, startMs: 0, realMs: 1_800_000_005_000 })
    expect(second.nowMs()).toBe(startMs + DAY_MS + 5000)
    await second.close()
  })

  it('never goes back, closed or dead, whatever the clock of the machine does', async () => {
    const life = fc.record({
      jumpMs: fc.integer({ min: -100_000, max: 100_000 }),
      advanceMs: fc.nat(5000),
      passMs: fc.nat(3000),
      closed: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 8 }), async (lives) => {
        const db = new DatabaseSync(':memory:')
        let realMs = 1_800_000_000_000
        let toldMs = 0
        for (const { jumpMs, advanceMs, passMs, closed } of lives) {
          realMs += jumpMs
          const clock = standingClock({ db, realMs })
          const openedMs = clock.nowMs()
          expect(openedMs).toBeGreaterThanOrEqual(toldMs)
          await clock.advance(advanceMs)
          clock.real.ms += passMs
          expect(clock.nowMs()).toBe(openedMs + advanceMs + passMs)
          clock.real.ms -= 50_000
          toldMs = clock.nowMs()
          expect(toldMs).toBe(openedMs + advanceMs + passMs)
          realMs = clock.real.ms
          if (closed) await clock.close()
        }
        db.close()
      }),
      { numRuns: 100 },
    )
  })
})
