import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isJsonObject } from '../../shared/json.ts'
import { LOCAL_SECRET } from '../clients.ts'
import type { LocalClock } from '../clock.ts'
import type { DirectQueues } from '../direct-queues.ts'
import { controlledFunction, type ControlledFunctions, type ControlledMapping, isReading } from '../lambda/deployed.ts'
import { createFunction, type LocalFunction } from '../lambda/functions.ts'
import { type BatchOutcome, createMapping, type Mapping } from '../lambda/mapping.ts'
import type { Principals } from '../principals.ts'
import { type Made, resolved, type Stack, type StackFunction, type StackResource } from './template.ts'

/** Nobody's calls are counted here, and nobody else makes any: a function need not hold back. */
const NO_QUOTAS = '1000'

export type RunningFunctions = {
  /** By ARN. */
  readonly functions: ReadonlyMap<string, LocalFunction>
  readonly mappings: readonly Mapping[]
  close(): Promise<void>
}

export type FunctionSurroundings = {
  readonly made: ReadonlyMap<string, Made>
  readonly url: string
  /** The same over TLS, and the certificate to trust there, PEM. */
  readonly secure: { readonly endpoint: string; readonly certificate: string }
  readonly region: string
  readonly principals: Principals
  readonly clock: LocalClock
  readonly queues: DirectQueues
  /** Is told of all that starts here, and says what of it may run. */
  readonly controlled: ControlledFunctions
  /** Functions that do nothing: what waits for them in queues stays there. */
  readonly idle?: readonly string[]
  /** A `keytrail.yml` that the functions go by instead of the project's. */
  readonly policy?: Uint8Array
  onLog(functionName: string, line: string): void
  onBatch(functionName: string, batch: BatchOutcome): void
  onFault(error: unknown): void
}

/** Starts the stack's functions and the event source mappings that feed them. */
export function startFunctions(stack: Stack, around: FunctionSurroundings): RunningFunctions {
  const sources = stack.resources
    .filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')
    .map((each) => sourceOf(each, around.made))
  const functions = new Map(
    stack.functions.map((definition, index) => {
      const own = sources.filter(({ functionName }) => functionName === definition.name)
      return startOne(definition, index, { ...around, own })
    }),
  )
  const mappings = sources.flatMap(({ functionName, ...source }) => {
    const target = [...functions.values()].find(({ arn }) => arn.endsWith(`:${functionName}`))
    if (target === undefined) throw new Error(`serverless.yml maps a queue to ${functionName}, which is no function of it`)
    if (around.idle?.includes(functionName) === true) return []
    const mapping = createMapping({
      ...around,
      ...source,
      target,
      isEnabled: () => isReading(around.controlled, source.id),
      onBatch: (batch) => around.onBatch(functionName, batch),
    })
    return [mapping]
  })
  return {
    functions,
    mappings,
    async close() {
      for (const mapping of mappings) await mapping.close()
      for (const each of functions.values()) await each.close()
    },
  }
}

/** An event source mapping as it is deployed. */
type Source = ControlledMapping & { readonly functionName: string; readonly windowMs: number; readonly reportsItemFailures: boolean }

function sourceOf({ logicalId, properties }: StackResource, made: ReadonlyMap<string, Made>): Source {
  const values = resolved(properties, made)
  const {
    EventSourceArn: queueArn,
    FunctionName: functionName,
    BatchSize: batchSize,
    MaximumBatchingWindowInSeconds: windowS,
    FunctionResponseTypes: responseTypes,
  } = isJsonObject(values) ? values : {}
  return {
    id: made.get(logicalId)?.ref ?? logicalId,
    queueArn: String(queueArn),
    functionName: String(functionName),
    isEnabled: true,
    batchSize: Number(batchSize ?? 10),
    windowMs: 1000 * Number(windowS ?? 0),
    reportsItemFailures: Array.isArray(responseTypes) && responseTypes.includes('ReportBatchItemFailures'),
  }
}

type Starting = FunctionSurroundings & { readonly own: readonly ControlledMapping[] }

function startOne(definition: StackFunction, index: number, around: Starting): [string, LocalFunction] {
  const { name, source, roleName, timeoutMs, memoryMb, logicalId } = definition
  const { made, url, secure, region, principals, clock, idle = [] } = around
  const arn = made.get(logicalId)?.attributes?.['Arn'] ?? name
  const accessKeyId = `ASIALOCALFUNCTION${String(index).padStart(3, '0')}`
  principals.register({ accessKeyId, roleName, sessionName: name, startedMs: clock.nowMs() })
  const values = resolved(definition.environment, made)
  const environment = {
    ...Object.fromEntries(Object.entries(isJsonObject(values) ? values : {}).map(([variable, value]) => [variable, String(value)])),
    AWS_ENDPOINT_URL: url,
    // A bucket may refuse plain HTTP.
    AWS_ENDPOINT_URL_S3: secure.endpoint,
    KEYTRAIL_QUOTA_SHARE: NO_QUOTAS,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET,
    AWS_SESSION_TOKEN: 'local',
    // What stands in the home folder of whoever runs this is none of the function's business.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  }
  around.controlled.put({
    name,
    arn,
    code: functionCode(definition),
    memoryMb,
    timeoutMs,
    modifiedMs: clock.nowMs(),
    reservedConcurrency: null,
    mappings: around.own.map(({ id, queueArn, isEnabled, batchSize }) => ({ id, queueArn, isEnabled, batchSize })),
  })
  // What of it does nothing here is deployed all the same.
  if (idle.includes(name)) return [arn, idleFunction(arn, timeoutMs)]
  const started = createFunction({
    name,
    arn,
    source: sourceUrl(source).href,
    environment,
    timeoutMs,
    certificate: secure.certificate,
    ...(around.policy !== undefined && { policy: around.policy }),
    nowMs: () => clock.nowMs(),
    onLog: (line) => around.onLog(name, line),
  })
  return [arn, controlledFunction(started, around.controlled)]
}

/** Of all that a start deploys: what serverless.yml says, and the functions' code. */
export function deploymentDigest(template: string, { functions }: Stack): string {
  const hash = createHash('sha256').update(template)
  for (const each of functions) hash.update(functionCode(each))
  return hash.digest('hex')
}

/** What a function begins with: what stands for its package here, where nothing is bundled. */
function functionCode({ source }: StackFunction): Uint8Array {
  return readFileSync(sourceUrl(source))
}

function sourceUrl(source: string): URL {
  return new URL(`../../${source}`, import.meta.url)
}

function idleFunction(arn: string, timeoutMs: number): LocalFunction {
  return { arn, timeoutMs, invoke: () => Promise.resolve({ kind: 'answer', value: null }), close: () => Promise.resolve() }
}
