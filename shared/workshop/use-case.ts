import type { RunFacts } from './registry.ts'
import type { Stage } from './stage.ts'

/** One thing that a check looked at. */
export type Check = {
  readonly what: string
  readonly expected: string
  readonly seen: string
  /** `unknown`: it could not be read, or did not come in time. */
  readonly verdict: 'pass' | 'fail' | 'unknown'
}

/** A question that the use case answers. */
export type Lesson = { readonly question: string; readonly answer: string }

/** Rows of a table for people; the first row names the columns. */
export type Table = { readonly title: string; readonly rows: readonly (readonly string[])[] }

export type CheckResult = { readonly checks: readonly Check[]; readonly lessons: readonly Lesson[]; readonly tables?: readonly Table[] }

/** What a workshop teaches, runnable again at any time. */
export type UseCase = {
  readonly name: string
  readonly title: string
  /** What a run submits if it is told to; left out: nothing. */
  readonly submits?: string
  /** Makes what is missing, does the lesson's work, and returns what the check must know. */
  run(stage: Stage): Promise<RunFacts>
  check(stage: Stage, facts: RunFacts): Promise<CheckResult>
}

export function aliasOf(useCase: string): string {
  return `alias/keytrail-demo-${useCase}`
}

/** A check of something that was read at once. */
export function checked(what: string, expected: string | number, seen: string | number): Check {
  return { what, expected: String(expected), seen: String(seen), verdict: expected === seen ? 'pass' : 'fail' }
}
