import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { unread } from '../observed.ts'
import type { FactReader } from '../rules/audit.ts'
import type { ResourceKind } from '../rules/facts.ts'
import type { EpochS } from '../time.ts'
import type { StoredUsage } from '../usage/usage-store.ts'
import type { Caller } from '../workshop/stage.ts'
import { type AwsAccess, clientConfig } from './access.ts'
import { createFactClients } from './facts/clients.ts'
import { listResources, type ResourcePage } from './facts/list-resources.ts'
import { failureOf } from './facts/errors.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_ROLES, OWN_RULES, type OwnStack } from './facts/own-stack.ts'
import { NOWHERE, readOnly, UNKNOWN } from './facts/nowhere.ts'
import { createFactReader } from './facts/read-facts.ts'
import { createSeenTable } from './facts/seen-table.ts'
import { stackResource } from './stack.ts'
import { createTable } from './table.ts'
import { createUsageTable } from './usage-table.ts'

/** An audit of the caller's Region, and of all buckets. Nothing is written: what is seen for the first time is the stack's to note. */
export type OpenAudit = {
  readonly reader: FactReader
  list(kind: ResourceKind): AsyncIterable<ResourcePage<ResourceKind>>
  close(): void
}

const NO_QUOTAS = 1000
const LOCATING = 'cloudformation:DescribeStackResource'

/** Reads what AWS tells, and what Keytrail's own stack knows if it is deployed there. @throws what keeps that from being found out */
export async function openAudit(access: AwsAccess, caller: Caller, now: EpochS): Promise<OpenAudit> {
  const { accountId, partition, region } = caller
  const regional = { ...access, region }
  const dynamodb = new DynamoDBClient(clientConfig(regional))
  // What stands in for AWS has no quotas.
  const clients = createFactClients(regional, access.endpoint === undefined ? {} : { quotaShare: NO_QUOTAS })
  const close = (): void => {
    clients.destroy()
    dynamodb.destroy()
  }
  try {
    const at = { access: regional, dynamodb }
    const usage = await keptIn<StoredUsage>(at, 'UsageTable', { in: createUsageTable, nowhere: NOWHERE.usage, unknown: UNKNOWN.usage })
    const seen = await keptIn(at, 'FindingsTable', { in: createSeenTable, nowhere: NOWHERE.seen, unknown: UNKNOWN.seen })
    const ownStack = { rules: OWN_RULES, queues: OWN_QUEUES, functions: OWN_FUNCTIONS, ...(await ownNames(regional)) }
    const reader = createFactReader({
      clients,
      usage,
      seen: readOnly(seen),
      ownStack,
      now,
      extent: 'sweep',
      madeAt: null,
      readsAllLogging: true,
    })
    const where = { accountId, partition, regions: [region], buckets: 'of all Regions' } as const
    return { reader, list: (kind) => listResources({ clients, ...where }, kind), close }
  } catch (error) {
    close()
    throw error
  }
}

/** `denied`: it may not be asked for, which leaves unknown what it takes, while the rest of the audit goes on. @throws every other error */
async function ownResource(access: AwsAccess, logicalId: string): Promise<{ readonly name: string | null } | { readonly denied: string }> {
  try {
    return { name: await stackResource(access, logicalId) }
  } catch (error) {
    const { kind, code } = failureOf(error)
    if (kind !== 'denied') throw error
    return { denied: code }
  }
}

type Table = Parameters<typeof createSeenTable>[0]

/** What a table of the stack keeps. Nothing, where there is no such table; unknown, where that may not be asked. */
async function keptIn<Kept>(
  { access, dynamodb }: { readonly access: AwsAccess; readonly dynamodb: DynamoDBClient },
  logicalId: string,
  kept: { readonly in: (table: Table) => Kept; readonly nowhere: Kept; readonly unknown: Kept },
): Promise<Kept> {
  const found = await ownResource(access, logicalId)
  if ('denied' in found) return kept.unknown
  return found.name === null ? kept.nowhere : kept.in(createTable(dynamodb, found.name))
}

/** By logical ID. Those of a stack that is not deployed are missing, and nobody asks for them. */
async function ownNames(access: AwsAccess): Promise<Pick<OwnStack, 'queueUrls' | 'roleNames' | 'unlocated'>> {
  const names = new Map<string, string>()
  const known = { queueUrls: names, roleNames: names }
  for (const logicalId of [...OWN_QUEUES.map((queue) => queue.logicalId), ...OWN_ROLES]) {
    const found = await ownResource(access, logicalId)
    if ('denied' in found) return { ...known, unlocated: unread(LOCATING, 'denied', found.denied) }
    // A stack that another version of Keytrail deployed has other queues and roles.
    if (found.name === null) return { ...known, unlocated: unread(LOCATING, 'failed', 'QueueNotKnown') }
    names.set(logicalId, found.name)
  }
  return known
}
