import { elapsedMs } from '../../shared/elapsed.ts'

/** Tells a person at a terminal how much was read: one line on standard error, at most five times a second, erased by `stop`. */
export type ReadingProgress = { counted<Answer>(reading: Promise<Answer>): Promise<Answer>; stop(): void }

const REFRESH_MS = 200
const ERASE_LINE = '\r\u001b[K'

export function readingProgress(what: string, isQuiet: boolean): ReadingProgress {
  const stream = process.stderr
  const isShown = !isQuiet && stream.isTTY
  let done = 0
  let toldMs: number | null = null
  return {
    async counted(reading) {
      const answer = await reading
      done++
      if (isShown && (toldMs === null || elapsedMs() - toldMs >= REFRESH_MS)) {
        toldMs = elapsedMs()
        stream.write(`${ERASE_LINE}${`${what}: ${done}`.slice(0, stream.columns - 1)}`)
      }
      return answer
    },
    stop() {
      if (toldMs !== null) stream.write(ERASE_LINE)
    },
  }
}
