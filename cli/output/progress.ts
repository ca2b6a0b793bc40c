import { elapsedMs } from '../../shared/elapsed.ts'

/** Tells a person at a terminal how far a long reading is. */
export type Progress = {
  start(work: { readonly files: number; readonly bytes: number; readonly bytesRead: () => number }): void
  fileDone(): void
  stop(): void
}

const REFRESH_MS = 200
const ERASE_LINE = '\r\u001b[K'

export const silentProgress: Progress = { start: () => undefined, fileDone: () => undefined, stop: () => undefined }

/** One line on `stream` that is renewed five times a second, and erased at the end. */
export function lineProgress(stream: NodeJS.WriteStream): Progress {
  let done = 0
  let timer: NodeJS.Timeout | undefined
  return {
    start(work) {
      const begun = elapsedMs()
      timer = setInterval(() => {
        const line = progressText({ ...work, filesDone: done, bytesDone: work.bytesRead(), ms: elapsedMs() - begun })
        stream.write(`${ERASE_LINE}${line.slice(0, stream.columns - 1)}`)
      }, REFRESH_MS)
    },
    fileDone() {
      done++
    },
    stop() {
      if (timer === undefined) return
      clearInterval(timer)
      stream.write(ERASE_LINE)
    },
  }
}

export type ProgressState = {
  readonly files: number
  readonly filesDone: number
  readonly bytes: number
  readonly bytesDone: number
  readonly ms: number
}

export function progressText(state: ProgressState): string {
  const { files, filesDone, bytes, bytesDone, ms } = state
  const rate = bytesDone / (ms / 1000)
  // What comes from standard input has no known size.
  if (bytes === 0) return `reading: ${megabytes(bytesDone)} MB · ${megabytes(rate)} MB/s`
  const left = bytesDone === 0 ? 'time left unknown' : `${duration((bytes - bytesDone) / rate)} left`
  return `${filesDone} of ${files} files · ${megabytes(bytesDone)} of ${megabytes(bytes)} MB · ${megabytes(rate)} MB/s · ${left}`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
