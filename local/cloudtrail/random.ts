/** Chance that repeats: numbers from 0 up to, not including, 1. */
export type Random = () => number

/** The standard normal distribution's 99th percentile. */
const Z_P99 = 2.326_347_874
/** A log-normal delay has no longest one; a run must end. */
const LONGEST_IN_P99 = 10

/** Mulberry32: 32 bits of state, no dependency, the same numbers everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A delay in whole milliseconds, log-normal with the given median and 99th percentile, never above ten times the latter. */
export function logNormalMs(random: Random, spread: { readonly p50: number; readonly p99: number }): number {
  const { p50, p99 } = spread
  if (p50 <= 0) return 0
  const sigma = p99 > p50 ? Math.log(p99 / p50) / Z_P99 : 0
  // Box-Muller; 1 - random() keeps the logarithm away from zero.
  const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.round(Math.min(p50 * Math.exp(sigma * z), Math.max(p50, p99) * LONGEST_IN_P99))
}
