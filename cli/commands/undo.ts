import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { timeText } from '../../shared/findings/plain-text.ts'
import { stateText } from '../../shared/changes/meaning.ts'
import type { RetirePorts } from '../../shared/changes/retire/ports.ts'
import type { Retirement } from '../../shared/changes/retire/retirement.ts'
import { retirementDifference, undoRetirement } from '../../shared/changes/retire/undo-retirement.ts'
import { undoChange, type UndoOutcome, type UndoPorts } from '../../shared/changes/undo.ts'
import { listUndoable } from '../../shared/changes/undoable.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { addChangesOptions, atChanges, type ChangesOptions, type ChangesPlace } from '../input/changes-target.ts'
import { readingProgress } from '../output/reading-progress.ts'
import { stageWords } from '../output/retirement-words.ts'
import { undoJson, type Undone, undoListJson } from '../output/undo-json.ts'
import { listRows, type Retired, whyOver } from '../output/undo-list.ts'
import { undoListText, undoneText } from '../output/undo-text.ts'

type UndoOptions = ChangesOptions & { readonly list: boolean; readonly limit: number }

const LIMIT = { default: 50, max: 10_000 }
const HELP = `
Examples:
  keytrail undo --list                                what Keytrail changed, newest first, and whether it can be taken back
  keytrail undo 20261020T060000Z-1a2b3c4d             takes a change back
  keytrail undo --target aws arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab

Exit codes: 0 fine; 1 it was refused: something else stands there now; 2 wrong usage, or there is no such record; 3 something could not be
read, or is being changed just now; 70 a fault of Keytrail's own.`

/** `keytrail undo`: takes back what Keytrail changed, as long as it still stands. */
export function undoCommand(standingFolder: string): Command {
  return addChangesOptions(new Command('undo'))
    .description('Take back a change of Keytrail, or the retirement of a key: only while what Keytrail wrote still stands there.')
    .addArgument(new Argument('[record]', 'the ID of a change, or the ARN of a key that is being retired'))
    .option('--list', 'list what was changed', false)
    .addOption(new Option('--limit <count>', 'list so many').argParser(parseLimit).default(LIMIT.default))
    .addHelpText('after', HELP)
    .action(async (record: string | undefined, options: UndoOptions) => {
      if ((record === undefined) !== options.list) throw new UsageError('name a record, or --list what there is')
      const around = { standingFolder, asks: record !== undefined }
      process.exitCode = await atChanges(options, around, (place) =>
        record === undefined ? list(options, place) : undo(record, options, place),
      )
    })
}

async function list({ limit, format, quiet }: UndoOptions, place: ChangesPlace): Promise<number> {
  const { changes } = place
  const { store, aspects } = portsOf(place)
  const progress = readingProgress('resources read', quiet)
  const read: typeof aspects.read = (resource, aspect) => progress.counted(aspects.read(resource, aspect))
  const all: Retirement[] = []
  for await (const retirement of changes.retirements.all()) all.push(retirement)
  const { keys } = retirePortsOf(place)
  const retired: Retired = { all, difference: (retirement) => progress.counted(retirementDifference(retirement, keys)) }
  const listed = await listRows(listUndoable({ store, aspects: { ...aspects, read } }), retired, limit).finally(progress.stop)
  process.stdout.write(format === 'json' ? undoListJson(targetOf(place), listed) : undoListText(targetOf(place), listed))
  return listed.rows.some(({ canUndo, state }) => canUndo === 'unknown' && state !== 'writing') ? ExitCode.unread : ExitCode.fine
}

async function undo(id: string, { format }: UndoOptions, place: ChangesPlace): Promise<number> {
  const undone = await (id.startsWith('arn:') ? undoneRetirement(id, place) : undoneChange(id, place))
  process.stdout.write(format === 'json' ? undoJson(targetOf(place), undone) : undoneText(targetOf(place), undone))
  return EXIT_CODES[undone.outcome]
}

const EXIT_CODES: Readonly<Record<Undone['outcome'], number>> = {
  undone: ExitCode.fine,
  'undone-already': ExitCode.fine,
  declined: ExitCode.fine,
  refused: ExitCode.failed,
  'not-found': ExitCode.wrongUsage,
  busy: ExitCode.unread,
  unread: ExitCode.unread,
}

async function undoneChange(id: string, place: ChangesPlace): Promise<Undone> {
  const record = await place.changes.store.find(id)
  if (record === null) return ended(id, 'not-found', `There is no change ${id}: keytrail undo --list tells what there is.`)
  if (!(await place.isAgreed(`Take back what Keytrail did to ${record.resource.arn} (${record.summary})?`))) return declined(id)
  return changeEnd(id, await undoChange(id, { by: place.caller.arn }, portsOf(place)))
}

function changeEnd(id: string, outcome: UndoOutcome): Undone {
  switch (outcome.kind) {
    case 'undone': {
      const { before, after, resource, id: recordId } = outcome.record
      return { ...ended(id, 'undone', `Taken back: ${resource.arn}`), recordId, was: stateText(before), is: stateText(after) }
    }
    case 'undone-already':
      return { ...ended(id, 'undone-already', 'It was taken back already.'), recordId: outcome.record?.id ?? null }
    case 'not-found':
      return ended(id, 'not-found', `There is no change ${id} any more.`)
    case 'refused':
    case 'lost':
    case 'not-done':
      return ended(id, 'refused', `Not taken back: ${whyOver(outcome.record)}`)
    case 'differs':
      return {
        ...ended(id, 'refused', 'Not taken back: something else stands there now than what Keytrail wrote.'),
        difference: outcome.lines,
      }
    case 'gone':
      return ended(id, 'refused', 'Not taken back: the resource is gone.')
    case 'unread':
      return ended(id, 'unread', `Not taken back: ${outcome.unread.action} cannot be read (${outcome.unread.code}).`)
    case 'busy':
      return ended(id, 'busy', 'Not taken back: somebody changes it just now. Try again in a few minutes.')
    case 'later':
      return ended(id, 'busy', 'Not known yet: AWS may not show what was written. Try again in a few minutes; nothing was overwritten.')
  }
}

async function undoneRetirement(keyArn: string, place: ChangesPlace): Promise<Undone> {
  const { caller, changes } = place
  const retirement = await changes.retirements.find(keyArn)
  if (retirement === null)
    return ended(keyArn, 'not-found', `No retirement of ${keyArn} is known: keytrail undo --list tells what there is.`)
  if (!(await place.isAgreed(`Give back ${keyArn} (${stageWords(retirement.stage)})?`))) return declined(keyArn)
  const outcome = await undoRetirement(keyArn, { by: caller.arn }, retirePortsOf(place))
  if (outcome.kind === 'refused')
    return { ...ended(keyArn, 'refused', `Not taken back: ${outcome.reason}.`), difference: outcome.difference }
  const { after, done, failure, next } = outcome.report
  const at = next.at === null ? '' : ` (${timeText(next.at)})`
  if (failure !== null) return ended(keyArn, 'refused', `Not taken back as a whole: ${failure}. The next clean-up tries again.`)
  const isNew = done.length > 0
  return {
    ...ended(keyArn, isNew ? 'undone' : 'undone-already', isNew ? 'Given back.' : 'It is being given back already.'),
    was: stageWords(retirement.stage),
    is: stageWords(after),
    done,
    names: outcome.names,
    next: `${next.what}${at}`,
  }
}

function ended(id: string, outcome: Undone['outcome'], words: string): Undone {
  return { id, outcome, words, recordId: null, was: null, is: null, done: [], next: null, names: [], difference: [] }
}

function declined(id: string): Undone {
  return ended(id, 'declined', 'Nothing was changed.')
}

async function pause(ms: number): Promise<void> {
  await sleep(ms)
}

function portsOf({ changes, policy, now }: ChangesPlace): UndoPorts {
  // An undo asks for nobody's share of the hour.
  return { ...changes.changePorts({ now, pause, perHourMax: 0 }), policyDigest: policy.digest }
}

function retirePortsOf({ changes, policy, now }: ChangesPlace): RetirePorts {
  return changes.retirePorts({ now, remainingMs: () => Number.POSITIVE_INFINITY, settings: policy.cleanUp })
}

function targetOf({ target, caller }: ChangesPlace): { readonly kind: 'local' | 'aws'; readonly caller: ChangesPlace['caller'] } {
  return { kind: target, caller }
}

function parseLimit(text: string): number {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > LIMIT.max) throw new InvalidArgumentError(`It is a number from 1 to ${LIMIT.max}.`)
  return count
}
