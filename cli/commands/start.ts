import { Command } from 'commander'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runUsage, type UsageOptions, withUsageOptions } from './usage.ts'

const SAMPLES = fileURLToPath(new URL('../../events', import.meta.url))

/** `npm start`: counts KMS calls in the user's own trail, or in the sample events that come with Keytrail. */
export function startCommand(standingFolder: string): Command {
  return withUsageOptions(new Command('start'))
    .description('Count KMS calls in the sample events that come with Keytrail, or in your own CloudTrail files.')
    .argument('[path...]', 'CloudTrail files and folders; the sample events if none is given')
    .addHelpText('after', '\nExamples:\n  npm start\n  npm start -- ./AWSLogs')
    .action(async (paths: readonly string[], options: UsageOptions) => {
      const isSample = paths.length === 0
      if (isSample && !options.quiet)
        process.stderr.write('Counting the KMS calls in the sample events of events/. Your own trail: npm start -- <folder>\n\n')
      const names = isSample ? [path.relative(standingFolder, SAMPLES) || '.'] : paths
      process.exitCode = await runUsage(names, options, standingFolder)
    })
}
