import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openClock } from '../../local/clock.ts'
import { type DynamoDb, openDynamoDb } from '../../local/dynamodb.ts'
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../local/endpoint.ts'
import type { SeenCall } from '../../local/json-protocol.ts'
import type { LocalClock } from '../../local/clock.ts'
import { ensureCertificate } from '../../local/certificate.ts'
import { type Access, OPEN_ACCESS } from '../../local/iam/access.ts'
import { createKms } from '../../local/kms/service.ts'
import { createS3 } from '../../local/s3/service.ts'
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
  readonly db: DatabaseSync
  /** What the endpoint shows over TLS; null without TLS. */
  readonly certificate: string | null
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

type GroundOptions = {
  readonly folder?: string
  /** Of S3; all may do everything if left out. */
  readonly access?: Access
  readonly isSecure?: boolean
}

/** The ground of the local cloud, as its composition puts it together: KMS, and S3 before fauxqs; in memory without a folder. */
export async function openGround(options: GroundOptions & Partial<EndpointOptions> = {}): Promise<Ground> {
  const { folder, access = OPEN_ACCESS, isSecure = false, ...endpointOptions } = options
  const faults: unknown[] = []
  const seen: SeenCall[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  const state = folder === undefined ? memoryState() : await openState(folder, { fresh: false })
  const clock = openClock({ db: state.db, onFault })
  const dynamodb = await openDynamoDb({ state, clock, accountId: ACCOUNT, region: REGION, onFault })
  const queues = await openQueues({ state, onFault })
  const principals = createPrincipals(ACCOUNT)
  const kms = createKms(state.db, { access })
  const onCall = (call: SeenCall): void => void seen.push(call)
  const room = { nowMs: () => clock.nowMs(), onCall, onFault }
  const certificate = isSecure ? await ensureCertificate(state) : undefined
  const endpoint = await startEndpoint({
    port: 0,
    services: [kms],
    http: { s3: createS3({ db: state.db, store: queues, kms, access, room }) },
    dynamodb,
    queues,
    principals,
    clock,
    onCall,
    onFault,
    ...(certificate !== undefined && { certificate }),
    ...endpointOptions,
  })
  return {
    endpoint,
    clock,
    dynamodb,
    queues,
    principals,
    db: state.db,
    certificate: certificate?.certificate ?? null,
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
