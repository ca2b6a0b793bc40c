/** What reading outside data yields: the value, or why there is none. Reasons name places and kinds, never what a stranger wrote. */
export type Parsed<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: string }

export function parsed<Value>(value: Value): Parsed<Value> {
  return { ok: true, value }
}

export function refused(reason: string): Parsed<never> {
  return { ok: false, reason }
}
