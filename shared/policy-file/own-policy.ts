import { existsSync, readFileSync } from 'node:fs'
import type { Rule } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import { type Policy, readPolicy } from './policy-file.ts'
import { problemText } from './problem.ts'

const POLICY_FILE = 'keytrail.yml'

/** `keytrail.yml` in base64, put here by scripts/bundle.ts. */
declare const KEYTRAIL_POLICY: string

/** The team's policy: as it was when the function was bundled; without a bundle, as it stands in the project. */
export function ownPolicy(rules: readonly Rule[], now: EpochS): Policy {
  const read = readPolicy(policyBytes(), { rules, now })
  if (read.ok) return read.policy
  throw new Error(`keytrail.yml cannot be used:\n${read.problems.map((problem) => problemText(POLICY_FILE, problem)).join('\n')}`)
}

function policyBytes(): Uint8Array {
  if (typeof KEYTRAIL_POLICY === 'string') return Buffer.from(KEYTRAIL_POLICY, 'base64')
  const file = new URL(`../../${POLICY_FILE}`, import.meta.url)
  return existsSync(file) ? readFileSync(file) : new Uint8Array()
}
