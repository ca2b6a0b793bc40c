/** What a call came to. AWS's own refusals are outcomes. What breaks on the way (network, faults of AWS) throws. */
export type Tried<Value> = { readonly ok: true; readonly value: Value } | Refusal

export type Refusal = {
  readonly ok: false
  /** As the SDK names it, such as `AccessDeniedException`. */
  readonly code: string
  readonly message: string
}
