/** The inside of a function's execution environment: a thread that loads the handler once and runs one event after the other. */
import { setDefaultCACertificates } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'
import type { Invocation, InvocationAnswer, WorkerData } from './messages.ts'

const { source, policy, certificate } = workerData as WorkerData
if (certificate !== undefined) setDefaultCACertificates([certificate])
// Where scripts/bundle.ts puts it: a global to what is not bundled.
if (policy !== undefined) Reflect.set(globalThis, 'KEYTRAIL_POLICY', policy)
// It was for this thread's start.
delete process.env['NODE_COMPILE_CACHE']
const port = parentPort
if (port === null) throw new Error('worker.ts runs in a thread of local/lambda/functions.ts')

type Handler = (event: unknown, context: unknown) => Promise<unknown>
const { handler } = (await import(source)) as { readonly handler: Handler }
port.postMessage({ kind: 'ready' } satisfies InvocationAnswer)

port.on('message', (invocation: Invocation) => {
  process.env['KEYTRAIL_CLOCK_OFFSET_MS'] = String(invocation.clockOffsetMs)
  void run(invocation).then((answer) => port.postMessage(answer))
})

async function run({ event, requestId, functionName, functionArn, timeoutMs }: Invocation): Promise<InvocationAnswer> {
  const endsAt = performance.now() + timeoutMs
  const context = {
    awsRequestId: requestId,
    functionName,
    invokedFunctionArn: functionArn,
    functionVersion: '$LATEST',
    memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(endsAt - performance.now())),
  }
  try {
    const value = await handler(event, context)
    // What is no JSON does not leave the function.
    return { kind: 'answer', value: JSON.parse(JSON.stringify(value ?? null)) as unknown }
  } catch (error) {
    return { kind: 'failure', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}
