import { Command, InvalidArgumentError, Option } from 'commander'
import { parseKmsKeyArn } from '../../shared/arn.ts'
import { adoptCandidates, type AdoptPattern, parseAdoptPattern, WORKSHOP_PATTERNS } from '../../shared/changes/retire/adopt.ts'
import type { RetirePorts } from '../../shared/changes/retire/ports.ts'
import { retireAll, type RetireAllResult } from '../../shared/changes/retire/retire-all.ts'
import { counted } from '../../shared/rules/days.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { addChangesOptions, atChanges, type ChangesOptions, type ChangesPlace } from '../input/changes-target.ts'
import { isAtTerminal, isTyped } from '../input/typed.ts'
import { readingProgress } from '../output/reading-progress.ts'
import { type Adoption, adoptionJson, type CleanedUp, cleanUpJson } from '../output/clean-up-json.ts'
import { candidatesText, cleanUpText, needsAPerson, registeredText } from '../output/clean-up-text.ts'
import { shown } from '../output/shown.ts'

type CleanUpOptions = ChangesOptions & { readonly apply: boolean; readonly adopt?: AdoptPattern; readonly key: readonly string[] }

const HELP = `
Patterns of what the workshops leave behind: ${WORKSHOP_PATTERNS.join(', ')}

Examples:
  keytrail clean-up                                        what would be done with each key of the registry; nothing is written
  keytrail clean-up --apply                                take every step that is due now
  keytrail clean-up --target aws --apply --key arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
  keytrail clean-up --target aws --adopt '${WORKSHOP_PATTERNS[0] ?? ''}'

Exit codes: 0 fine; 1 a person has to look: a retirement stopped, something failed, or Keytrail was stopped; 2 wrong usage; 3 something could
not be read; 70 a fault of Keytrail's own.`

/** `keytrail clean-up`: retires the keys of the registry, step by step, in a way that can be taken back. */
export function cleanUpCommand(standingFolder: string): Command {
  return addChangesOptions(new Command('clean-up'))
    .description('Retire demo keys: disable, watch, free the aliases, schedule the deletion. A plan unless --apply is given.')
    .option('--apply', 'take the steps that are due now', false)
    .option('--adopt <pattern>', 'register what a workshop left behind: an alias or names of buckets, with * for any text', parsePattern)
    .addOption(new Option('--key <arn>', 'this key alone; may be given more than once').argParser(parseKey).default([], 'all keys'))
    .addHelpText('after', HELP)
    .action(async (options: CleanUpOptions) => {
      const { adopt, apply, key } = options
      if (adopt !== undefined && (apply || key.length > 0))
        throw new UsageError('--adopt registers and does nothing else: --apply and --key come afterwards')
      const around = { standingFolder, asks: apply }
      process.exitCode = await atChanges(options, around, (place) =>
        adopt === undefined ? cleanUp(options, place) : adoptFound(adopt, options, place),
      )
    })
}

async function cleanUp({ apply, key, format, quiet, yes }: CleanUpOptions, place: ChangesPlace): Promise<number> {
  const { caller, policy, policyFile, changes, target, now } = place
  await requireKnown(key, place)
  const progress = readingProgress('keys read', quiet)
  const ports = changes.retirePorts({ now, remainingMs: () => Number.POSITIVE_INFINITY, settings: policy.cleanUp })
  const keys: RetirePorts['keys'] = { ...ports.keys, read: (keyArn) => progress.counted(ports.keys.read(keyArn)) }
  const only = key.length === 0 ? {} : { only: key }
  const run = (isApplied: boolean): Promise<RetireAllResult> =>
    retireAll({ ...ports, keys }, { apply: isApplied, by: caller.arn, ...only }).finally(progress.stop)
  const reported = (result: RetireAllResult, isApplied: boolean): CleanedUp => ({
    ...result,
    target: { kind: target, caller },
    policyDigest: policy.digest,
    policyFile,
    only: key,
    isApplied: isApplied && result.stop === null,
  })
  if (apply && target === 'aws') {
    // Whoever is asked has seen what it is about.
    if (!yes) process.stderr.write(`${cleanUpText(reported(await run(false), false))}\n`)
    if (!(await place.isAgreed('Take every step of the above that is due now?'))) return ExitCode.fine
  }
  const result = await run(apply)
  const cleaned = reported(result, apply)
  process.stdout.write(format === 'json' ? cleanUpJson(cleaned) : cleanUpText(cleaned))
  return cleanUpExit(result, apply)
}

/** Exported for its table of cases. */
export function cleanUpExit({ keys, stop }: RetireAllResult, apply: boolean): number {
  if (keys.some(({ isUnread }) => isUnread)) return ExitCode.unread
  return keys.some(needsAPerson) || (apply && stop !== null) ? ExitCode.failed : ExitCode.fine
}

/** A key that was mistyped must not pass for one that is clean. */
async function requireKnown(wanted: readonly string[], { changes }: ChangesPlace): Promise<void> {
  if (wanted.length === 0) return
  const known = new Set((await changes.registry.keys()).flatMap(({ keyArn, state }) => (state === 'standing' ? [keyArn] : [])))
  for (const keyArn of wanted) {
    if (!known.has(keyArn) && (await changes.retirements.find(keyArn)) === null)
      throw new UsageError(`the registry does not have ${keyArn}: keytrail clean-up lists what it has, --adopt registers more`)
  }
}

async function adoptFound(pattern: AdoptPattern, options: CleanUpOptions, place: ChangesPlace): Promise<number> {
  const { caller, policy, policyFile, changes, target, now } = place
  const reading = await changes.adoptReading(pattern, now())
  const ground = { settings: policy.cleanUp, owners: policy.owners, accountId: caller.accountId, now: now() }
  const candidates = reading.known ? adoptCandidates(pattern, { ...reading.value, ...ground }) : []
  const found = {
    target: { kind: target, caller },
    policyDigest: policy.digest,
    policyFile,
    pattern: pattern.pattern,
    candidates,
    unread: reading.known ? [] : [reading],
  }
  const entries = candidates.flatMap((candidate) => candidate.entries)
  if (options.format === 'text') process.stdout.write(`${candidatesText(found)}\n`)
  const consent = entries.length === 0 ? 'no' : await consentTo(candidates, options)
  const written = consent === 'yes' ? await changes.adopt(entries, { owner: caller.arn, now: now() }) : null
  const registered = written === null ? null : written.map(({ name }) => name)
  process.stdout.write(options.format === 'json' ? adoptionJson({ ...found, registered }) : registeredText({ ...found, registered }))
  if (consent === 'nobody') {
    process.stderr.write('keytrail: --adopt asks before it registers, and there is no terminal: add --yes\n')
    return ExitCode.wrongUsage
  }
  return adoptionExit(found)
}

async function consentTo(candidates: Adoption['candidates'], { yes }: CleanUpOptions): Promise<'yes' | 'no' | 'nobody'> {
  if (yes) return 'yes'
  if (!isAtTerminal()) return 'nobody'
  const names = candidates.filter(({ entries }) => entries.length > 0).map(({ name }) => name)
  return (await isTyped(`Register ${counted(names.length, 'resource')}, so that clean-up retires what is a key?`, 'adopt')) ? 'yes' : 'no'
}

function adoptionExit({ candidates, unread }: Pick<Adoption, 'candidates' | 'unread'>): number {
  const isUnread = unread.length > 0 || candidates.some(({ against }) => against.some(({ kind }) => kind === 'unread'))
  return isUnread ? ExitCode.unread : ExitCode.fine
}

function parsePattern(text: string): AdoptPattern {
  const pattern = parseAdoptPattern(text)
  if (!pattern.ok) throw new InvalidArgumentError(shown(`${pattern.reason}.`))
  return pattern.value
}

function parseKey(text: string, before: readonly string[]): readonly string[] {
  const keyArn = parseKmsKeyArn(text)
  if (keyArn === null) throw new InvalidArgumentError('It is not the ARN of a KMS key.')
  return [...before, keyArn]
}
