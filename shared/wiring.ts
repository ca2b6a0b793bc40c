/** The only place that reads the environment and the clock (besides `local/`). */
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { type AccountId, parseAccountId } from './arn.ts'
import { epochS, type EpochS } from './time.ts'

/** Where the user stands. npm runs scripts from the project's root and tells the folder it was called from. */
export function standingFolder(): string {
  const calledFrom = process.env['npm_lifecycle_event'] === undefined ? undefined : process.env['INIT_CWD']
  return path.resolve(calledFrom ?? process.cwd())
}

/** A local cloud's clock can run ahead of the machine's: it tells its functions by how much. */
const CLOCK_OFFSET_MS = 'KEYTRAIL_CLOCK_OFFSET_MS'

export function now(): EpochS {
  const instant = epochS(Date.now() + Number(process.env[CLOCK_OFFSET_MS] ?? 0))
  if (instant === null) throw new Error('the clock of this machine stands before 1970 or after 2106')
  return instant
}

/** Where the local cloud, or another stand-in for AWS, listens. */
export function localEndpoint(): string {
  const endpoint = process.env['AWS_ENDPOINT_URL'] ?? ''
  return endpoint === '' ? 'http://127.0.0.1:4566' : endpoint
}

/** A text that was never made before. */
export function newToken(): string {
  return randomUUID()
}

/** What serverless.yml tells `count-key-usage`. @throws if a variable is missing or no such thing */
export function countKeyUsageEnvironment(): {
  readonly usageTable: string
  readonly accounts: ReadonlySet<AccountId>
  readonly contextDigestSecret: string
} {
  const audited = process.env['AUDITED_ACCOUNTS'] ?? ''
  const accounts = (audited === '' ? required('ACCOUNT_ID') : audited).split(',').map((text) => {
    const account = parseAccountId(text.trim())
    if (account === null) throw new Error('AUDITED_ACCOUNTS must hold account IDs of twelve digits with commas between')
    return account
  })
  return { usageTable: required('USAGE_TABLE'), accounts: new Set(accounts), contextDigestSecret: required('CONTEXT_DIGEST_SECRET') }
}

/** What serverless.yml tells `roll-up-usage`. @throws if a variable is missing */
export function rollUpUsageEnvironment(): { readonly usageTable: string } {
  return { usageTable: required('USAGE_TABLE') }
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is missing: serverless.yml sets it`)
  return value
}
