import { CreateTrailCommand, DescribeTrailsCommand, StartLoggingCommand } from '@aws-sdk/client-cloudtrail'
import { existsSync, readFileSync } from 'node:fs'
import { parseAccountId } from '../shared/arn.ts'
import type { JsonObject } from '../shared/json.ts'
import { KMS_EVENT_SOURCE } from '../shared/usage/operations.ts'
import { ensureCertificate } from './certificate.ts'
import { createClients, type Clients } from './clients.ts'
import { type LocalClock, openClock } from './clock.ts'
import { createDelivery, type Delivery, type DeliveryOptions } from './cloudtrail/delivery.ts'
import { createRandom } from './cloudtrail/random.ts'
import { recordsOfCall } from './cloudtrail/record.ts'
import { recordOfServiceEvent } from './cloudtrail/service-event.ts'
import { createCloudTrail } from './cloudtrail/service.ts'
import { createCloudFormation } from './cloudformation.ts'
import { createCloudWatch } from './cloudwatch/service.ts'
import { openDynamoDb } from './dynamodb.ts'
import { ensurePortFree, startEndpoint } from './endpoint.ts'
import { createBus, type EventBus, type RuleOutcome } from './events/bus.ts'
import { createEventBridge } from './events/service.ts'
import type { LostEvent } from './events/target-delivery.ts'
import { createIdentityServices } from './iam/identity-services.ts'
import type { SeenCall } from './json-protocol.ts'
import { createKms } from './kms/service.ts'
import { createLambdaControl } from './lambda-control.ts'
import { createControlledFunctions } from './lambda/deployed.ts'
import type { InvocationOutcome, LocalFunction } from './lambda/functions.ts'
import type { BatchOutcome, Mapping } from './lambda/mapping.ts'
import { type Mail, mailboxIn, mailControl } from './mail/mailbox.ts'
import { topicMail } from './mail/topic-mail.ts'
import { openQueues } from './queues.ts'
import { createS3 } from './s3/service.ts'
import { createSageMaker } from './sagemaker/service.ts'
import { createSecretsManager } from './secrets.ts'
import { createSecurityHub } from './security-hub/service.ts'
import { runSchedules } from './schedules.ts'
import { deploymentDigest, startFunctions } from './stack/functions.ts'
import { provision } from './stack/provision.ts'
import { type Made, parseStack } from './stack/template.ts'
import { memoryState, openState } from './state.ts'
import { createTargets } from './targets.ts'

/** fauxqs knows no other account. */
export const LOCAL_ACCOUNT_ID = '000000000000'
const ACCOUNT = parseAccountId(LOCAL_ACCOUNT_ID)
const REGION = 'eu-central-1'
const TRAIL = 'keytrail'

export type LocalCloud = {
  /** Where the SDK finds it: `http://127.0.0.1:<port>`. */
  readonly url: string
  /** The same port over TLS, for who trusts the certificate (PEM); with a folder it stands there as `certificate.pem`. */
  readonly secure: { readonly endpoint: string; readonly certificate: string }
  readonly region: string
  readonly accountId: string
  readonly clock: LocalClock
  readonly clients: Clients
  /** What the stack's logical IDs stand for. */
  readonly made: ReadonlyMap<string, Made>
  readonly delivery: Delivery
  /** Brings an event to the bus as AWS's own services and forwarding rules do: `PutEvents` refuses their sources. */
  publish(envelope: JsonObject): Promise<readonly RuleOutcome[]>
  /** What SNS would have sent by e-mail, newest first. */
  mail(): readonly Mail[]
  /** Resolves when no event is due and no message waits to be handled. */
  settle(): Promise<void>
  /** Moves the clock forward; what schedules are due for meanwhile runs once, at the end. */
  skip(ms: number): Promise<void>
  close(): Promise<void>
}

export type LocalCloudOptions = {
  /** Null: all is kept in memory. */
  readonly folder: string | null
  readonly fresh: boolean
  /** 0 takes a free one. */
  readonly port: number
  /** Where the clock of a fresh cloud starts; the real time if left out. */
  readonly startMs?: number
  readonly delivery: DeliveryOptions
  readonly seed: number
  /** Of the stack, instead of their defaults. */
  readonly parameters: Readonly<Record<string, string>>
  /** Functions of the stack, by name, that do nothing: what waits for them in queues stays there. */
  readonly idle?: readonly string[]
  /** A `keytrail.yml` that the functions go by instead of the project's. */
  readonly policy?: Uint8Array
  /** A line that a function wrote. */
  onLog(functionName: string, line: string): void
  onBatch(functionName: string, batch: BatchOutcome): void
  onInvocation(functionName: string, outcome: InvocationOutcome): void
  /** What became of an event that came to the bus. */
  onPublished?(envelope: JsonObject, outcomes: readonly RuleOutcome[]): void
  onLost(lost: LostEvent): void
  onFault(error: unknown): void
}

/** Starts the local cloud with Keytrail's own stack in it. @throws `FolderInUse`, `StateUnreadable`, and if the port is taken */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { onFault } = options
  if (ACCOUNT === null) throw new Error('no account')
  // A start that is refused leaves no folder behind that was not there.
  if (options.folder !== null && !existsSync(options.folder)) await ensurePortFree(options.port)
  await using stack = new AsyncDisposableStack()
  const state = options.folder === null ? memoryState() : await openState(options.folder, { fresh: options.fresh })
  stack.defer(() => state.close())
  const { db } = state
  const clock = openClock({ db, onFault, ...(options.startMs === undefined ? {} : { startMs: options.startMs }) })
  const dynamodb = await openDynamoDb({ state, clock, accountId: ACCOUNT, region: REGION, onFault })
  stack.defer(() => dynamodb.close())
  const queues = await openQueues({ state, onFault })
  stack.defer(() => queues.close())
  // What the clock runs needs all of the above.
  stack.defer(() => clock.close())

  const functions = new Map<string, LocalFunction>()
  const late: { clients?: Clients } = {}
  const clientsOf = (): Clients => {
    if (late.clients === undefined) throw new Error('the local cloud is not up yet')
    return late.clients
  }
  const deliver = createTargets({
    queues,
    sqs: () => clientsOf().sqs,
    functions,
    onInvocation: (arn, outcome) => options.onInvocation(arn.split(':').at(-1) ?? arn, outcome),
  })
  const rules = createBus({ db, deliver, onLost: options.onLost })
  const publish: EventBus['publish'] = async (envelope, region) => {
    const outcomes = await rules.publish(envelope, region)
    options.onPublished?.(envelope, outcomes)
    return outcomes
  }
  const bus: EventBus = { ...rules, publish }
  const delivery = createDelivery({ db, clock, random: createRandom(options.seed), publish, onFault, options: options.delivery })
  stack.defer(() => delivery.stop())
  const identity = createIdentityServices({ db, accountId: ACCOUNT, nowMs: () => clock.nowMs() })
  const { access, principals } = identity
  const kms = createKms(db, { access, clock, onServiceEvent: (event) => delivery.accept(recordOfServiceEvent(event, KMS_EVENT_SOURCE)) })
  const secrets = createSecretsManager(db)
  let settleAll = (): Promise<void> => delivery.settle()
  const certificate = await ensureCertificate(state)
  const cloudWatch = createCloudWatch({ db })
  const onCall = (seen: SeenCall): void => {
    for (const record of recordsOfCall({ ...seen, eventSource: seen.service.eventSource })) delivery.accept(record)
    cloudWatch.see(seen)
  }
  const room = { nowMs: () => clock.nowMs(), onCall, onFault }
  const cloudFormation = createCloudFormation({ db, accountId: ACCOUNT, room })
  const controlled = createControlledFunctions()
  const mailbox = mailboxIn(db)
  const endpoint = await startEndpoint({
    port: options.port,
    certificate,
    http: {
      ...identity.http(room),
      cloudformation: cloudFormation,
      lambda: createLambdaControl({ functions: controlled, room }),
      s3: createS3({ db, store: queues, kms, access, room }),
      securityhub: createSecurityHub({ db, room }),
      sns: topicMail({ topics: queues, mailbox, nowMs: room.nowMs }),
    },
    services: [createEventBridge({ db, bus }), createCloudTrail({ db }), kms, secrets, cloudWatch, createSageMaker({ db })],
    dynamodb,
    queues,
    principals,
    clock,
    onCall,
    onFault,
    control: {
      // For who moves the clock and wants to see what came of it.
      'POST /settle': async () => ({ status: 200, body: { settled: await settleAll().then(() => true) } }),
      ...mailControl(mailbox),
    },
  })
  stack.defer(() => endpoint.close())
  const { url, secureUrl } = endpoint
  const secure = { endpoint: secureUrl, certificate: certificate.certificate }
  const clients = createClients({ url, region: REGION })
  late.clients = clients
  stack.defer(() => clients.destroy())

  await ensureTrail(clients)
  const template = readFileSync(new URL('../serverless.yml', import.meta.url), 'utf8')
  const description = parseStack(template)
  const made = await provision(description, {
    accountId: ACCOUNT,
    region: REGION,
    stackId: cloudFormation.stackId(REGION, clock.nowMs()),
    parameters: options.parameters,
    ...clients,
    ensureRole: identity.ensureRole,
    ensureSecret: (name, length) => secrets.ensureSecret(name, { length, region: REGION, accountId: ACCOUNT ?? '', timeMs: clock.nowMs() }),
  })
  cloudFormation.tell({ description, made, region: REGION, digest: deploymentDigest(template, description) }, clock.nowMs())
  const started = startFunctions(description, { made, url, secure, region: REGION, principals, clock, queues, controlled, ...options })
  for (const [arn, each] of started.functions) functions.set(arn, each)
  stack.defer(() => started.close())
  settleAll = () => settle(delivery, started.mappings)
  const schedules = runSchedules({ bus, clock, onFault })
  stack.defer(() => schedules.stop())

  const resources = stack.move()
  return {
    url,
    secure,
    region: REGION,
    accountId: ACCOUNT,
    clock,
    clients,
    made,
    delivery,
    publish: (envelope) => publish(envelope, REGION),
    mail: () => mailbox.contents().mails,
    settle: () => settleAll(),
    skip: (ms) => schedules.rest(() => clock.advance(ms)),
    close: () => resources.disposeAsync(),
  }
}

/** Without a trail CloudTrail brings nothing to EventBridge. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html */
async function ensureTrail({ cloudTrail }: Clients): Promise<void> {
  const { trailList = [] } = await cloudTrail.send(new DescribeTrailsCommand({}))
  if (trailList.some(({ Name }) => Name === TRAIL)) return
  await cloudTrail.send(new CreateTrailCommand({ Name: TRAIL, S3BucketName: `${TRAIL}-trail` }))
  await cloudTrail.send(new StartLoggingCommand({ Name: TRAIL }))
}

async function settle(delivery: Delivery, mappings: readonly Mapping[]): Promise<void> {
  await delivery.settle()
  for (const mapping of mappings) await mapping.drain()
}
