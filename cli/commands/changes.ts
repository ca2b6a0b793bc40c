import { Argument, Command, InvalidArgumentError } from 'commander'
import type { ChangeRecord } from '../../shared/changes/record.ts'
import { isUnderWay, type Retirement } from '../../shared/changes/retire/retirement.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { addChangesOptions, atChanges, type ChangesOptions, type ChangesPlace } from '../input/changes-target.ts'
import { changesJson, type ChangesReport, changesText } from '../output/changes-report.ts'

const ACTIONS = ['status', 'stop', 'resume'] as const
type Action = (typeof ACTIONS)[number]
type ActionOptions = ChangesOptions & { readonly reason?: string }

const LAST_MAX = 10
const REASON_LENGTH_MAX = 500
const HELP = `
stop is at once, on AWS too: whatever Keytrail would write next, it does not. What was written stays; keytrail undo takes it back.

Examples:
  keytrail changes status                                           is Keytrail stopped, and what did it change last?
  keytrail changes stop --target aws --reason 'wrong bucket policy' enforcement and clean-up change nothing from now on
  keytrail changes resume --target aws

Exit codes: 0 fine; 2 wrong usage; 3 something could not be read; 70 a fault of Keytrail's own.`

/** `keytrail changes`: the kill switch of all that Keytrail changes by itself. */
export function changesCommand(standingFolder: string): Command {
  return addChangesOptions(new Command('changes'))
    .description('Stop all that Keytrail changes by itself, and let it go on.')
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .option('--reason <why>', 'why it is stopped: whoever comes upon it reads this', parseReason)
    .addHelpText('after', HELP)
    .action(async (action: Action, options: ActionOptions) => {
      const { reason } = options
      if ((action === 'stop') !== (reason !== undefined))
        throw new UsageError(action === 'stop' ? 'say why, with --reason' : '--reason is for stop')
      const around = { standingFolder, asks: action === 'resume' }
      process.exitCode = await atChanges(options, around, (place) => act(action, options, place))
    })
}

async function act(action: Action, { reason = '', format }: ActionOptions, place: ChangesPlace): Promise<number> {
  const { caller, changes, target, now } = place
  if (action === 'stop') await changes.control.setStop({ by: caller.arn, reason, at: now() })
  if (action === 'resume' && !(await place.isAgreed('Let Keytrail change things again?'))) return ExitCode.fine
  if (action === 'resume') await changes.control.setStop(null)
  const [stop, last, retirements] = [await changes.control.stop(), await lastChanges(place), await underWay(place)]
  const report: ChangesReport = { target: { kind: target, caller }, stop, last, retirements }
  process.stdout.write(format === 'json' ? changesJson(report) : changesText(report))
  return ExitCode.fine
}

async function lastChanges({ changes }: ChangesPlace): Promise<readonly ChangeRecord[]> {
  const last: ChangeRecord[] = []
  for await (const record of changes.store.newestFirst()) {
    last.push(record)
    if (last.length === LAST_MAX) break
  }
  return last
}

async function underWay({ changes }: ChangesPlace): Promise<readonly Retirement[]> {
  const found: Retirement[] = []
  for await (const retirement of changes.retirements.all()) if (isUnderWay(retirement)) found.push(retirement)
  return found.toSorted((one, other) => (one.keyArn < other.keyArn ? -1 : 1))
}

function parseReason(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty.')
  if (text.length > REASON_LENGTH_MAX) throw new InvalidArgumentError(`It has more than ${REASON_LENGTH_MAX} characters.`)
  return text
}
