import { Command } from 'commander'
import { fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EpochS } from '../../shared/time.ts'
import type { RunNews, RunOrder, RunRecords, RunReport } from '../../shared/workshop/run-report.ts'
import { EVENT_AGE_S_MAX } from '../../shared/usage/usage-message.ts'
import type { Dimension } from '../../shared/usage/usage-report.ts'
import { now } from '../../shared/wiring.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { readRecords, type TrailRecords } from '../input/read-records.ts'
import { findTrailFiles, STANDARD_INPUT } from '../input/trail-paths.ts'
import { shown } from '../output/shown.ts'
import { createStepWriter } from '../output/run-steps.ts'
import { unreadText } from '../output/unread.ts'
import { callTables } from '../output/usage-table.ts'
import { byOption } from './usage.ts'

const HELP = `
Examples:
  npm start
  npm start -- ./AWSLogs --by key,caller

What it shows also stands in .keytrail/last-run.json, below the folder you stand in.
Exit codes: 0 all is well; 1 the table disagrees with the records, or the rule does not deliver; 2 wrong usage; 3 something could not be read,
or another run goes on; 70 a fault of Keytrail's own.`
const SAMPLES = fileURLToPath(new URL('../../events', import.meta.url))
const RUN = fileURLToPath(new URL('../../local/run/main.ts', import.meta.url))
const STATE_FOLDER = '.keytrail'
const LAST_RUN = 'last-run.json'
/** A run shows how it works, and ends within a minute; more records are for `keytrail usage`. */
const RECORDS_MAX = 50_000
/** An hour less than the live path takes: time passes while a run goes on. */
const AGE_S_MAX = EVENT_AGE_S_MAX - 3600
const RECORDS_AT_A_TIME = 200
/** A record that claims to be later than that must not set the clock. */
const FUTURE_S_MAX = 3600
/** The local clock starts behind the last record. */
const BEHIND_S = 120

/** `npm start`: the whole live path on loopback, with the sample events or the user's own trail. */
export function startCommand(standingFolder: string): Command {
  return new Command('start')
    .description('Show the live path at work: a local cloud, the AWS SDK, CloudTrail events, queue, function, table. Needs no AWS account.')
    .argument('[path...]', 'CloudTrail files and folders to play; the sample events if none is given')
    .addOption(byOption())
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], { by }: { readonly by: readonly Dimension[] }) => {
      if (paths.includes('')) throw new UsageError('a path is empty: name a file or a folder')
      if (paths.includes(STANDARD_INPUT)) throw new UsageError('standard input cannot be played: name a file or a folder')
      process.exitCode = await runStart(paths, by, standingFolder)
    })
}

/** @returns the exit code */
async function runStart(paths: readonly string[], by: readonly Dimension[], standingFolder: string): Promise<number> {
  const names = paths.length === 0 ? [path.relative(standingFolder, SAMPLES) || '.'] : paths
  const found = await findTrailFiles(names, standingFolder)
  const records = await readRecords(found.files, { countMax: RECORDS_MAX, ageSMax: AGE_S_MAX, latest: (now() + FUTURE_S_MAX) as EpochS })
  const unread = [...records.malformed, ...found.unread.map(({ file, reason }) => ({ file, position: 0, reason }))]
  if (records.texts.length === 0) {
    process.stderr.write(
      `${unreadText(unread, unread.length)}keytrail: there is nothing to play: no CloudTrail record in ${names.map(shown).join(', ')}\n`,
    )
    return ExitCode.unread
  }
  const folder = path.join(standingFolder, STATE_FOLDER)
  const start = records.latest === null ? now() : records.latest + BEHIND_S
  const order: RunOrder = {
    kind: 'begin',
    folder: path.join(folder, 'run'),
    startMs: 1000 * start,
    since: records.earliest ?? start,
    accounts: records.accounts,
    leftOut: records.leftOut,
    by,
  }
  const run = await play(order, records)
  if ('reason' in run) {
    process.stderr.write(`keytrail: the run could not be finished.\n${run.reason}\n`)
    return run.isFault ? ExitCode.ownFault : ExitCode.unread
  }
  const isColored = process.stdout.isTTY && process.stdout.hasColors()
  process.stdout.write(`${callTables(run.usage, by, isColored).join('\n')}\n\n`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(path.join(folder, LAST_RUN), `${JSON.stringify(run, null, 2)}\n`)
  process.stdout.write(`All of it as JSON: ${path.relative(standingFolder, path.join(folder, LAST_RUN))}\n`)
  process.stderr.write(unreadText(unread, unread.length))
  if (unread.length > 0) return ExitCode.unread
  return run.agreesWithUsage && run.rule.problems.length === 0 ? ExitCode.fine : ExitCode.failed
}

/** Runs the local cloud in a process of its own. Answers the run, or why there is none. */
function play(order: RunOrder, { texts }: TrailRecords): Promise<RunReport | { readonly reason: string; readonly isFault: boolean }> {
  const step = createStepWriter((text) => process.stdout.write(text), process.stdout.isTTY && process.stdout.hasColors())
  const child = fork(RUN, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let from = 0
  const sendNext = (): void => {
    const next: RunRecords = { kind: 'records', texts: texts.slice(from, from + RECORDS_AT_A_TIME) }
    from += RECORDS_AT_A_TIME
    child.send(next)
  }
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({ reason: `the local cloud ended with ${signal ?? `code ${code ?? ''}`}`, isFault: true }))
    child.on('message', (news: RunNews) => {
      switch (news.kind) {
        case 'ready':
          child.send(order)
          sendNext()
          return
        case 'step':
          step(news.title, news.lines)
          return
        case 'taken':
          sendNext()
          return
        case 'done':
          child.disconnect()
          resolve(news.run)
          return
        case 'failed':
          child.disconnect()
          resolve(news)
      }
    })
  })
}
