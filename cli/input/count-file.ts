import { createUsageReader, type TimeWindow, type UsageOfBytes, type UsageReader } from '../../shared/usage/usage-reader.ts'
import { readTrailBytes } from './trail-bytes.ts'
import type { TrailFile } from './trail-paths.ts'

/** What a thread is told of one file. `bytesRead` counts over all threads, for whoever shows the progress. */
export type CountFileTask = {
  readonly file: TrailFile
  readonly window: TimeWindow
  readonly expandedBytesMax: number
  readonly bytesRead: BigInt64Array<SharedArrayBuffer>
}

let reader: { readonly window: TimeWindow; readonly usage: UsageReader } | undefined

/** Counts the uses of keys in one file. Runs in a worker thread, or in place where one core or one small file is all there is. */
export async function countFile(task: CountFileTask): Promise<UsageOfBytes> {
  const { since, until } = task.window
  if (reader?.window.since !== since || reader.window.until !== until) {
    reader = { window: task.window, usage: createUsageReader(task.window) }
  }
  const { usage } = reader
  const onRead = (byteCount: number): void => void Atomics.add(task.bytesRead, 0, BigInt(byteCount))
  const failure = await readTrailBytes(task.file, { expandedBytesMax: task.expandedBytesMax, onRead }, usage.feed)
  return usage.finish(failure ?? undefined)
}
