import { createReadStream, statSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EnvelopeError, type EnvelopeRule, type MessageStream } from '../../shared/envelope/index.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { fileError } from '../input/file-error.ts'
import { STANDARD_INPUT } from '../input/trail-paths.ts'
import { checkDestination } from '../output/destination.ts'
import { fileSink, type ByteSink } from '../output/byte-sink.ts'
import { lineProgress, silentProgress } from '../output/progress.ts'
import { shown } from '../output/shown.ts'
import type { EnvelopeOptions } from '../input/envelope-options.ts'

/** Rules that the command line breaks, and not the message. */
const WRONG_USAGE: readonly EnvelopeRule[] = ['options', 'encryption-context', 'frame-length', 'key-arn', 'key-length']
const READ_BYTES = 256 * 1024

/** How many bytes a file holds; null: nobody knows before its end. */
function inputBytes(name: string, standingFolder: string): number | null {
  const found = name === STANDARD_INPUT ? undefined : statSync(path.resolve(standingFolder, name), { throwIfNoEntry: false })
  return found?.isFile() === true ? found.size : null
}

/**
 * Sends a file, or standard input, through a stream to where the options say.
 * @param sink where bytes for standard output go, chosen once the message's header is known
 * @returns the exit code
 */
export async function cryptFile(
  name: string,
  options: EnvelopeOptions,
  work: {
    readonly standingFolder: string
    readonly stream: () => MessageStream
    readonly sink: (stream: MessageStream) => Promise<ByteSink>
  },
): Promise<number> {
  const { standingFolder } = work
  const { out, force } = options
  checkDestination({ out, force, standingFolder })
  if (out === undefined && process.stdout.isTTY) throw new UsageError('standard output is a terminal: name a file with --out, or a pipe')
  let bytesRead = 0
  /** What is wrong with the sink ends the streams before it, and they tell it in their words. */
  const refused: UsageError[] = []
  const progress = options.quiet || !process.stderr.isTTY ? silentProgress : lineProgress(process.stderr)
  try {
    const stream = work.stream()
    const input: Readable =
      name === STANDARD_INPUT ? process.stdin : createReadStream(path.resolve(standingFolder, name), { highWaterMark: READ_BYTES })
    input.on('data', (piece: Buffer) => (bytesRead += piece.length))
    progress.start({ files: 1, bytes: inputBytes(name, standingFolder) ?? 0, bytesRead: () => bytesRead })
    await pipeline(input, stream, async (bytes) => {
      const sink = out === undefined ? await work.sink(stream) : fileSink({ out, force, standingFolder })
      await sink.take(bytes).catch((error: unknown) => {
        if (error instanceof UsageError) refused.push(error)
        throw error
      })
    })
    return ExitCode.fine
  } catch (error) {
    progress.stop()
    const [refusal] = refused
    if (refusal !== undefined) throw refusal
    if (error instanceof EnvelopeError && WRONG_USAGE.includes(error.rule)) throw new UsageError(error.message)
    const reason = error instanceof EnvelopeError ? error.message : fileError(error)
    process.stderr.write(`keytrail: ${shown(name)}: ${shown(reason)}\n`)
    return ExitCode.unread
  } finally {
    progress.stop()
  }
}
