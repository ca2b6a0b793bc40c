import { standingFolder } from '../shared/wiring.ts'
import { runCommandLine } from './command-line.ts'
import { ExitCode } from './exit.ts'

process.on('SIGINT', () => process.exit(ExitCode.interrupted))
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`| head`) is no error.
  if (error.code === 'EPIPE') process.exit(ExitCode.fine)
  process.stderr.write(`keytrail: standard output cannot be written (${error.code ?? error.message})\n`)
  process.exit(ExitCode.unread)
})
// Nobody is left to tell that nobody listens.
process.stderr.on('error', () => undefined)

await runCommandLine(process.argv.slice(2), standingFolder())
