/** Writes what follows from the rules: docs/rules.md, and docs/keytrail.schema.json, which editors check keytrail.yml with. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, type FormatOptions } from 'oxfmt'
import { policySchema } from '../shared/policy-file/policy-schema.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { rulesMarkdown } from '../shared/rules/derive/rules-page.ts'
import type { Rule } from '../shared/rules/rule.ts'

const ROOT = new URL('../', import.meta.url)

/** The derived files by their path from the root, formatted as everything else is. */
export async function derivedFiles(rules: readonly Rule[] = ALL_RULES): Promise<ReadonlyMap<string, string>> {
  const files = { 'docs/rules.md': rulesMarkdown(rules), 'docs/keytrail.schema.json': JSON.stringify(policySchema(rules)) }
  const options = JSON.parse(readFileSync(new URL('.oxfmtrc.json', ROOT), 'utf8')) as FormatOptions
  const formatted = Object.entries(files).map(async ([name, text]): Promise<readonly [string, string]> => {
    const { code, errors } = await format(name, text, options)
    if (errors.length > 0) throw new Error(`${name} cannot be formatted`)
    return [name, code]
  })
  return new Map(await Promise.all(formatted))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of await derivedFiles()) writeFileSync(new URL(name, ROOT), text)
}
