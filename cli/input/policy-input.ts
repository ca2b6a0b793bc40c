import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { defaultPolicy, type Policy, POLICY_BYTES_MAX, readPolicy } from '../../shared/policy-file/policy-file.ts'
import { problemText } from '../../shared/policy-file/problem.ts'
import type { Rule } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'
import { UsageError } from '../exit.ts'
import { shown } from '../output/shown.ts'
import { fileError } from './file-error.ts'

const DEFAULT_FILE = 'keytrail.yml'

type From = { readonly file?: string | undefined; readonly standingFolder: string; readonly rules: readonly Rule[]; readonly now: EpochS }

/** `file`: as it was named; null: there is none, and the defaults hold. */
export type FoundPolicy = { readonly policy: Policy; readonly file: string | null }

/**
 * The policy in a file, or in `keytrail.yml` where the user stands, or the defaults where there is none. Warnings, and every problem, go
 * to standard error. @returns null: the file has problems
 * @throws UsageError if the file that was named cannot be read
 */
export function policyFrom({ file, standingFolder, rules, now }: From): FoundPolicy | null {
  const name = file ?? DEFAULT_FILE
  const bytes = readBytes(path.resolve(standingFolder, name), file !== undefined, name)
  if (bytes === null) return { policy: defaultPolicy(), file: null }
  const read = readPolicy(bytes, { rules, now })
  if (read.ok) {
    for (const warning of read.warnings) tell(`${problemText(name, warning)} (a warning)`)
    return { policy: read.policy, file: name }
  }
  for (const problem of read.problems) tell(problemText(name, problem))
  if (read.unlisted > 0) tell(`${name}: and ${read.unlisted} more`)
  return null
}

function tell(text: string): void {
  process.stderr.write(`keytrail: ${shown(text)}\n`)
}

/** One byte more than may be, so that what is too long shows. Null: there is no such file, and none was named. */
function readBytes(place: string, isNamed: boolean, name: string): Uint8Array | null {
  let descriptor: number | null = null
  try {
    descriptor = openSync(place, 'r')
    if (!fstatSync(descriptor).isFile()) throw new UsageError(`${name} is no file`)
    const bytes = Buffer.alloc(POLICY_BYTES_MAX + 1)
    let length = 0
    for (let count = -1; count !== 0 && length < bytes.length; length += count)
      count = readSync(descriptor, bytes, length, bytes.length - length, null)
    return bytes.subarray(0, length)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing && !isNamed) return null
    throw new UsageError(`${name}: ${fileError(error)}`)
  } finally {
    if (descriptor !== null) closeSync(descriptor)
  }
}
