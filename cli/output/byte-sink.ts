import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, linkSync, openSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../exit.ts'
import type { Destination } from './destination.ts'

/** Where bytes go that count for nothing until all of them are there: standard output, or a file. */
export type ByteSink = {
  /** Takes all bytes, to their end. */
  take(bytes: AsyncIterable<Buffer>): Promise<void>
}

const PRIVATE = 0o600

/** Bytes for a file: beside it, and under its name once all of them are there. */
export function fileSink({ out, force, standingFolder }: Destination & { readonly out: string }): ByteSink {
  const file = path.resolve(standingFolder, out)
  const unfinished = path.join(path.dirname(file), `.${path.basename(file).slice(0, 200)}.${randomBytes(6).toString('hex')}.unfinished`)
  return {
    async take(bytes) {
      try {
        await pipeline(bytes, createWriteStream(unfinished, { flags: 'wx', mode: PRIVATE, flush: true }))
        if (force) renameSync(unfinished, file)
        else {
          // Unlike a rename, a link refuses to replace what came meanwhile.
          linkSync(unfinished, file)
          unlinkSync(unfinished)
        }
      } catch (error) {
        rmSync(unfinished, { force: true })
        // What failed elsewhere in the pipeline comes by here too.
        const { code, path: place } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
        if (code === 'EEXIST') throw new UsageError(`${out} exists: --force replaces it`)
        if (place === unfinished || code === 'ENOSPC') throw new UsageError(`${out} cannot be written (${code ?? 'unknown'})`)
        throw error
      }
    },
  }
}

/** Bytes for standard output, as they come. */
export function outputSink(output: Writable): ByteSink {
  return { take: (bytes) => pipeline(bytes, output, { end: false }) }
}

/** Bytes for standard output once all of them are there: till then in a file that has no name, and is gone with the process. */
export function heldSink(output: Writable): ByteSink {
  return {
    async take(bytes) {
      const place = path.join(tmpdir(), `keytrail-${randomBytes(12).toString('hex')}`)
      const descriptor = openSync(place, 'wx+', PRIVATE)
      unlinkSync(place)
      await pipeline(bytes, createWriteStream(place, { fd: descriptor, autoClose: false }))
      const held: Readable = createReadStream(place, { fd: descriptor, start: 0 })
      await pipeline(held, output, { end: false })
    },
  }
}
