import { Command } from 'commander'
import { nearest } from '../../shared/nearest.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import type { Rule } from '../../shared/rules/rule.ts'
import { UsageError } from '../exit.ts'
import { ruleText } from '../output/rules-text.ts'

const EXAMPLES = `
Examples:
  keytrail explain kms-key-rotation-enabled`

/** `keytrail explain`: the page of a rule. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('Tell of a rule what it judges, by which facts, what it takes to read them, and what to do.')
    .argument('<rule>', 'the ID of a rule; keytrail rules lists them')
    .addHelpText('after', EXAMPLES)
    .action((id: string) => {
      process.stdout.write(ruleText(knownRule(id), process.stdout.isTTY && process.stdout.hasColors()))
    })
}

/** @throws UsageError with the nearest ID, if there is none of this name */
export function knownRule(id: string): Rule {
  const rule = ALL_RULES.find((known) => known.id === id)
  if (rule !== undefined) return rule
  const near = nearest(
    id,
    ALL_RULES.map((known) => known.id),
  )
  throw new UsageError(`there is no rule "${id}"${near === null ? ': keytrail rules lists them' : `: did you mean ${near}?`}`)
}
