/** What was read of the world; or that it was not read, and why. What was not read is never taken for a value. */
export type Observed<Value> = { readonly known: true; readonly value: Value } | Unread

export type Unread = {
  readonly known: false
  /** What was called, as IAM names it, such as `kms:GetKeyRotationStatus`. */
  readonly action: string
  /** `denied`: the auditor lacks the permission; `failed`: the service or the way to it. */
  readonly because: 'denied' | 'failed'
  /** The error's code. */
  readonly code: string
}

export function observed<Value>(value: Value): Observed<Value> {
  return { known: true, value }
}

export function unread(action: string, because: Unread['because'], code: string): Unread {
  return { known: false, action, because, code }
}
