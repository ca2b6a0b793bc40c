import { type Observed, type Unread, unread } from '../observed.ts'

/** What a rule says of one resource as it stands. */
export type Verdict =
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'fail'
      /** What is wrong, in a sentence that names the state, such as `automatic rotation is off`. */
      readonly reason: string
    }
  | {
      readonly kind: 'not_applicable'
      /** Why the rule has nothing to say, such as `AWS rotates AWS managed keys`. */
      readonly reason: string
    }
  /** Something it takes was not read. Never a pass and never a failure. */
  | { readonly kind: 'unknown'; readonly unread: readonly Unread[] }

export const pass: Verdict = { kind: 'pass' }

export function fail(reason: string): Verdict {
  return { kind: 'fail', reason }
}

export function notApplicable(reason: string): Verdict {
  return { kind: 'not_applicable', reason }
}

/** It takes those of these facts that were not read. */
export function untold(...facts: readonly Observed<unknown>[]): Verdict {
  return { kind: 'unknown', unread: facts.filter((fact) => !fact.known) }
}

/** What was read does not tell: of a form that is not known here, or not for long enough. `code` names why, such as `PolicyNotUnderstood`. */
export function unjudged(action: string, code: string): Verdict {
  return { kind: 'unknown', unread: [unread(action, 'unclear', code)] }
}
