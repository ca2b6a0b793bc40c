import { type Command, Option } from 'commander'
import path from 'node:path'
import type { StackChanges } from '../../shared/aws/changes/stack-changes.ts'
import type { AwsAccess } from '../../shared/aws/access.ts'
import { elapsedMs } from '../../shared/elapsed.ts'
import type { Policy } from '../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import type { EpochS } from '../../shared/time.ts'
import { newToken } from '../../shared/wiring.ts'
import type { WorkshopTime } from '../../shared/workshop/ports.ts'
import type { Caller } from '../../shared/workshop/stage.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { shown } from '../output/shown.ts'
import { awsTime, isConfirmed, requireSomebodyToAsk } from './aws-target.ts'
import { LocalCloudMissing, openLocalTarget } from './local-target.ts'
import { policyFrom } from './policy-input.ts'

/** What every command takes that changes something, or tells of changes. */
export type ChangesOptions = {
  readonly target: 'local' | 'aws'
  readonly folder: string
  readonly policy?: string
  readonly format: 'text' | 'json'
  readonly yes: boolean
  readonly quiet: boolean
}

/** Where changes are made, and by whom. */
export type ChangesPlace = {
  readonly target: 'local' | 'aws'
  readonly caller: Caller
  readonly policy: Policy
  /** Where it stands; null: nowhere, the defaults hold. */
  readonly policyFile: string | null
  readonly changes: StackChanges
  now(): EpochS
  /** On AWS: shows whose account it is and asks whether to go on, unless it was agreed before. Nobody is asked on the local cloud. */
  isAgreed(what: string): Promise<boolean>
}

export function addChangesOptions(command: Command): Command {
  return command
    .addOption(new Option('--target <target>', 'where: the local cloud, or AWS').choices(['local', 'aws']).default('local'))
    .option('--folder <folder>', 'where the local cloud keeps its state', '.keytrail')
    .option('--policy <file>', 'the policy file (default: keytrail.yml, if there is one)')
    .addOption(new Option('--format <format>', 'how to write what came of it').choices(['text', 'json']).default('text'))
    .option('--yes', 'do not ask before acting', false)
    .option('--quiet', 'show no progress', false)
}

type Around = { readonly standingFolder: string; readonly asks: boolean }
type Run = (place: ChangesPlace) => Promise<number>
type Access = { readonly access: AwsAccess; readonly time: WorkshopTime }

/** Runs over the stack that is deployed at the target. @returns the exit code */
export async function atChanges(options: ChangesOptions, { standingFolder, asks }: Around, run: Run): Promise<number> {
  if (options.folder === '') throw new UsageError('the folder is empty: name one')
  if (options.policy === '') throw new UsageError('the policy file is empty: name one')
  if (options.target === 'aws') {
    if (asks) requireSomebodyToAsk(options.yes)
    return answered(() => open({ access: {}, time: awsTime }, { options, standingFolder, asks }, run))
  }
  try {
    const local = await openLocalTarget(path.resolve(standingFolder, options.folder))
    try {
      if (options.format === 'text') process.stdout.write(`On ${local.description}.\n\n`)
      return await answered(() => open(local, { options, standingFolder, asks }, run))
    } finally {
      await local.close()
    }
  } catch (error) {
    if (!(error instanceof LocalCloudMissing)) throw error
    return unread(error.message)
  }
}

async function open(
  { access, time }: Access,
  { options, standingFolder, asks }: Around & { options: ChangesOptions },
  run: Run,
): Promise<number> {
  const now = runningFrom(await time.now())
  const found = policyFrom({ file: options.policy, standingFolder, rules: ALL_RULES, now: now() })
  if (found === null) return ExitCode.wrongUsage
  const { policy, file: policyFile } = found
  // The SDK's clients take a while to load: only who needs them waits for them.
  const [{ readCaller }, { openChanges }] = await Promise.all([
    import('../../shared/aws/caller.ts'),
    import('../../shared/aws/changes/open-changes.ts'),
  ])
  const caller = await readCaller(access)
  // Who is not asked is told.
  if (options.target === 'aws' && !asks) await isConfirmed(caller, '', true)
  const changes = await openChanges(access, caller, { rules: ALL_RULES, policy, newToken })
  if (changes === null) {
    return unread(
      `Keytrail is not deployed in account ${caller.accountId}, Region ${caller.region}: its tables keep what is changed, and why. docs/deploy.md says how.`,
    )
  }
  const { target, yes } = options
  const isAgreed = (what: string): Promise<boolean> => (target === 'aws' ? isConfirmed(caller, what, yes) : Promise.resolve(true))
  try {
    return await run({ target, caller, policy, policyFile, changes, now, isAgreed })
  } finally {
    changes.close()
  }
}

/** What AWS refuses, or does not answer, is no fault of the program. @throws what came of no call */
async function answered(run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    const { failureOf } = await import('../../shared/aws/facts/errors.ts')
    if (error instanceof Error && error.message === 'Region is missing') return unread('there is no Region: set AWS_REGION')
    const { code } = failureOf(error)
    return unread(
      `AWS does not answer as it has to (${code}): are there credentials, and may they do this? docs/changes.md lists what it takes.`,
    )
  }
}

function unread(message: string): number {
  process.stderr.write(`keytrail: ${shown(message)}\n`)
  return ExitCode.unread
}

/** A clock that goes on from here as time passes. */
function runningFrom(start: EpochS): () => EpochS {
  const begunMs = elapsedMs()
  return () => (start + Math.floor((elapsedMs() - begunMs) / 1000)) as EpochS
}
