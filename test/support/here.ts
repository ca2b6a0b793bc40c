import { runCommandLine } from '../../cli/command-line.ts'
import type { Ended } from './cli.ts'

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs `keytrail` with these arguments within this process: starting one of its own takes longer than most runs. One run after the other,
 * because there is one standard output. Environment, standard input, signals and pipes are tested with processes.
 */
export function keytrailHere(args: readonly string[], { cwd }: { readonly cwd: string }): Promise<Ended> {
  const ended = last.then(() => runHere(args, cwd))
  last = ended.catch(() => undefined)
  return ended
}

async function runHere(args: readonly string[], cwd: string): Promise<Ended> {
  const { exitCode } = process
  using stdout = taken(process.stdout)
  using stderr = taken(process.stderr)
  process.exitCode = 0
  try {
    await runCommandLine(args, cwd)
    return { code: exitCodeNow(), signal: null, stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    process.exitCode = exitCode
  }
}

function exitCodeNow(): number | null {
  return typeof process.exitCode === 'number' ? process.exitCode : null
}

/** Takes what is written to a stream, which is no terminal meanwhile. */
function taken(stream: NodeJS.WriteStream): Disposable & { text(): string } {
  const { write, isTTY } = stream
  const pieces: Buffer[] = []
  stream.write = (piece: string | Uint8Array, encodingOrDone?: BufferEncoding | (() => void), done?: () => void): boolean => {
    pieces.push(
      typeof piece === 'string' ? Buffer.from(piece, typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8') : Buffer.from(piece),
    )
    const callback = done ?? encodingOrDone
    if (typeof callback === 'function') process.nextTick(callback)
    return true
  }
  stream.isTTY = false
  return {
    text: () => Buffer.concat(pieces).toString(),
    [Symbol.dispose]() {
      stream.write = write
      stream.isTTY = isTTY
    },
  }
}
