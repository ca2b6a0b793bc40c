/** Items in their order, in batches of so many items and bytes at most; one that is longer than that goes by itself. */
export function batchesOf<Each>(
  items: readonly Each[],
  limits: { readonly countMax: number; readonly bytesMax: number },
  bytesOf: (item: Each) => number,
): readonly (readonly Each[])[] {
  const batches: Each[][] = []
  let bytes = 0
  for (const item of items) {
    const last = batches.at(-1)
    const more = bytesOf(item)
    if (last === undefined || last.length === limits.countMax || bytes + more > limits.bytesMax) {
      batches.push([item])
      bytes = more
    } else {
      last.push(item)
      bytes += more
    }
  }
  return batches
}

/** Runs for each item, so many at a time; results in the order of the items. */
export async function inLanes<Each, Result>(
  items: readonly Each[],
  lanesMax: number,
  run: (item: Each) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<number, Result>()
  const entries = items.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of entries) results.set(index, await run(item))
  }
  await Promise.all(Array.from({ length: Math.min(lanesMax, items.length) }, lane))
  return items.flatMap((_, index) => {
    const result = results.get(index)
    return result === undefined ? [] : [result]
  })
}
