import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { standingFolder } from '../shared/wiring.ts'
import { auditCommand } from './commands/audit.ts'
import { decryptCommand } from './commands/decrypt.ts'
import { encryptCommand } from './commands/encrypt.ts'
import { explainCommand } from './commands/explain.ts'
import { localCommand } from './commands/local.ts'
import { rulesCommand } from './commands/rules.ts'
import { startCommand } from './commands/start.ts'
import { usageCommand } from './commands/usage.ts'
import { workshopCommand } from './commands/workshop.ts'
import { ExitCode, UsageError } from './exit.ts'
import { shown } from './output/shown.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string }

process.on('SIGINT', () => process.exit(ExitCode.interrupted))
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`| head`) is no error.
  if (error.code === 'EPIPE') process.exit(ExitCode.fine)
  process.stderr.write(`keytrail: standard output cannot be written (${error.code ?? error.message})\n`)
  process.exit(ExitCode.unread)
})
// Nobody is left to tell that nobody listens.
process.stderr.on('error', () => undefined)

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
const here = standingFolder()
const commands = [
  usageCommand,
  encryptCommand,
  decryptCommand,
  workshopCommand,
  auditCommand,
  rulesCommand,
  explainCommand,
  localCommand,
  startCommand,
]
for (const command of commands.map((make) => make(here))) {
  program.addCommand(command.copyInheritedSettings(program))
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
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
