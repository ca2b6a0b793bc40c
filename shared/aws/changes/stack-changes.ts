import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ChangePorts } from '../../changes/change-ports.ts'
import { PLANNERS } from '../../changes/planners.ts'
import type { AdoptedEntry, AdoptPattern } from '../../changes/retire/adopt.ts'
import type { RetirePorts } from '../../changes/retire/ports.ts'
import type { RetireKeyPort } from '../../changes/retire/reading.ts'
import type { FindingStore } from '../../findings/finding-store.ts'
import type { SendPorts } from '../../findings/send-ports.ts'
import { type Observed, unread } from '../../observed.ts'
import { type Policy, rulesUnder } from '../../policy-file/policy-file.ts'
import type { Rule } from '../../rules/rule.ts'
import type { EpochS } from '../../time.ts'
import type { Caller } from '../../workshop/stage.ts'
import type { Entry } from '../../workshop/registry.ts'
import { type AwsAccess, clientConfig } from '../access.ts'
import { createFactClients } from '../facts/clients.ts'
import type { FactParts } from '../facts/fact-parts.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_RULES } from '../facts/own-stack.ts'
import { readOnly } from '../facts/nowhere.ts'
import { createFactReader } from '../facts/read-facts.ts'
import { createSeenTable } from '../facts/seen-table.ts'
import { createFindingsTable } from '../findings-table.ts'
import { parkMessage } from '../parked-messages.ts'
import { createSendPorts } from '../send-ports.ts'
import { REQUESTS } from '../stack-audit.ts'
import { createTable } from '../table.ts'
import { createUsageTable } from '../usage-table.ts'
import { type AdoptReading, readAdoptGround } from './adoption-on-aws.ts'
import { createAspectPort } from './aspects-on-aws.ts'
import { createChangeTable } from './change-table.ts'
import { createControlItems } from './control-items.ts'
import { adopt, createDemoRegistry } from './demo-registry.ts'
import { createGuardPort } from './guard-on-aws.ts'
import { createNoticeTable } from './notice-table.ts'
import { createRetireKeyPort } from './retire-key-on-aws.ts'
import { createRetirementTable } from './retirement-table.ts'
import { createTriedUse } from './tried-use.ts'

/** Where Keytrail's stack is, and what its parts are called. */
export type ChangesSettings = {
  readonly place: Pick<Caller, 'accountId' | 'partition' | 'region'>
  readonly controlTable: string
  readonly usageTable: string
  readonly findingsTable: string
  /** The topic's ARN. */
  readonly findingsTopic: string
  /** Whose uses of keys the stack counts: of keys of others it cannot be told that nobody tried to use them. */
  readonly countedAccounts: ReadonlySet<string>
  /** Of the account's quotas of calls; null: as usual. */
  readonly quotaShare: number | null
  /** Left out: as a function of the stack reaches AWS. */
  readonly access?: AwsAccess
}

/** How the stack, and people at the command line, change what is in AWS: over the stack's tables. */
export type StackChanges = Pick<ChangePorts, 'store' | 'control' | 'notices'> & {
  /** For one batch or one run. */
  changePorts(run: Pick<ChangePorts, 'now' | 'pause' | 'perHourMax'>): ChangePorts
  retirePorts(run: Pick<RetirePorts, 'now' | 'remainingMs' | 'settings'>): RetirePorts
  readonly retirements: RetirePorts['retirements']
  readonly registry: RetirePorts['registry']
  /** Nothing is written to the table of findings. */
  readonly findings: Pick<FindingStore, 'find' | 'ofResource'>
  readonly send: SendPorts
  /** Sets a message of a queue aside. */
  park(message: Parameters<typeof parkMessage>[1]): Promise<void>
  adoptReading(pattern: AdoptPattern, now: EpochS): Promise<Observed<AdoptReading>>
  adopt(found: readonly AdoptedEntry[], by: { readonly owner: string; readonly now: EpochS }): Promise<readonly Entry[]>
  close(): void
}

type Around = { readonly rules: readonly Rule[]; readonly policy: Policy; readonly newToken: () => string }

export function createStackChanges(settings: ChangesSettings, { rules, policy, newToken }: Around): StackChanges {
  const { place, access = REQUESTS, quotaShare, countedAccounts } = settings
  const regional = { ...access, region: place.region }
  const dynamodb = new DynamoDBClient(clientConfig(regional))
  const clients = createFactClients(regional, quotaShare === null ? {} : { quotaShare })
  const [control, findings] = [createTable(dynamodb, settings.controlTable), createTable(dynamodb, settings.findingsTable)]
  const usage = createUsageTable(createTable(dynamodb, settings.usageTable))
  const partsAt = (now: EpochS): FactParts => ({
    clients,
    usage,
    seen: readOnly(createSeenTable(findings)),
    ownStack: {
      rules: OWN_RULES,
      queues: OWN_QUEUES,
      functions: OWN_FUNCTIONS,
      queueUrls: new Map(),
      roleNames: new Map(),
      // Of the stack itself nothing is changed.
      unlocated: unread('cloudformation:DescribeStackResource', 'failed', 'NotAsked'),
    },
    now,
    extent: 'event',
    madeAt: null,
  })
  const { find, ofResource } = createFindingsTable(findings, newToken)
  const stores = {
    store: createChangeTable(control, newToken),
    control: createControlItems(control, newToken),
    notices: createNoticeTable(control, newToken),
  }
  const retirements = createRetirementTable(control, newToken)
  const registry = createDemoRegistry(control)
  const counted = { region: place.region, accounts: countedAccounts }
  const keysAt = (now: () => EpochS): RetireKeyPort =>
    createRetireKeyPort(() => partsAt(now()), createTriedUse({ clients, usage, counted, now }))
  return {
    ...stores,
    retirements,
    registry,
    findings: { find, ofResource },
    send: createSendPorts(regional, settings.findingsTopic),
    park: (message) => parkMessage(control, message),
    changePorts: (run) => ({
      ...stores,
      ...run,
      aspects: createAspectPort(clients),
      guard: createGuardPort(clients),
      rules: rulesUnder(policy, rules),
      planners: PLANNERS,
      policy,
      freshReader: (now) => createFactReader(partsAt(now)),
      newToken,
    }),
    retirePorts: (run) => ({
      ...run,
      keys: keysAt(run.now),
      registry,
      retirements,
      control: stores.control,
      notices: stores.notices,
      owners: policy.owners,
      accountId: place.accountId,
    }),
    adoptReading: (pattern, now) => readAdoptGround(pattern, { parts: partsAt(now), keys: keysAt(() => now), control, scope: place }),
    adopt: (found, by) => adopt(control, found, by),
    close() {
      clients.destroy()
      dynamodb.destroy()
    },
  }
}
