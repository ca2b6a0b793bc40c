import { paginateScan } from '@aws-sdk/client-dynamodb'
import { AUDIT_FUNCTIONS } from '../../shared/local-order.ts'
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/cloud.ts'
import type { LostEvent } from '../../local/events/target-delivery.ts'
import type { InvocationOutcome } from '../../local/lambda/functions.ts'
import type { BatchOutcome } from '../../local/lambda/mapping.ts'
import { createTable } from '../../shared/aws/table.ts'
import { createUsageTable } from '../../shared/aws/usage-table.ts'
import { epochS, type EpochS, HOUR_S } from '../../shared/time.ts'
import { readUsage } from '../../shared/usage/read-usage.ts'
import type { UseTally } from '../../shared/usage/use-ledger.ts'

/** A local cloud, and what it told since it started. */
export type WatchedCloud = LocalCloud & {
  readonly lines: readonly string[]
  /** Of uses of keys. */
  readonly batches: readonly BatchOutcome[]
  readonly invocations: readonly InvocationOutcome[]
  readonly lostEvents: readonly LostEvent[]
  readonly faults: readonly unknown[]
}

export async function startCloud(changes: Partial<LocalCloudOptions> = {}): Promise<WatchedCloud> {
  const lines: string[] = []
  const batches: BatchOutcome[] = []
  const invocations: InvocationOutcome[] = []
  const lostEvents: LostEvent[] = []
  const faults: unknown[] = []
  const cloud = await startLocalCloud({
    folder: null,
    fresh: false,
    port: 0,
    startMs: Date.parse('2026-10-20T06:20:00Z'),
    delivery: { delayMs: { p50: 0, p99: 0 }, duplicateShare: 0, lossShare: 0 },
    seed: 1,
    parameters: {},
    // Most tests are about something else.
    idle: AUDIT_FUNCTIONS,
    onLog: (_name, line) => void lines.push(line),
    onBatch: (name, batch) => void (name === 'keytrail-count-key-usage' && batches.push(batch)),
    onInvocation: (_name, outcome) => void invocations.push(outcome),
    onLost: (lost) => void lostEvents.push(lost),
    onFault: (error) => void faults.push(error),
    ...changes,
  })
  return { ...cloud, lines, batches, invocations, lostEvents, faults }
}

/** What stands for a logical ID of serverless.yml. */
export function refOf(cloud: LocalCloud, logicalId: string): string {
  const made = cloud.made.get(logicalId)
  if (made === undefined) throw new Error(`the local cloud made no ${logicalId}`)
  return made.ref
}

/** The partition keys of what a table holds, each once, sorted. */
export async function partitionKeys(cloud: LocalCloud, logicalId: string): Promise<readonly string[]> {
  const pages = paginateScan({ client: cloud.clients.dynamodb }, { TableName: refOf(cloud, logicalId), ProjectionExpression: 'pk' })
  const keys = new Set<string>()
  for await (const { Items = [] } of pages) for (const { pk } of Items) keys.add(pk?.S ?? '')
  return [...keys].toSorted()
}

/** All usage from an hour before the clock of the cloud to an hour behind it. */
export async function usageOf(cloud: LocalCloud, hoursBack = 3): Promise<readonly UseTally[]> {
  const table = createUsageTable(createTable(cloud.clients.dynamodb, refOf(cloud, 'UsageTable')))
  const hour = hourOf(cloud.clock.nowMs())
  return readUsage(table, { since: (hour - hoursBack * HOUR_S) as EpochS, until: (hour + 2 * HOUR_S) as EpochS })
}

function hourOf(timeMs: number): EpochS {
  const second = epochS(timeMs) ?? 0
  return (second - (second % HOUR_S)) as EpochS
}
