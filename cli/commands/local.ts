import { Command, InvalidArgumentError, Option } from 'commander'
import { fork } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { AUDIT_FUNCTIONS, CERTIFICATE_FILE, type LocalNews, type LocalOrder } from '../../shared/local-order.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { shown } from '../output/shown.ts'

const LOCAL = fileURLToPath(new URL('../../local/main.ts', import.meta.url))
const PORT = { default: 4566, max: 65_535 }
const DELAY_S_MAX = 7 * 24 * 3600

type LocalOptions = {
  readonly port: number
  readonly folder: string
  readonly fresh: boolean
  readonly clock?: number
  readonly delay: LocalOrder['delivery']['delayMs']
  readonly duplicates: number
  readonly loss: number
  readonly verbose: boolean
  readonly audit: boolean
}

/** `keytrail local`: the local cloud by itself, for any program that speaks to AWS. */
export function localCommand(standingFolder: string): Command {
  return new Command('local')
    .description('Run the local cloud: KMS, CloudTrail, EventBridge, SQS, SNS, S3 objects, DynamoDB, and Keytrail within it, on 127.0.0.1.')
    .option('--port <port>', 'where to listen; 0 takes a free port', parsePort, PORT.default)
    .option('--folder <folder>', 'where the state is kept', '.keytrail')
    .option('--fresh', 'begin anew instead of with the state that is there', false)
    .option('--clock <time>', 'where the clock of a new state starts (ISO 8601); it can be moved later', parseClock)
    .addOption(
      new Option('--delay <seconds>', 'how late CloudTrail delivers: median, or median,99th percentile')
        .argParser(parseDelay)
        .default({ p50: 0, p99: 0 }, '0'),
    )
    .option('--duplicates <share>', 'share of events that come twice, 0 to 1', parseShare, 0)
    .option('--no-audit', 'let the functions that audit rest: every change of a key or a bucket would wake them')
    .option('--verbose', 'show every line that functions write, not only warnings and errors', false)
    .option('--loss <share>', 'share of events that never come, 0 to 1', parseShare, 0)
    .addHelpText(
      'after',
      `
Examples:
  keytrail local
  keytrail local --delay 120,600 --duplicates 0.05      events as late and as often as on AWS
  curl -X POST -d '{"ms": 3600000}' http://127.0.0.1:4566/_keytrail/clock/advance      an hour passes

Ctrl-C ends it; what it holds stays in the folder. Exit codes: 130 after Ctrl-C, 2 wrong usage, 3 port or folder in use, 70 a fault.`,
    )
    .action(async (options: LocalOptions) => {
      process.exitCode = await runLocal(options, standingFolder)
    })
}

/** @returns the exit code */
function runLocal(
  { port, folder, fresh, clock, delay, duplicates, loss, verbose, audit }: LocalOptions,
  standingFolder: string,
): Promise<number> {
  if (folder === '') throw new UsageError('the folder is empty: name one')
  const order: LocalOrder = {
    folder: path.resolve(standingFolder, folder),
    fresh,
    port,
    verbose,
    ...(audit ? {} : { idle: AUDIT_FUNCTIONS }),
    ...(clock === undefined ? {} : { startMs: clock }),
    delivery: { delayMs: delay, duplicateShare: duplicates, lossShare: loss },
  }
  const child = fork(LOCAL, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let isInterrupted = false
  // The local cloud closes its state before it ends, and this process waits for that.
  process.removeAllListeners('SIGINT')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isInterrupted = true
      child.kill(signal)
    })
  }
  child.once('message', ({ url, region, folder: place, now }: LocalNews) =>
    process.stdout.write(welcome({ url, region, folder: place, now })),
  )
  child.send(order)
  return new Promise((resolve) => {
    child.on('exit', (code) => resolve(isInterrupted ? ExitCode.interrupted : (code ?? ExitCode.ownFault)))
  })
}

function welcome({ url, region, folder, now }: LocalNews): string {
  return `The local cloud is up at ${url}; its state is in ${shown(folder)}; its clock says ${now}.

Let any AWS SDK or command line use it:
  export AWS_ENDPOINT_URL=${url} AWS_REGION=${region} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

The same port speaks TLS, which S3 asks for where customers bring their own keys (SSE-C): trust ${shown(path.join(folder, CERTIFICATE_FILE))},
and that alone. What it would have sent by e-mail: ${url}/_keytrail/mail

Ctrl-C ends it.
`
}

function parsePort(text: string): number {
  const port = Number(text)
  if (text === '' || !Number.isInteger(port) || port < 0 || port > PORT.max)
    throw new InvalidArgumentError(`Write a number from 0 to ${PORT.max}.`)
  return port
}

function parseClock(text: string): number {
  const epochMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(epochMs) || epochMs < 0) throw new InvalidArgumentError('Write a time such as 2026-11-01T12:00:00Z.')
  return epochMs
}

function parseDelay(text: string): LocalOptions['delay'] {
  const seconds = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [p50 = Number.NaN, p99 = p50] = seconds
  if (seconds.length > 2 || !(p50 >= 0) || !(p99 >= p50) || p99 > DELAY_S_MAX)
    throw new InvalidArgumentError('Write seconds: the median, or the median and a larger 99th percentile, such as 120,600.')
  return { p50: 1000 * p50, p99: 1000 * p99 }
}

function parseShare(text: string): number {
  const share = text.trim() === '' ? Number.NaN : Number(text)
  if (!(share >= 0 && share <= 1)) throw new InvalidArgumentError('Write a share from 0 to 1.')
  return share
}
