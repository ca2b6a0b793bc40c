import { elapsedMs } from '../../shared/elapsed.ts'

const REFRESH_MS = 200
const ERASE_LINE = '\r\u001b[K'

/** Tells a person at a terminal how far an audit is: one line, at most five times a second, erased by `stop`. */
export type AuditProgress = { tell(what: string, done: number): void; stop(): void }

export const silentAuditProgress: AuditProgress = { tell: () => undefined, stop: () => undefined }

export function lineAuditProgress(stream: NodeJS.WriteStream): AuditProgress {
  let toldMs = Number.NEGATIVE_INFINITY
  return {
    tell(what, done) {
      if (elapsedMs() - toldMs < REFRESH_MS) return
      toldMs = elapsedMs()
      stream.write(`${ERASE_LINE}${`${what}: ${done} judged`.slice(0, stream.columns - 1)}`)
    },
    stop() {
      if (toldMs > 0) stream.write(ERASE_LINE)
    },
  }
}
