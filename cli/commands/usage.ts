import { Command, InvalidArgumentError, Option } from 'commander'
import { TooManyRowsError } from '../../shared/usage/use-ledger.ts'
import { type Dimension, DIMENSIONS, type UsageReport, usageReport } from '../../shared/usage/usage-report.ts'
import type { TimeWindow } from '../../shared/usage/usage-reader.ts'
import { now } from '../../shared/wiring.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { countTrail } from '../input/count-trail.ts'
import { parseTimeOption } from '../input/time-option.ts'
import { findTrailFiles } from '../input/trail-paths.ts'
import { checkDestination, writeOutput } from '../output/destination.ts'
import { lineProgress, silentProgress } from '../output/progress.ts'
import { unreadText } from '../output/unread.ts'
import { usageCsv } from '../output/usage-csv.ts'
import { usageJson } from '../output/usage-json.ts'
import { usageTable } from '../output/usage-table.ts'

type UsageOptions = {
  readonly by: readonly Dimension[]
  readonly since?: TimeWindow['since']
  readonly until?: TimeWindow['until']
  readonly format: 'table' | 'csv' | 'json'
  readonly out?: string
  readonly force: boolean
  readonly quiet: boolean
  readonly expandedMib: number
}

const EXPANDED_MIB = { default: 2048, max: 1 << 20 }
const EXAMPLES = `
Examples:
  keytrail usage ./AWSLogs                                    calls per key and operation in a trail's files
  keytrail usage ./AWSLogs --by key,caller --since 24h        who used which key in the last day
  keytrail usage trail.json.gz --by hour --format csv         calls per hour, for a spreadsheet
  aws cloudtrail lookup-events | keytrail usage - --format json

Exit codes: 0 all was read; 2 wrong usage; 3 something could not be read (the rest is counted); 70 a fault of Keytrail's own.`

/** `keytrail usage`: counts KMS calls in CloudTrail files. */
export function usageCommand(standingFolder: string): Command {
  return withUsageOptions(new Command('usage'))
    .description('Count KMS calls per key in CloudTrail files: each call once, whatever number of records tells of it.')
    .argument('<path...>', 'CloudTrail files and folders (.json, .jsonl, .ndjson, gzipped or not); - for standard input')
    .addHelpText('after', EXAMPLES)
    .action(async (paths: readonly string[], options: UsageOptions) => {
      process.exitCode = await runUsage(paths, options, standingFolder)
    })
}

export function byOption(): Option {
  const description = `group by, with commas between: ${DIMENSIONS.join(', ')}`
  return new Option('--by <dimensions>', description).argParser(parseBy).default(['key', 'operation'], 'key,operation')
}

function withUsageOptions(command: Command): Command {
  return command
    .addOption(byOption())
    .option('--since <time>', 'count calls from this event time on: ISO 8601, or an age like 24h', (text) => parseTimeOption(text, now()))
    .option('--until <time>', 'count calls before this event time', (text) => parseTimeOption(text, now()))
    .addOption(new Option('--format <format>', 'how to write the result').choices(['table', 'csv', 'json']).default('table'))
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--force', 'let --out replace a file', false)
    .option('--quiet', 'show no progress', false)
    .option('--expanded-mib <MiB>', 'what one packed file may unpack to', parseMib, EXPANDED_MIB.default)
}

/** @returns the exit code */
async function runUsage(paths: readonly string[], options: UsageOptions, standingFolder: string): Promise<number> {
  if (paths.includes('')) throw new UsageError('a path is empty: name a file, a folder, or - for standard input')
  const window = { since: options.since ?? null, until: options.until ?? null }
  if (window.since !== null && window.until !== null && window.since >= window.until) throw new UsageError('--since must be before --until')
  const destination = { out: options.out, force: options.force, standingFolder }
  checkDestination(destination)
  const counted = await countPaths(paths, options, window, standingFolder)
  if (counted === null) return ExitCode.unread
  const { report, malformedCount } = counted
  writeOutput(render(report, options, malformedCount), destination)
  process.stderr.write(unreadText(report.malformed, malformedCount))
  return report.malformed.length === 0 ? ExitCode.fine : ExitCode.unread
}

async function countPaths(
  paths: readonly string[],
  options: UsageOptions,
  window: TimeWindow,
  standingFolder: string,
): Promise<{ readonly report: UsageReport; readonly malformedCount: number } | null> {
  const found = await findTrailFiles(paths, standingFolder)
  const progress = options.quiet || !process.stderr.isTTY ? silentProgress : lineProgress(process.stderr)
  const expandedBytesMax = options.expandedMib * 2 ** 20
  try {
    const usage = await countTrail(found.files, { window, expandedBytesMax, progress })
    const { tallies, duplicates } = usage.ledger.tally({ byHour: options.by.includes('hour') })
    const malformed = [...usage.malformed, ...found.unread.map(({ file, reason }) => ({ file, position: 0, reason }))]
    const report = usageReport({ records: usage.records, duplicates, tallies, malformed, skipped: found.skipped }, options.by)
    return { report, malformedCount: usage.malformedCount + found.unread.length }
  } catch (error) {
    if (!(error instanceof TooManyRowsError)) throw error
    process.stderr.write(`keytrail: ${error.message}\n`)
    return null
  }
}

function render(report: UsageReport, options: UsageOptions, malformedCount: number): string {
  switch (options.format) {
    case 'json':
      return usageJson(report)
    case 'csv':
      return usageCsv(report, options.by)
    case 'table':
      return usageTable(report, options.by, {
        isColored: options.out === undefined && process.stdout.isTTY && process.stdout.hasColors(),
        malformedCount,
      })
  }
}

function parseBy(text: string): readonly Dimension[] {
  const names = text.split(',').map((name) => name.trim())
  for (const name of names) {
    if (!isDimension(name)) throw new InvalidArgumentError(`There is no "${name}". Choose from ${DIMENSIONS.join(', ')}.`)
  }
  return DIMENSIONS.filter((dimension) => names.includes(dimension))
}

function isDimension(name: string): name is Dimension {
  return (DIMENSIONS as readonly string[]).includes(name)
}

function parseMib(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > EXPANDED_MIB.max)
    throw new InvalidArgumentError(`Write a whole number of MiB from 1 to ${EXPANDED_MIB.max}.`)
  return value
}
