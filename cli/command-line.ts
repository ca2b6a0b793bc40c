import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { ExitCode, UsageError } from './exit.ts'
import { shown } from './output/shown.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string }

/** In the order in which `--help` lists them. */
const COMMANDS: ReadonlyMap<string, () => Promise<(standingFolder: string) => Command>> = new Map([
  ['usage', async () => (await import('./commands/usage.ts')).usageCommand],
  ['encrypt', async () => (await import('./commands/encrypt.ts')).encryptCommand],
  ['decrypt', async () => (await import('./commands/decrypt.ts')).decryptCommand],
  ['workshop', async () => (await import('./commands/workshop.ts')).workshopCommand],
  ['audit', async () => (await import('./commands/audit.ts')).auditCommand],
  ['clean-up', async () => (await import('./commands/clean-up.ts')).cleanUpCommand],
  ['undo', async () => (await import('./commands/undo.ts')).undoCommand],
  ['changes', async () => (await import('./commands/changes.ts')).changesCommand],
  ['rules', async () => (await import('./commands/rules.ts')).rulesCommand],
  ['explain', async () => (await import('./commands/explain.ts')).explainCommand],
  ['local', async () => (await import('./commands/local.ts')).localCommand],
  ['start', async () => (await import('./commands/start.ts')).startCommand],
])

/** Runs what a user wrote behind `keytrail`. What the process shall end with stands in `process.exitCode`; 0 if it is unset. */
export async function runCommandLine(args: readonly string[], standingFolder: string): Promise<void> {
  const program = new Command('keytrail')
    .description('Proof of how AWS encryption is configured, used, cached and rotated, from CloudTrail.')
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `keytrail: ${text
            .replace(/^error: /, '')
            .trimEnd()
            .split('\n')
            .map(shown)
            .join('\n')}\n`,
        ),
    })
    .showHelpAfterError('(--help shows the options)')
  for (const make of await commandsFor(args[0])) program.addCommand(make(standingFolder).copyInheritedSettings(program))
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** Loading all commands takes longer than most of them run: the one that is named, or all of them where none is. */
function commandsFor(name = ''): Promise<readonly ((standingFolder: string) => Command)[]> {
  const named = COMMANDS.get(name)
  return Promise.all((named === undefined ? [...COMMANDS.values()] : [named]).map((load) => load()))
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.fine : ExitCode.wrongUsage
  if (error instanceof UsageError) {
    process.stderr.write(`keytrail: ${shown(error.message)}\n`)
    return ExitCode.wrongUsage
  }
  process.stderr.write(
    `keytrail: this is a fault of Keytrail's own. Please report it with what follows.\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return ExitCode.ownFault
}
