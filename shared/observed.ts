/** What was read of the world; or that it was not read, and why. What was not read is never taken for a value. */
export type Observed<Value> = { readonly known: true; readonly value: Value } | Unread

export type Unread = {
  readonly known: false
  /** What was called, as IAM names it, such as `kms:GetKeyRotationStatus`. */
  readonly action: string
  /** `denied`: the auditor lacks the permission; `failed`: the service or the way to it; `unclear`: it was read, and does not decide it. */
  readonly because: 'denied' | 'failed' | 'unclear'
  /** The error's code; where it is unclear, why, such as `PolicyNotUnderstood`. */
  readonly code: string
  /** Every value that it can have, where those are few: what comes to the same by each of them is known all the same. */
  readonly among?: readonly unknown[]
}

export function observed<Value>(value: Value): Observed<Value> {
  return { known: true, value }
}

/** What became of the action, in words behind its name. */
export const UNREAD_WORDS: Readonly<Record<Unread['because'], string>> = { denied: 'is denied', failed: 'failed', unclear: 'does not tell' }

export function unread(action: string, because: Unread['because'], code: string): Unread {
  return { known: false, action, because, code }
}
