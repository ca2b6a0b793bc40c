import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Invocation, InvocationAnswer, WorkerData } from './messages.ts'

export type LocalFunction = {
  readonly arn: string
  readonly timeoutMs: number
  /** Runs the handler with an event, one after the other. */
  invoke(event: unknown): Promise<InvocationOutcome>
  close(): Promise<void>
}

export type InvocationOutcome =
  | { readonly kind: 'answer'; readonly value: unknown }
  /** The handler threw, did not load, or ran out of time; its thread begins anew with the next event. */
  | { readonly kind: 'failure'; readonly message: string }

export type FunctionOptions = {
  readonly name: string
  readonly arn: string
  /** The URL of the handler's module. */
  readonly source: string
  /** All of it: nothing of this process's own environment reaches the function. */
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** A `keytrail.yml` that the function goes by instead of the project's. */
  readonly policy?: Uint8Array
  /** All that its TLS trusts, PEM; left out: what Node.js does. */
  readonly certificate?: string
  /** The local clock. */
  nowMs(): number
  /** A line that the function wrote. */
  onLog(line: string): void
}

/** Loading the SDK from its packages takes seconds on a busy machine. */
const START_MS_MAX = 30_000
const WORKER = new URL('worker.ts', import.meta.url)
/**
 * Functions load the SDK, and most of that is compiling: what was compiled once is kept, beside what the command line keeps. A thread that
 * finds it in its environment compiles not even its first file. https://nodejs.org/api/module.html#module-compile-cache
 */
const COMPILED = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/keytrail', import.meta.url)) }

/** A Lambda function in a thread with an environment of its own. */
export function createFunction(options: FunctionOptions): LocalFunction {
  const { name, arn, timeoutMs } = options
  let worker: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()

  async function start(): Promise<Worker> {
    const { source, policy, certificate } = options
    const workerData: WorkerData = {
      source,
      ...(certificate !== undefined && { certificate }),
      ...(policy !== undefined && { policy: Buffer.from(policy).toString('base64') }),
    }
    const started = new Worker(WORKER, { workerData, env: { ...options.environment, ...COMPILED }, stdout: true, stderr: true })
    for (const stream of [started.stdout, started.stderr]) createInterface({ input: stream }).on('line', options.onLog)
    // What goes wrong between two events ends the thread, and nothing else: nobody waits for an answer then.
    started.on('error', (error) => options.onLog(messageOf(error)))
    started.once('exit', () => {
      if (worker === started) worker = null
    })
    const first = await answerOf(started, START_MS_MAX, `did not load within ${START_MS_MAX / 1000} seconds`)
    if (first.kind === 'ready') return started
    await started.terminate()
    throw new Error(first.kind === 'failure' ? first.message : 'answered before it was asked')
  }

  async function run(event: unknown): Promise<InvocationOutcome> {
    let running: Worker
    try {
      running = worker ??= await start()
    } catch (error) {
      return { kind: 'failure', message: error instanceof Error ? error.message : String(error) }
    }
    const answer = answerOf(running, timeoutMs, `timed out after ${timeoutMs / 1000} seconds`)
    const clockOffsetMs = Math.round(options.nowMs() - Date.now())
    const invocation: Invocation = { event, requestId: randomUUID(), functionName: name, functionArn: arn, timeoutMs, clockOffsetMs }
    // A thread, not a window: there is no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    running.postMessage(invocation)
    const outcome = await answer
    if (outcome.kind === 'ready') return { kind: 'failure', message: 'the function loaded twice' }
    if (outcome.kind === 'failure' && 'isEnd' in outcome) {
      worker = null
      await running.terminate()
      return { kind: 'failure', message: outcome.message }
    }
    return outcome
  }

  return {
    arn,
    timeoutMs,
    invoke(event) {
      const result = last.then(() => run(event))
      last = result
      return result
    },
    async close() {
      await last
      await worker?.terminate()
      worker = null
    },
  }
}

type Answer = InvocationAnswer | { readonly kind: 'failure'; readonly message: string; readonly isEnd: true }

/** The next thing a thread says; its end, and its silence, are failures. */
function answerOf(worker: Worker, waitMs: number, silence: string): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer): void => {
      clearTimeout(patience)
      worker.off('message', settle)
      worker.off('error', onError)
      worker.off('exit', onExit)
      resolve(answer)
    }
    const onError = (error: unknown): void => settle({ kind: 'failure', message: messageOf(error), isEnd: true })
    const onExit = (code: number): void => settle({ kind: 'failure', message: `ended with code ${code}`, isEnd: true })
    const patience = setTimeout(() => settle({ kind: 'failure', message: silence, isEnd: true }), waitMs)
    worker.on('message', settle)
    worker.on('error', onError)
    worker.on('exit', onExit)
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
