/** The only place that reads the environment and the clock (besides `local/`). */
import path from 'node:path'
import { epochS, type EpochS } from './time.ts'

/** Where the user stands. npm runs scripts from the project's root and tells the folder it was called from. */
export function standingFolder(): string {
  const calledFrom = process.env['npm_lifecycle_event'] === undefined ? undefined : process.env['INIT_CWD']
  return path.resolve(calledFrom ?? process.cwd())
}

export function now(): EpochS {
  const instant = epochS(Date.now())
  if (instant === null) throw new Error('the clock of this machine stands before 1970 or after 2106')
  return instant
}

/** Milliseconds that only grow, to measure with. */
export function monotonicMs(): number {
  return performance.now()
}
