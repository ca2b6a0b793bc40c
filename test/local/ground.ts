import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openClock } from '../../local/clock.ts'
import { type DynamoDb, openDynamoDb } from '../../local/dynamodb.ts'
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../local/endpoint.ts'
import type { SeenCall } from '../../local/json-protocol.ts'
import type { LocalClock } from '../../local/clock.ts'
import { createPrincipals, type Principals } from '../../local/principals.ts'
import { openQueues, type Queues } from '../../local/queues.ts'
import { memoryState, openState } from '../../local/state.ts'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'

const account = parseAccountId('000000000000')
if (account === null) throw new Error('twelve digits are an account')
const ACCOUNT: AccountId = account
const REGION = 'us-east-1'

export type Ground = {
  readonly endpoint: Endpoint
  readonly clock: LocalClock
  readonly dynamodb: DynamoDb
  readonly queues: Queues
  readonly principals: Principals
  readonly seen: readonly SeenCall[]
  readonly faults: readonly unknown[]
  /** For any SDK client. */
  readonly client: {
    readonly endpoint: string
    readonly region: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
    readonly maxAttempts: number
  }
  close(): Promise<void>
}

/** The ground of the local cloud, as its composition puts it together; in memory without a folder. */
export async function openGround(options: { readonly folder?: string } & Partial<EndpointOptions> = {}): Promise<Ground> {
  const { folder, ...endpointOptions } = options
  const faults: unknown[] = []
  const seen: SeenCall[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  const state = folder === undefined ? memoryState() : await openState(folder, { fresh: false })
  const clock = openClock({ db: state.db, onFault })
  const dynamodb = await openDynamoDb({ state, clock, accountId: ACCOUNT, region: REGION, onFault })
  const queues = await openQueues({ state, onFault })
  const principals = createPrincipals(ACCOUNT)
  const endpoint = await startEndpoint({
    port: 0,
    services: [],
    dynamodb,
    queues,
    principals,
    clock,
    onCall: (call) => void seen.push(call),
    onFault,
    ...endpointOptions,
  })
  return {
    endpoint,
    clock,
    dynamodb,
    queues,
    principals,
    seen,
    faults,
    client: {
      endpoint: endpoint.url,
      region: REGION,
      credentials: { accessKeyId: 'AKIAKEYTRAILLOCAL', secretAccessKey: 'any' },
      maxAttempts: 1,
    },
    async close() {
      await endpoint.close()
      await clock.close()
      await queues.close()
      await dynamodb.close()
      state.close()
    },
  }
}

export function temporaryFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'keytrail-local-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
