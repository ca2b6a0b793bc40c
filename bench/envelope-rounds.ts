/** Measures several programs in turns, so that what else the machine does meets all of them alike. */
import { median } from './live-say.ts'

/** Runs so many operations, one after another. */
export type Contender = { readonly operations: number; run(operations: number): Promise<void> | void }
/** Microseconds of one operation. */
export type Timing = { readonly bestUs: number; readonly medianUs: number }

/**
 * Every round runs each contender once, in an order of chance; rounds to warm up come first. With `isCollected`, each starts without the
 * garbage of the one before: for large buffers, which would otherwise be found again or not by luck.
 */
export async function timed<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { rounds, warmUps, isCollected }: { readonly rounds: number; readonly warmUps: number; readonly isCollected: boolean },
): Promise<Readonly<Record<Name, Timing>>> {
  const collectGarbage = globalThis.gc
  if (collectGarbage === undefined) throw new Error('node needs --expose-gc')
  const names = Object.keys(contenders) as Name[]
  const samples = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    for (const name of shuffled(names)) {
      const { operations, run } = contenders[name]
      if (isCollected) collectGarbage()
      const begun = performance.now()
      await run(operations)
      const us = (1000 * (performance.now() - begun)) / operations
      if (round >= 0) samples.get(name)?.push(us)
    }
  }
  return Object.fromEntries([...samples].map(([name, us]) => [name, { bestUs: Math.min(...us), medianUs: median(us) }])) as Record<
    Name,
    Timing
  >
}

/** How many times as fast the second is: by the best rounds, and by the median ones. */
export function timesAsFast(peer: Timing, own: Timing): { readonly best: number; readonly median: number } {
  return { best: peer.bestUs / own.bestUs, median: peer.medianUs / own.medianUs }
}

function shuffled<Value>(values: readonly Value[]): readonly Value[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
