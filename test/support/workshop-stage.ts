import { DescribeKeyCommand, ListAliasesCommand, ListGrantsCommand, paginateListKeys } from '@aws-sdk/client-kms'
import { IAMClient, paginateListRoles } from '@aws-sdk/client-iam'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { createClients } from '../../local/clients.ts'
import { type AwsAccess, clientConfig, secureClientConfig } from '../../shared/aws/access.ts'
import { readCaller } from '../../shared/aws/caller.ts'
import { openStage } from '../../shared/aws/workshop/stage-on-aws.ts'
import { epochS } from '../../shared/time.ts'
import { folderFiles } from '../../shared/workshop/folder-files.ts'
import type { WorkshopTime } from '../../shared/workshop/ports.ts'
import type { Stage, WorkshopNews } from '../../shared/workshop/stage.ts'
import { type Folder, temporaryFolder } from './cli.ts'
import { startCloud, type WatchedCloud } from './local-cloud.ts'

type Handle = S3Client['config']['requestHandler']['handle']
/** Stands between the SDK's clients and the wire. */
export type Wire = (handle: Handle) => Handle

export type PlayedStage = AsyncDisposable & { readonly stage: Stage; readonly news: readonly WorkshopNews[] }

export type WorkshopGround = {
  readonly cloud: WatchedCloud
  readonly s3: S3Client
  /** Where the files of all use cases are. */
  readonly files: Folder
  /** A stage as the command line opens it, over the same wire as AWS's. */
  open(useCase: string, changes?: { readonly wire?: Wire; readonly owner?: string }): Promise<PlayedStage>
  /** What there is and does not wait for its deletion: keys, aliases, grants, buckets, roles, files. */
  inventory(): Promise<readonly string[]>
  close(): Promise<void>
}

type CloudOptions = Parameters<typeof startCloud>[0]

/** A local cloud for use cases; its time passes when a stage lets it. */
export async function openWorkshop(cloudOptions: CloudOptions = {}): Promise<WorkshopGround> {
  const cloud = await startCloud(cloudOptions)
  const files = temporaryFolder()
  const base: AwsAccess = {
    endpoint: cloud.url,
    region: cloud.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    secure: cloud.secure,
  }
  const s3 = new S3Client({ ...clientConfig(base), forcePathStyle: true })
  const iam = new IAMClient(clientConfig(base))
  const clients = createClients(cloud)
  const gone = new Set<string>()

  async function standingKeys(): Promise<readonly string[]> {
    const standing: string[] = []
    for await (const { Keys = [] } of paginateListKeys({ client: clients.kms }, {})) {
      for (const { KeyArn = '' } of Keys) {
        if (gone.has(KeyArn)) continue
        const { KeyMetadata: key } = await clients.kms.send(new DescribeKeyCommand({ KeyId: KeyArn }))
        const { Grants = [] } = await clients.kms.send(new ListGrantsCommand({ KeyId: KeyArn }))
        standing.push(...Grants.map(({ GrantId = '' }) => `grant ${GrantId} of ${KeyArn}`))
        if (key?.KeyState !== 'PendingDeletion') standing.push(`key ${KeyArn}`)
        else if (Grants.length === 0) gone.add(KeyArn)
      }
    }
    return standing
  }

  return {
    cloud,
    s3,
    files,
    async open(useCase, { wire, owner } = {}) {
      // A handler of the SDK's own, which reaches both of the endpoint's ways.
      const client = new S3Client(secureClientConfig(base))
      const { requestHandler } = client.config
      const handle: Handle = (request, options) => requestHandler.handle(request, options)
      const access = wire === undefined ? base : { ...base, requestHandler: { handle: wire(handle) } }
      const caller = await readCaller(base)
      const news: WorkshopNews[] = []
      const { stage, close } = await openStage(access, owner === undefined ? caller : { ...caller, arn: owner }, {
        useCase,
        files: folderFiles(`${files.path}/${useCase}`),
        time: timeOf(cloud),
        newId: () => randomUUID().replaceAll('-', ''),
        tell: (one) => void news.push(one),
      })
      return {
        stage,
        news,
        [Symbol.asyncDispose]() {
          close()
          client.destroy()
          return Promise.resolve()
        },
      }
    },
    async inventory() {
      const { Aliases = [] } = await clients.kms.send(new ListAliasesCommand({ Limit: 100 }))
      const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
      const roles: string[] = []
      for await (const { Roles = [] } of paginateListRoles({ client: iam }, {}))
        roles.push(...Roles.map(({ RoleName }) => `role ${RoleName}`))
      const inFolder = existsSync(files.path) ? readdirSync(files.path, { recursive: true, encoding: 'utf8' }) : []
      return [
        ...(await standingKeys()),
        ...Aliases.map(({ AliasName, TargetKeyId }) => `alias ${AliasName} of ${TargetKeyId}`),
        ...Buckets.map(({ Name }) => `bucket ${Name}`),
        ...roles,
        ...inFolder.map((name) => `file ${name}`),
      ].toSorted()
    },
    async close() {
      for (const client of [s3, iam, clients]) client.destroy()
      await cloud.close()
      files[Symbol.dispose]()
    },
  }
}

/** Steps of waiting are longer here than in real life: each is another look at what was counted. */
const STEP_MS_MIN = 30_000

/** The local cloud's clock, moved as the command line moves it. */
function timeOf(cloud: WatchedCloud): WorkshopTime {
  return {
    now() {
      const now = epochS(cloud.clock.nowMs())
      return now === null ? Promise.reject(new Error('the local cloud tells no time')) : Promise.resolve(now)
    },
    async pass(ms) {
      await cloud.clock.advance(Math.max(ms, STEP_MS_MIN))
      await cloud.settle()
    },
  }
}

/** Entries of a use case that are not retired. */
export async function standingEntries({ stage }: Pick<PlayedStage, 'stage'>): Promise<readonly string[]> {
  const entries = await stage.registry.entries(stage.useCase)
  return entries.filter(({ state }) => state !== 'retired').map(({ kind, name }) => `${kind} ${name}`)
}
