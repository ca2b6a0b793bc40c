/** The only place that reads the environment and the clock (besides `local/`). */
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { StackSettings } from './audit/stack-settings.ts'
import { type AccountId, parseAccountId } from './arn.ts'
import type { Hub } from './findings/asff.ts'
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

/** Where the local cloud, or another stand-in for AWS, listens, as the environment says: it may say anything. */
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
  return { usageTable: required('USAGE_TABLE'), accounts: auditedAccounts(), contextDigestSecret: required('CONTEXT_DIGEST_SECRET') }
}

function auditedAccounts(): ReadonlySet<AccountId> {
  const audited = process.env['AUDITED_ACCOUNTS'] ?? ''
  const accounts = (audited === '' ? required('ACCOUNT_ID') : audited).split(',').map((text) => {
    const account = parseAccountId(text.trim())
    if (account === null) throw new Error('AUDITED_ACCOUNTS must hold account IDs of twelve digits with commas between')
    return account
  })
  return new Set(accounts)
}

/** What serverless.yml tells `roll-up-usage`. @throws if a variable is missing */
export function rollUpUsageEnvironment(): { readonly usageTable: string } {
  return { usageTable: required('USAGE_TABLE') }
}

/** What serverless.yml tells `audit-change`. @throws if a variable is missing or no such thing */
export function auditChangeEnvironment(): AuditEnvironment & { readonly accounts: ReadonlySet<AccountId> } {
  return { ...sweepEnvironment(), accounts: auditedAccounts() }
}

/** What serverless.yml tells `sweep`. @throws if a variable is missing or no such thing */
export function sweepEnvironment(): AuditEnvironment {
  const account = ownAccount()
  return {
    account,
    ownStack: { kind: 'keytrail_stack', arn: required('STACK_ID'), accountId: account, region: required('AWS_REGION') },
    usageTable: required('USAGE_TABLE'),
    findingsTable: required('FINDINGS_TABLE'),
    ownQueues: pairs('OWN_QUEUES'),
    auditQueue: required('AUDIT_QUEUE'),
    announceQueue: required('ANNOUNCE_QUEUE'),
    enforceQueue: required('ENFORCE_QUEUE'),
    quotaShare: quotaShare(),
    ownRoles: pairs('OWN_ROLES'),
  }
}

/** What the functions have in common that audit. */
export type AuditEnvironment = StackSettings & { readonly account: AccountId }

/** `<logical ID>=<what it is called>`, with blanks between. */
function pairs(variable: string): ReadonlyMap<string, string> {
  const texts = required(variable).split(' ')
  return new Map(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at === -1) throw new Error(`${variable} must hold logical IDs, each with = and what it is called behind`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/** What serverless.yml tells `announce`. @throws if a variable is missing */
export function announceEnvironment(): { readonly findingsTable: string; readonly findingsTopic: string; readonly hub: Hub } {
  return {
    findingsTable: required('FINDINGS_TABLE'),
    findingsTopic: required('FINDINGS_TOPIC'),
    hub: { accountId: required('ACCOUNT_ID'), region: required('AWS_REGION') },
  }
}

/** What serverless.yml tells `enforce` and `clean-up`. @throws if a variable is missing or no such thing */
export function changesEnvironment(): {
  readonly place: { readonly accountId: AccountId; readonly partition: string; readonly region: string }
  readonly controlTable: string
  readonly usageTable: string
  readonly findingsTable: string
  readonly findingsTopic: string
  readonly countedAccounts: ReadonlySet<AccountId>
  readonly quotaShare: number | null
} {
  const findingsTopic = required('FINDINGS_TOPIC')
  return {
    place: { accountId: ownAccount(), partition: findingsTopic.split(':')[1] ?? '', region: required('AWS_REGION') },
    controlTable: required('CONTROL_TABLE'),
    usageTable: required('USAGE_TABLE'),
    findingsTable: required('FINDINGS_TABLE'),
    findingsTopic,
    countedAccounts: auditedAccounts(),
    quotaShare: quotaShare(),
  }
}

function ownAccount(): AccountId {
  const account = parseAccountId(required('ACCOUNT_ID'))
  if (account === null) throw new Error('ACCOUNT_ID must be an account ID of twelve digits')
  return account
}

/** Null: as usual. */
function quotaShare(): number | null {
  const share = process.env['KEYTRAIL_QUOTA_SHARE']
  return share === undefined ? null : Number(share)
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is missing: serverless.yml sets it`)
  return value
}
