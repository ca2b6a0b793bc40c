import type { EpochS } from '../../shared/time.ts'
import type { StoredRollUp, UsageStore } from '../../shared/usage/usage-store.ts'

/** What a store holds that its port does not show. */
export type MemoryUsageStore = UsageStore & { readonly parked: ReadonlyMap<string, string> }

/** The promises of the port of usage in the plainest way. */
export function createMemoryUsageStore(): MemoryUsageStore {
  const segments = new Map<string, { readonly hour: EpochS; readonly shard: string; readonly bytes: Uint8Array }>()
  const marks = new Map<EpochS, string>()
  const rollUps = new Map<EpochS, StoredRollUp>()
  const parked = new Map<string, string>()
  return {
    parked,
    putSegment: async ({ hour, shard, id, bytes }) => void segments.set(`${hour} ${shard} ${id}`, { hour, shard, bytes }),
    markHour: async ({ hour, token }) => void marks.set(hour, token),
    park: async ({ messageId, kind, reason }) => void parked.set(messageId, `${kind}: ${reason}`),
    async *segments(hour, shard) {
      for (const segment of segments.values()) {
        if (segment.hour === hour && (segment.shard.startsWith(shard) || shard.startsWith(segment.shard))) yield segment.bytes
      }
    },
    markedHours: async (limit) => Array.from(marks, ([hour, token]) => ({ hour, token })).slice(0, limit),
    unmarkHour: async ({ hour, token }) => void (marks.get(hour) === token && marks.delete(hour)),
    rollUp: async (hour) => rollUps.get(hour) ?? null,
    rolledUpHours: async (since, until) => new Set([...rollUps.keys()].filter((hour) => hour >= since && hour < until)),
    putRollUp: async (hour, rollUp) => {
      if ((rollUps.get(hour)?.segmentCount ?? 0) > rollUp.segmentCount) return 'superseded'

      rollUps.set(hour, rollUp)
      return 'written'
    },
  }
}

/** What befalls the calls of a store, in the order in which they come. */
export type Fate = 'done' | 'failsBefore' | 'failsAfter' | 'goesDown'

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
}

/** A store whose calls take turns with others and meet their fate. Once it has gone down it answers nothing more. */
export function createUnsteadyStore(store: UsageStore, fateOf: () => Fate, turn: () => Promise<void>): UsageStore {
  let isDown = false
  async function meet<Result>(run: () => Promise<Result>): Promise<Result> {
    await turn()
    const fate = isDown ? 'goesDown' : fateOf()
    if (fate === 'goesDown') isDown = true
    if (fate === 'goesDown' || fate === 'failsBefore') throw new StoreFailure(fate)
    const result = await run()
    await turn()
    if (fate === 'failsAfter') throw new StoreFailure(fate)
    return result
  }
  return {
    putSegment: (segment) => meet(() => store.putSegment(segment)),
    markHour: (marked) => meet(() => store.markHour(marked)),
    park: (message) => meet(() => store.park(message)),
    markedHours: (limit) => meet(() => store.markedHours(limit)),
    unmarkHour: (marked) => meet(() => store.unmarkHour(marked)),
    rollUp: (hour) => meet(() => store.rollUp(hour)),
    rolledUpHours: (since, until) => meet(() => store.rolledUpHours(since, until)),
    putRollUp: (hour, rollUp) => meet(() => store.putRollUp(hour, rollUp)),
    async *segments(hour, shard) {
      for await (const bytes of store.segments(hour, shard)) yield await meet(async () => bytes)
    },
  }
}
