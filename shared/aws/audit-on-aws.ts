import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { FactReader } from '../rules/audit.ts'
import type { ResourceKind } from '../rules/facts.ts'
import type { EpochS } from '../time.ts'
import type { StoredUsage } from '../usage/usage-store.ts'
import type { Caller } from '../workshop/stage.ts'
import { type AwsAccess, clientConfig } from './access.ts'
import { createFactClients } from './facts/clients.ts'
import { listResources, type ResourcePage } from './facts/list-resources.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_RULES } from './facts/own-stack.ts'
import { createFactReader } from './facts/read-facts.ts'
import type { SeenStore } from './facts/seen-store.ts'
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

/** Stands for an error of AWS: Keytrail is not deployed here, or where its table is cannot be found out. */
class TableNotKnown extends Error {
  override readonly name = 'TableNotKnown'
  readonly $metadata = {}
}

/** Reads what AWS tells, and what Keytrail's own stack knows if it is deployed there. */
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
    const [usage, findings] = [await ownResource(regional, 'UsageTable'), await ownResource(regional, 'FindingsTable')]
    const ownStack = { rules: OWN_RULES, queues: OWN_QUEUES, functions: OWN_FUNCTIONS, queueUrls: await queueUrls(regional) }
    const reader = createFactReader({
      clients,
      usage: usage === null ? NO_USAGE : createUsageTable(createTable(dynamodb, usage)),
      seen: findings === null ? NOTHING_SEEN : readOnly(createSeenTable(createTable(dynamodb, findings))),
      ownStack,
      now,
      extent: 'sweep',
      madeAt: null,
    })
    return { reader, list: (kind) => listResources({ clients, accountId, partition, regions: [region] }, kind), close }
  } catch (error) {
    close()
    throw error
  }
}

/** Null too where it may not be asked for: what it takes is unknown then, and the rest of the audit goes on. */
async function ownResource(access: AwsAccess, logicalId: string): Promise<string | null> {
  try {
    return await stackResource(access, logicalId)
  } catch {
    return null
  }
}

/** By logical ID; those of a stack that is not deployed are missing, and nobody asks for them. */
async function queueUrls(access: AwsAccess): Promise<ReadonlyMap<string, string>> {
  const urls = new Map<string, string>()
  for (const { logicalId } of OWN_QUEUES) {
    const url = await ownResource(access, logicalId)
    if (url !== null) urls.set(logicalId, url)
  }
  return urls
}

function notKnown(): Promise<never> {
  return Promise.reject(new TableNotKnown('Keytrail keeps no such table here'))
}

function nothingToNote(): Promise<void> {
  return Promise.resolve()
}

function readOnly(seen: SeenStore): SeenStore {
  return { ...seen, noteKey: nothingToNote, noteEncryption: nothingToNote, noteCode: nothingToNote }
}

const NO_USAGE: StoredUsage = {
  segments: () => ({ [Symbol.asyncIterator]: () => ({ next: notKnown }) }),
  markedHours: notKnown,
  rollUp: notKnown,
}

const NOTHING_SEEN: SeenStore = readOnly({
  firstKeys: notKnown,
  strongest: notKnown,
  codes: notKnown,
  noteKey: nothingToNote,
  noteEncryption: nothingToNote,
  noteCode: nothingToNote,
})
