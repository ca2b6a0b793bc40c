import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail'
import { CloudWatchEventsClient } from '@aws-sdk/client-cloudwatch-events'
import { KMSClient } from '@aws-sdk/client-kms'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { setTimeout } from 'node:timers/promises'
import { elapsedMs } from '../../elapsed.ts'
import { type AwsAccess, clientConfig } from '../access.ts'
import { createRate, type Rate } from '../rate.ts'
import { failureOf } from './errors.ts'
import { quotaOf, type PacedService } from './quotas.ts'

/** Clients that keep to a share of the account's quotas, by Region; each is made when it is first needed. */
export type FactClients = {
  kms(region: string): KMSClient
  s3(region: string): S3Client
  cloudTrail(region: string): CloudTrailClient
  events(region: string): CloudWatchEventsClient
  sqs(region: string): SQSClient
  lambda(region: string): LambdaClient
  cloudFormation(region: string): CloudFormationClient
  destroy(): void
}

/** Far more than AWS has, times the services. */
const CLIENTS_MAX = 700

/** The other half is for those whose account it is. */
const OWN_SHARE = 0.5
/** Who reads at the same time, each at a rate of its own: two instances of audit-change (`MaximumConcurrency` of its queue) and the sweep. */
export const READERS_AT_ONCE = 3

type Options = {
  /** How often each call is tried; left out: as often as other clients try. */
  readonly attemptsMax?: number
  /** Of the account's quotas; left out: such that all that read at once keep to half of them. */
  readonly quotaShare?: number
  readonly time?: Time
}
type Time = { elapsedMs(): number; wait(ms: number): Promise<void> }

const OWN_TIME: Time = {
  elapsedMs,
  async wait(ms) {
    await setTimeout(ms)
  },
}

export function createFactClients(
  access: AwsAccess,
  { attemptsMax, quotaShare = OWN_SHARE / READERS_AT_ONCE, time = OWN_TIME }: Options = {},
): FactClients {
  const clients = new Map<string, { destroy(): void }>()
  const rates = new Map<string, Rate>()

  function rateOf(service: PacedService, region: string, operation: string): Rate {
    const { name, perSecond } = quotaOf(service, operation)
    const key = `${service} ${region} ${name}`
    const known = rates.get(key)
    if (known !== undefined) return known
    const rate = createRate({ perSecond: quotaShare * perSecond, elapsedMs: time.elapsedMs })
    rates.set(key, rate)
    return rate
  }

  /** Waits before every try of a call, and takes notice of what is refused as too much. */
  function paced<Client extends Paceable>(service: PacedService, region: string, client: Client): Client {
    const middleware: Middleware =
      (next, { commandName = '' }) =>
      async (args) => {
        const rate = rateOf(service, region, commandName.replace(/Command$/, ''))
        const waitMs = rate.take()
        if (waitMs > 0) await time.wait(waitMs)
        try {
          return await next(args)
        } catch (error) {
          if (error instanceof Error && '$metadata' in error && failureOf(error).kind === 'throttled') rate.throttled()
          throw error
        }
      }
    stackOf(client).add(middleware, { step: 'finalizeRequest', priority: 'low', name: 'keytrailPace' })
    return client
  }

  function clientsOf<Client extends Paceable>(
    service: PacedService,
    make: (config: ReturnType<typeof clientConfig>) => Client,
  ): (region: string) => Client {
    return (region) => {
      const name = `${service} ${region}`
      const known = clients.get(name)
      // What stands under a service's name was made by that service's `make`.
      if (known !== undefined) return known as Client
      if (clients.size >= CLIENTS_MAX) throw new Error(`more than ${CLIENTS_MAX} clients were asked for`)
      const config = clientConfig({ ...access, region })
      const client = paced(service, region, make(attemptsMax === undefined ? config : { ...config, maxAttempts: attemptsMax }))
      clients.set(name, client)
      return client
    }
  }

  return {
    kms: clientsOf('kms', (config) => new KMSClient(config)),
    // An event may name another Region than that of the bucket it is about.
    s3: clientsOf(
      's3',
      (config) => new S3Client({ ...config, followRegionRedirects: true, forcePathStyle: access.endpoint !== undefined }),
    ),
    cloudTrail: clientsOf('cloudTrail', (config) => new CloudTrailClient(config)),
    events: clientsOf('events', (config) => new CloudWatchEventsClient(config)),
    sqs: clientsOf('sqs', (config) => new SQSClient(config)),
    lambda: clientsOf('lambda', (config) => new LambdaClient(config)),
    cloudFormation: clientsOf('cloudFormation', (config) => new CloudFormationClient(config)),
    destroy() {
      for (const client of clients.values()) client.destroy()
      clients.clear()
    },
  }
}

type Paceable = { readonly middlewareStack: object; destroy(): void }
type Next = (args: never) => Promise<never>
type Middleware = (next: Next, context: { readonly commandName?: string }) => Next
type MiddlewareStack = {
  add(middleware: Middleware, options: { readonly step: 'finalizeRequest'; readonly priority: 'low'; readonly name: string }): void
}

/** As much of it as is needed: the SDK's own type of it differs from client to client, by what their operations take. */
function stackOf({ middlewareStack }: Paceable): MiddlewareStack {
  return middlewareStack as MiddlewareStack
}
