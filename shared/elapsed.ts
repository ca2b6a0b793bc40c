/** Milliseconds that only grow: to measure with, and to let things grow old. Not the time of day, which `wiring.ts` reads. */
export function elapsedMs(): number {
  return performance.now()
}
