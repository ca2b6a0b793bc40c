import type { InvocationOutcome, LocalFunction } from './functions.ts'

/** A function as Lambda's control plane knows it. */
export type ControlledFunction = {
  readonly name: string
  readonly arn: string
  /** Its package: what `CodeSha256` is of. */
  readonly code: Uint8Array
  readonly memoryMb: number
  readonly timeoutMs: number
  readonly modifiedMs: number
  /** Null: none is reserved. */
  readonly reservedConcurrency: number | null
  readonly mappings: readonly ControlledMapping[]
}

/** A queue that Lambda reads for a function. */
export type ControlledMapping = { readonly id: string; readonly queueArn: string; readonly isEnabled: boolean; readonly batchSize: number }

/** The functions that there are: what the control plane tells and changes, and what those that run go by. */
export type ControlledFunctions = {
  all(): readonly ControlledFunction[]
  /** Makes a function, or makes the one of this ARN what it shall be. */
  put(changed: ControlledFunction): void
}

/** As they are deployed with every start: what somebody changed lasts until then, as that of rules and queues does. */
export function createControlledFunctions(): ControlledFunctions {
  const functions = new Map<string, ControlledFunction>()
  return { all: () => [...functions.values()], put: (changed) => void functions.set(changed.arn, changed) }
}

/** Whether Lambda reads a queue for a function: nobody deleted or disabled that. */
export function isReading(functions: ControlledFunctions, mappingId: string): boolean {
  return functions.all().some(({ mappings }) => mappings.some(({ id, isEnabled }) => id === mappingId && isEnabled))
}

/** A function that runs as long as it is the deployed one and may run. */
export function controlledFunction(deployed: LocalFunction, functions: ControlledFunctions): LocalFunction {
  const known = (): ControlledFunction | undefined => functions.all().find(({ arn }) => arn === deployed.arn)
  const code = known()?.code
  const isDeployed = (now: Uint8Array | undefined): boolean =>
    now === code || (now !== undefined && code !== undefined && Buffer.compare(now, code) === 0)
  return {
    ...deployed,
    invoke(event): Promise<InvocationOutcome> {
      const now = known()
      // https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
      if (now?.reservedConcurrency === 0) return refused('TooManyRequestsException: its reserved concurrency is 0')
      if (!isDeployed(now?.code)) return refused('its code was replaced, and the local cloud runs none but that of serverless.yml')
      return deployed.invoke(event)
    },
  }
}

function refused(message: string): Promise<InvocationOutcome> {
  return Promise.resolve({ kind: 'failure', message })
}
