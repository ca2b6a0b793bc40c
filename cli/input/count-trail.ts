import { flushCompileCache } from 'node:module'
import { availableParallelism } from 'node:os'
import { Tinypool } from 'tinypool'
import { createUseLedger, type UseLedger } from '../../shared/usage/use-ledger.ts'
import type { TimeWindow, UsageOfBytes } from '../../shared/usage/usage-reader.ts'
import type { Progress } from '../output/progress.ts'
import { countFile, type CountFileTask } from './count-file.ts'
import { STANDARD_INPUT, type TrailFile } from './trail-paths.ts'

export type TrailUsage = {
  readonly records: number
  readonly ledger: UseLedger
  readonly malformed: readonly { readonly file: string; readonly position: number; readonly reason: string }[]
  /** Larger than `malformed` is long if there were very many in one file. */
  readonly malformedCount: number
}

/** Starting threads pays off from here on. */
const PARALLEL_BYTES_MIN = 8 << 20
/** Little of what a thread allocates lives longer than a file: unpacked files are given back soon. */
const YOUNG_GENERATION_MB = 6

/** Counts over the files, several at a time where there are several cores. The result does not depend on the order. */
export async function countTrail(
  files: readonly TrailFile[],
  options: { readonly window: TimeWindow; readonly expandedBytesMax: number; readonly progress: Progress },
): Promise<TrailUsage> {
  const { window, expandedBytesMax, progress } = options
  const ledger = createUseLedger()
  const malformed: { file: string; position: number; reason: string }[] = []
  let records = 0
  let malformedCount = 0
  const bytesRead = new BigInt64Array(new SharedArrayBuffer(8))
  const totalBytes = files.reduce((total, { bytes }) => total + bytes, 0)
  const run = runner(files, totalBytes)
  progress.start({ files: files.length, bytes: totalBytes, bytesRead: () => Number(Atomics.load(bytesRead, 0)) })
  try {
    // Large files first: the last one to end decides how long it takes.
    const largestFirst = files.toSorted((a, b) => b.bytes - a.bytes)
    await Promise.all(
      largestFirst.map(async (file) => {
        const usage = await run.count({ file, window, expandedBytesMax, bytesRead })
        records += usage.records
        malformedCount += usage.malformedCount
        ledger.add(usage.uses)
        for (const place of usage.malformed) malformed.push({ file: file.name, ...place })
        progress.fileDone()
      }),
    )
  } finally {
    progress.stop()
    await run.end()
  }
  return { records, ledger, malformed, malformedCount }
}

type Runner = { count(task: CountFileTask): Promise<UsageOfBytes>; end(): Promise<void> }

function runner(files: readonly TrailFile[], totalBytes: number): Runner {
  const threads = Math.min(availableParallelism(), files.length)
  // Standard input can only be read here.
  if (threads < 2 || totalBytes < PARALLEL_BYTES_MIN || files.some(({ path }) => path === STANDARD_INPUT)) {
    let last: Promise<unknown> = Promise.resolve()
    return {
      count(task) {
        const result = last.then(() => countFile(task))
        last = result
        return result
      },
      end: () => Promise.resolve(),
    }
  }
  // Threads find compiled what this one has compiled: compiling TypeScript takes 40 MB in each of them.
  flushCompileCache()
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB }
  const filename = new URL('count-file.ts', import.meta.url).href
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads, resourceLimits })
  return { count: (task) => pool.run(task, { name: countFile.name }) as Promise<UsageOfBytes>, end: () => pool.destroy() }
}
