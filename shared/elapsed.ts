let first: { readonly steadyMs: number; readonly wallMs: number } | undefined
/** By how much the wall clock went further than the steady one. */
let aheadMs = 0

/**
 * Milliseconds that only grow: to measure with, and to let things grow old. Not the time of day, which `wiring.ts` reads.
 * Of two clocks the one that went further counts: the steady one may stand still while a process is frozen (as Lambda does between
 * invocations), and the wall clock may be set back. Things grow old too soon rather than too late.
 */
export function elapsedMs(): number {
  const steadyMs = performance.now()
  const wallMs = Date.now()
  first ??= { steadyMs, wallMs }
  aheadMs = Math.max(aheadMs, wallMs - first.wallMs - (steadyMs - first.steadyMs))
  return steadyMs + aheadMs
}
