import { Argument, Command, Option } from 'commander'
import path from 'node:path'
import type { AwsAccess } from '../../shared/aws/access.ts'
import { type CleanedUp, cleanUp } from '../../shared/workshop/clean-up.ts'
import { folderFiles } from '../../shared/workshop/folder-files.ts'
import { WorkshopObstacle } from '../../shared/workshop/make.ts'
import { WORKSHOP_ACTIONS, type WorkshopAction, workshopReport } from '../../shared/workshop/report.ts'
import { checkUseCase, cleanedText, runUseCase } from '../../shared/workshop/run-use-case.ts'
import type { Stage, WorkshopNews } from '../../shared/workshop/stage.ts'
import type { CheckResult, UseCase } from '../../shared/workshop/use-case.ts'
import { USE_CASES } from '../../shared/workshop/use-cases.ts'
import { newToken } from '../../shared/wiring.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { awsTime, isConfirmed, requireSomebodyToAsk } from '../input/aws-target.ts'
import { LocalCloudMissing, openLocalTarget } from '../input/local-target.ts'
import { shown } from '../output/shown.ts'
import { checkText, createScreen } from '../output/workshop-screen.ts'

type WorkshopOptions = {
  readonly target: 'local' | 'aws'
  readonly folder: string
  readonly files?: string
  readonly submit: boolean
  readonly yes: boolean
  readonly format: 'text' | 'json'
}

type Played = { readonly news: readonly WorkshopNews[]; readonly result: CheckResult | null; readonly cleaned: readonly CleanedUp[] }

const HELP = `
Use cases:
${USE_CASES.map(({ name, title }) => `  ${name.padEnd(16)} ${title}`).join('\n')}

Examples:
  keytrail workshop sse run           on a local cloud: no AWS account, nothing leaves this machine
  keytrail workshop sse check         what CloudTrail tells of it, and what that means
  keytrail workshop sse clean-up
  keytrail workshop caching run --target aws

Exit codes: 0 fine; 1 a check failed, or something could not be cleaned up; 2 wrong usage; 3 something stood in the way or did not come in
time; 70 a fault of Keytrail's own.`

/** `keytrail workshop`: the use cases of the workshops, on the local cloud or on AWS. */
export function workshopCommand(standingFolder: string): Command {
  return new Command('workshop')
    .description('Play a use case of the encryption workshops, check what CloudTrail tells of it, and clean up.')
    .addArgument(new Argument('<use case>', 'what to play').choices(USE_CASES.map(({ name }) => name)))
    .addArgument(new Argument('<action>', 'what to do').choices(WORKSHOP_ACTIONS))
    .addOption(new Option('--target <target>', 'where: the local cloud, or AWS').choices(['local', 'aws']).default('local'))
    .option('--folder <folder>', 'where the local cloud keeps its state', '.keytrail')
    .option('--files <folder>', "where the use case's files are (default: keytrail-workshop/<use case>)")
    .option('--submit', 'submit what the run of training-assets only shows: a training job, which costs money on AWS', false)
    .option('--yes', 'do not ask before acting on AWS', false)
    .addOption(new Option('--format <format>', 'how to write what came of it').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async (name: string, action: WorkshopAction, options: WorkshopOptions) => {
      const useCase = USE_CASES.find((known) => known.name === name)
      if (useCase === undefined) throw new UsageError(`there is no use case ${name}`)
      if (options.folder === '' || options.files === '') throw new UsageError('a folder is empty: name one')
      if (options.submit && (useCase.submits === undefined || action !== 'run')) {
        throw new UsageError(`--submit is for a run that has something to submit, and ${name} ${action} has nothing`)
      }
      process.exitCode = await runWorkshop(useCase, action, options, standingFolder)
    })
}

/** @returns the exit code */
async function runWorkshop(useCase: UseCase, action: WorkshopAction, options: WorkshopOptions, standingFolder: string): Promise<number> {
  try {
    if (options.target === 'aws') {
      requireSomebodyToAsk(options.yes)
      return await play({ useCase, action, options, standingFolder, access: {}, time: awsTime })
    }
    const local = await openLocalTarget(path.resolve(standingFolder, options.folder))
    try {
      if (options.format === 'text') process.stdout.write(`On ${local.description}.\n\n`)
      return await play({ useCase, action, options, standingFolder, ...local })
    } finally {
      await local.close()
    }
  } catch (error) {
    if (!(error instanceof WorkshopObstacle) && !(error instanceof LocalCloudMissing)) throw error
    process.stderr.write(`keytrail: ${shown(error.message)}\n`)
    return ExitCode.unread
  }
}

type Play = Pick<Stage, 'time'> & {
  readonly useCase: UseCase
  readonly action: WorkshopAction
  readonly options: WorkshopOptions
  readonly standingFolder: string
  readonly access: AwsAccess
}

async function play({ useCase, action, options, standingFolder, access, time }: Play): Promise<number> {
  const { target, format } = options
  // The SDK takes longer to load than most other commands take.
  const [{ readCaller }, { openStage }] = await Promise.all([
    import('../../shared/aws/caller.ts'),
    import('../../shared/aws/workshop/stage-on-aws.ts'),
  ])
  const caller = await readCaller(access)
  if (
    target === 'aws' &&
    !(await isConfirmed(
      caller,
      `Go on with ${useCase.name} ${action}${options.submit ? `, and submit ${useCase.submits ?? ''}` : ''}?`,
      options.yes,
    ))
  )
    return ExitCode.fine
  const isColored = process.stdout.isTTY && process.stdout.hasColors()
  const screen = createScreen(isColored)
  const news: WorkshopNews[] = []
  const { stage, close } = await openStage(access, caller, {
    useCase: useCase.name,
    files: folderFiles(path.resolve(standingFolder, options.files ?? path.join('keytrail-workshop', useCase.name))),
    time,
    submits: options.submit,
    newId: () => newToken().replaceAll('-', ''),
    tell(one) {
      if (one.kind === 'step') news.push(one)
      if (format === 'text' || one.kind === 'waiting') screen.tell(one)
    },
  })
  try {
    const played = { news, ...(await act(useCase, action, stage)) }
    screen.endWait()
    const report = workshopReport({ useCase: useCase.name, action, kind: target, caller, ...played })
    process.stdout.write(format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : screenText(useCase, action, played, isColored))
    return exitCode(played)
  } finally {
    close()
  }
}

async function act(useCase: UseCase, action: WorkshopAction, stage: Stage): Promise<Omit<Played, 'news'>> {
  switch (action) {
    case 'run':
      await runUseCase(useCase, stage)
      return { result: null, cleaned: [] }
    case 'check': {
      const result = await checkUseCase(useCase, stage)
      if (result === null) throw new UsageError(`there is nothing to check yet: keytrail workshop ${useCase.name} run comes first`)
      return { result, cleaned: [] }
    }
    case 'clean-up':
      return { result: null, cleaned: await cleanUp(stage) }
  }
}

function screenText({ name }: UseCase, action: WorkshopAction, { result, cleaned }: Played, isColored: boolean): string {
  switch (action) {
    case 'run':
      return `Next: keytrail workshop ${name} check\n`
    case 'check':
      return `${result === null ? '' : checkText(result, isColored)}\n\nNext: keytrail workshop ${name} clean-up\n`
    case 'clean-up':
      return cleaned.length === 0 ? 'There is nothing to clean up.\n' : `${cleaned.map((one) => shown(cleanedText(one))).join('\n')}\n`
  }
}

function exitCode({ result, cleaned }: Played): number {
  const verdicts = result?.checks.map(({ verdict }) => verdict) ?? []
  if (verdicts.includes('unknown')) return ExitCode.unread
  return verdicts.includes('fail') || cleaned.some(({ isLeft }) => isLeft) ? ExitCode.failed : ExitCode.fine
}
