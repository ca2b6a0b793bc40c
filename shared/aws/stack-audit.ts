import { announceBody, type AnnounceReason } from '../audit/announce-message.ts'
import type { AuditPorts } from '../audit/audit-one.ts'
import type { StackSettings } from '../audit/stack-settings.ts'
import type { RelatedPorts } from '../audit/related.ts'
import type { ListedPage } from '../audit/sweep.ts'
import type { SweepStore } from '../audit/sweep-state.ts'
import { enforceBody } from '../findings/enforce-request.ts'
import type { FindingStore } from '../findings/finding-store.ts'
import type { Policy } from '../policy-file/policy-file.ts'
import { rulesUnder } from '../policy-file/policy-file.ts'
import type { FactReader } from '../rules/audit.ts'
import type { ResourceKind } from '../rules/facts.ts'
import type { Resource, Rule } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { AwsAccess } from './access.ts'
import { createFactClients } from './facts/clients.ts'
import type { FactParts } from './facts/fact-parts.ts'
import { listResources } from './facts/list-resources.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_RULES } from './facts/own-stack.ts'
import { createFactReader } from './facts/read-facts.ts'
import { createSeenTable } from './facts/seen-table.ts'
import { createRelatedPorts, noteLogging } from './facts/related.ts'
import { createFindingsTable } from './findings-table.ts'
import { parkMessage } from './parked-messages.ts'
import { createQueueSender } from './queue.ts'
import { createSweepTable } from './sweep-table.ts'
import { createDynamoDBClient, createTable } from './table.ts'
import { createUsageTable } from './usage-table.ts'

/** How the functions of the stack audit: over the stack's tables, and with what AWS tells. */
export type StackAudit = RelatedPorts & {
  readonly store: FindingStore
  readonly sweepStore: SweepStore
  readonly park: (message: Parameters<typeof parkMessage>[1]) => Promise<void>
  /** For one batch or one run. */
  ports(extent: FactParts['extent'], now: () => EpochS): AuditPorts
  list(kind: ResourceKind, cursor: string | null): Promise<ListedPage>
  noteLogging(bucket: Resource): Promise<void>
  noteLoggingWhole(): Promise<void>
  sendAgain(body: string, delayS: number): Promise<void>
  tell(reason: AnnounceReason): Promise<void>
}

/** So that a call, tried as often as it is, ends long before the invocation does. */
export const REQUESTS: AwsAccess = { requestHandler: { connectionTimeout: 2000, requestTimeout: 5000 } }

export function createStackAudit(
  { ownStack, usageTable, findingsTable, ownQueues, ownRoles, auditQueue, announceQueue, enforceQueue, quotaShare }: StackSettings,
  { rules, policy, newToken }: { readonly rules: readonly Rule[]; readonly policy: Policy; readonly newToken: () => string },
): StackAudit {
  const dynamodb = createDynamoDBClient()
  const table = createTable(dynamodb, findingsTable)
  const [seen, store] = [createSeenTable(table), createFindingsTable(table, newToken)]
  const usage = createUsageTable(createTable(dynamodb, usageTable))
  const clients = createFactClients(REQUESTS, quotaShare === null ? {} : { quotaShare })
  const [again, announce] = [createQueueSender(REQUESTS, auditQueue), createQueueSender(REQUESTS, announceQueue)]
  const enforce = createQueueSender(REQUESTS, enforceQueue)
  const { accountId, region } = ownStack
  const partition = ownStack.arn.split(':')[1] ?? 'aws'
  const where = { accountId, partition, regions: [region], buckets: 'of the Regions' } as const
  const parts = {
    clients,
    usage,
    seen,
    ownStack: { rules: OWN_RULES, queues: OWN_QUEUES, functions: OWN_FUNCTIONS, queueUrls: ownQueues, roleNames: ownRoles },
  }
  const enforced = new Set([...policy.modes].filter(([, mode]) => mode === 'enforce').map(([ruleId]) => ruleId))
  const reader = (extent: FactParts['extent'], madeAt: EpochS | null, now: EpochS): FactReader =>
    createFactReader({ ...parts, now, extent, madeAt })
  return {
    store,
    sweepStore: createSweepTable(table, newToken),
    park: (message) => parkMessage(table, message),
    ports: (extent, now) => ({
      rules: rulesUnder(policy, rules),
      expectations: policy.expectations,
      exemptions: policy.exemptions,
      policyDigest: policy.digest,
      store,
      reader: reader(extent, null, now()),
      freshReader: (madeAt, instant) => reader('event', madeAt, instant),
      enforced,
      requestEnforcement: (request) => enforce.send(enforceBody(request)),
      now,
    }),
    sendAgain: again.send,
    tell: (reason) => announce.send(announceBody(reason)),
    async list(kind, cursor) {
      for await (const page of listResources({ clients, ...where }, kind, cursor)) return page
      return { resources: [], unread: null, next: null }
    },
    ...createRelatedPorts({ clients, seen }),
    noteLogging: (bucket) => noteLogging({ clients, seen }, bucket),
    noteLoggingWhole: () => seen.noteLoggingWhole({ accountId, region }),
  }
}
