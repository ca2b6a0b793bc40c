import { Transform } from 'node:stream'
import { EnvelopeError } from './errors.ts'
import type { MessageHeader } from './header.ts'

/** Bytes in, bytes out. */
export type MessageStream = Transform & {
  /** The authentic header, before the first byte comes out. Rejects if the stream ends without; nobody has to wait for it. */
  readonly header: Promise<MessageHeader>
}

/** What happens to the bytes. Both are called in turn, never at the same time; what they throw or reject with ends the stream. */
export type MessageWork = {
  /** A promise only where there is something to wait for: one for each chunk would cost more than its encryption. */
  onBytes(bytes: Buffer): Promise<void> | null
  onEnd(): Promise<void> | null
}

/** What the work has of its stream. */
export type MessageOutput = { push(bytes: Buffer): void; showHeader(header: MessageHeader): void }

export function createMessageStream(createWork: (output: MessageOutput) => MessageWork): MessageStream {
  const { promise, resolve, reject } = Promise.withResolvers<MessageHeader>()
  // A rejection that nobody waits for is no fault: the stream tells it, too.
  promise.catch(() => null)
  const stream = new Transform({
    transform: (chunk: Buffer, _encoding, done) => settle(() => work.onBytes(chunk), done),
    flush: (done) => settle(() => work.onEnd(), done),
    destroy: (error, done) => {
      reject(error ?? new EnvelopeError('truncated', 'the stream was closed before the header was there'))
      done(error)
    },
  })
  const work = createWork({ push: (bytes) => void (stream.destroyed || stream.push(bytes)), showHeader: resolve })
  return Object.assign(stream, { header: promise })
}

type Done = (error?: Error | null) => void

function settle(step: () => Promise<void> | null, done: Done): void {
  try {
    const waiting = step()
    if (waiting !== null) {
      void settleLater(waiting, done)
      return
    }
  } catch (error) {
    done(errorOf(error))
    return
  }
  done()
}

async function settleLater(waiting: Promise<void>, done: Done): Promise<void> {
  let failure: Error | null = null
  try {
    await waiting
  } catch (error) {
    failure = errorOf(error)
  }
  done(failure)
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('something other than an error was thrown')
}
