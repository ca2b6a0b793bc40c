import type { QueueMessage } from '../queue-message.ts'
import { type FoldCounts, foldMessages } from './fold.ts'
import type { UsageMessageReader } from './usage-message.ts'
import type { UsageWriter } from './usage-store.ts'

export type CountPorts = {
  readonly reader: UsageMessageReader
  readonly store: UsageWriter
  /** Milliseconds until the invocation is ended from outside. */
  readonly remainingMs: () => number
  /** A text that was never made before. */
  readonly newToken: () => string
}

export type CountResult = {
  /** Messages to be delivered again: there was no time for them, or the store failed. */
  readonly failed: readonly string[]
  readonly counts: FoldCounts
  readonly segments: number
  /** Why the store failed, once a reason. */
  readonly storeFailures: readonly Error[]
}

/** Folding stops, and writing begins, this long before the end; no write begins later than the second. */
const FOLD_RESERVE_MS = 15_000
const WRITE_RESERVE_MS = 3000
/** Writes at a time: the store answers each within milliseconds, and more would only be throttled. */
const WRITES_AT_A_TIME = 16

/**
 * Counts a batch of messages: all of them, some of them twice, again and again: what was counted once is not counted again.
 * An hour's messages fail together if one of its segments, or its mark, was not written.
 */
export async function countMessages(messages: readonly QueueMessage[], ports: CountPorts): Promise<CountResult> {
  const { reader, store, remainingMs, newToken } = ports
  const fold = foldMessages(messages, reader, () => remainingMs() < FOLD_RESERVE_MS)
  const failed = new Set(fold.unreached)
  const storeFailures = new Map<string, Error>()
  const write = async (ids: readonly string[], run: () => Promise<void>): Promise<void> => {
    if (remainingMs() < WRITE_RESERVE_MS) {
      for (const id of ids) failed.add(id)
      return
    }
    try {
      await run()
    } catch (error) {
      const failure = error instanceof Error ? error : new Error('the store failed', { cause: error })
      storeFailures.set(`${failure.name} ${failure.message}`, failure)
      for (const id of ids) failed.add(id)
    }
  }
  const writes = [
    ...fold.hours.flatMap(({ segments, messages: ids }) => segments.map((segment) => () => write(ids, () => store.putSegment(segment)))),
    ...fold.parked.map((message) => () => write([message.messageId], () => store.park(message))),
  ]
  await runSome(writes, WRITES_AT_A_TIME)
  // Only now: whoever sees the mark must see the segments. A token of its own each time: were it made of the segments, the same ones
  // written again would bring an old token back, and a roll-up that saw the old one would take away the mark of others between.
  const marks = fold.hours.map(
    ({ hour, messages: ids }) =>
      () =>
        write(ids, () => store.markHour({ hour, token: newToken() })),
  )
  await runSome(marks, WRITES_AT_A_TIME)
  return {
    failed: [...failed],
    counts: fold.counts,
    segments: fold.hours.reduce((total, { segments }) => total + segments.length, 0),
    storeFailures: [...storeFailures.values()],
  }
}

async function runSome(tasks: readonly (() => Promise<void>)[], most: number): Promise<void> {
  const left = tasks.values()
  await Promise.all(
    Array.from({ length: Math.min(most, tasks.length) }, async () => {
      for (const task of left) await task()
    }),
  )
}
