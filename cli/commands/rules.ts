import { Command, Option } from 'commander'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { checkDestination, writeOutput } from '../output/destination.ts'
import { rulesJson, rulesTable } from '../output/rules-text.ts'

type RulesOptions = { readonly format: 'table' | 'json'; readonly out?: string; readonly force: boolean }

const EXAMPLES = `
Examples:
  keytrail rules
  keytrail rules --format json --out rules.json`

/** `keytrail rules`: the catalogue. */
export function rulesCommand(standingFolder: string): Command {
  return new Command('rules')
    .description('List the rules that keytrail audit judges by.')
    .addOption(new Option('--format <format>', 'how to write them').choices(['table', 'json']).default('table'))
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--force', 'let --out replace a file', false)
    .addHelpText('after', EXAMPLES)
    .action((options: RulesOptions) => {
      const { out, force, format } = options
      const destination = { out, force, standingFolder }
      checkDestination(destination)
      const isColored = out === undefined && process.stdout.isTTY && process.stdout.hasColors()
      writeOutput(format === 'json' ? rulesJson(ALL_RULES) : rulesTable(ALL_RULES, isColored), destination)
    })
}
