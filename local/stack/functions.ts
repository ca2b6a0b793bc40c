import { isJsonObject } from '../../shared/json.ts'
import { LOCAL_SECRET } from '../clients.ts'
import type { LocalClock } from '../clock.ts'
import type { DirectQueues } from '../direct-queues.ts'
import { createFunction, type LocalFunction } from '../lambda/functions.ts'
import { type BatchOutcome, createMapping, type Mapping } from '../lambda/mapping.ts'
import type { Principals } from '../principals.ts'
import { type Made, resolved, type Stack, type StackFunction } from './template.ts'

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
  readonly region: string
  readonly principals: Principals
  readonly clock: LocalClock
  readonly queues: DirectQueues
  /** Functions that do nothing: what waits for them in queues stays there. */
  readonly idle?: readonly string[]
  onLog(functionName: string, line: string): void
  onBatch(functionName: string, batch: BatchOutcome): void
  onFault(error: unknown): void
}

/** Starts the stack's functions and the event source mappings that feed them. */
export function startFunctions(stack: Stack, around: FunctionSurroundings): RunningFunctions {
  const functions = new Map(stack.functions.map((definition, index) => startOne(definition, index, around)))
  const mappings = stack.resources
    .filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')
    .flatMap(({ properties }) => {
      const values = resolved(properties, around.made)
      const {
        EventSourceArn: queueArn,
        FunctionName: name,
        BatchSize: size,
        MaximumBatchingWindowInSeconds: windowS,
        FunctionResponseTypes: responseTypes,
      } = isJsonObject(values) ? values : {}
      const target = [...functions.values()].find(({ arn }) => arn.endsWith(`:${String(name)}`))
      if (target === undefined) throw new Error(`serverless.yml maps a queue to ${String(name)}, which is no function of it`)
      if (around.idle?.includes(String(name)) === true) return []
      const mapping = createMapping({
        ...around,
        queueArn: String(queueArn),
        target,
        batchSize: Number(size ?? 10),
        windowMs: 1000 * Number(windowS ?? 0),
        reportsItemFailures: Array.isArray(responseTypes) && responseTypes.includes('ReportBatchItemFailures'),
        onBatch: (batch) => around.onBatch(String(name), batch),
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

function startOne(definition: StackFunction, index: number, around: FunctionSurroundings): [string, LocalFunction] {
  const { name, source, roleName, timeoutMs, memoryMb, logicalId } = definition
  const { made, url, region, principals, clock, idle = [] } = around
  const arn = made.get(logicalId)?.attributes?.['Arn'] ?? name
  const accessKeyId = `ASIALOCALFUNCTION${String(index).padStart(3, '0')}`
  principals.register({ accessKeyId, roleName, sessionName: name, startedMs: clock.nowMs() })
  const values = resolved(definition.environment, made)
  const environment = {
    ...Object.fromEntries(Object.entries(isJsonObject(values) ? values : {}).map(([variable, value]) => [variable, String(value)])),
    AWS_ENDPOINT_URL: url,
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
  if (idle.includes(name)) return [arn, idleFunction(arn, timeoutMs)]
  const started = createFunction({
    name,
    arn,
    source: new URL(`../../${source}`, import.meta.url).href,
    environment,
    timeoutMs,
    nowMs: () => clock.nowMs(),
    onLog: (line) => around.onLog(name, line),
  })
  return [arn, started]
}

function idleFunction(arn: string, timeoutMs: number): LocalFunction {
  return { arn, timeoutMs, invoke: () => Promise.resolve({ kind: 'answer', value: null }), close: () => Promise.resolve() }
}
