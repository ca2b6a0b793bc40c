import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createControlledFunctions } from '../../local/lambda/deployed.ts'
import type { BatchOutcome } from '../../local/lambda/mapping.ts'
import { startFunctions } from '../../local/stack/functions.ts'
import { parseStack, type Stack } from '../../local/stack/template.ts'
import { type Ground, openGround, temporaryFolder } from './ground.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const ARN = 'arn:aws:sqs:us-east-1:000000000000:work'
/** Says how much memory it has, and that each message failed. */
const HANDLER = `
export async function handler({ Records }, context) {
  console.log(context.memoryLimitInMB, process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE)
  return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) }
}
`

let place: ReturnType<typeof temporaryFolder>
let ground: Ground

beforeEach(async () => {
  place = temporaryFolder()
  ground = await openGround({ isSecure: true })
})

afterEach(async () => {
  await ground.close()
  place.remove()
})

function stackOf(memorySize: string, mapping: string): Stack {
  const stack = parseStack(`
functions:
  work: { name: work, handler: dist/work/index.handler, timeout: 20${memorySize} }
resources:
  Resources:
    Mapping:
      Type: AWS::Lambda::EventSourceMapping
      Properties: { EventSourceArn: '${ARN}', FunctionName: { Ref: WorkLambdaFunction }, BatchSize: 10${mapping} }
`)
  const file = path.join(place.folder, 'work.mjs')
  writeFileSync(file, HANDLER)
  return { ...stack, functions: stack.functions.map((each) => ({ ...each, source: path.relative(ROOT, file) })) }
}

const RESPONSES: readonly (readonly [mapping: string, failed: number])[] = [
  ['', 0],
  [', FunctionResponseTypes: []', 0],
  [', FunctionResponseTypes: [ReportBatchItemFailures]', 2],
]
it.each(RESPONSES)('a mapping of a stack%s has %i of 2 messages come again that the function says failed', async (mapping, failed) => {
  const sqs = new SQSClient(ground.client)
  await sqs.send(new CreateQueueCommand({ QueueName: 'work' }))
  sqs.destroy()
  const batches: BatchOutcome[] = []
  const lines: string[] = []
  const started = startFunctions(stackOf(', memorySize: 1792', mapping), {
    made: new Map([['WorkLambdaFunction', { ref: 'work', attributes: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:work' } }]]),
    url: ground.endpoint.url,
    secure: { endpoint: ground.endpoint.secureUrl, certificate: ground.certificate ?? '' },
    region: 'us-east-1',
    principals: ground.principals,
    clock: ground.clock,
    queues: ground.queues,
    controlled: createControlledFunctions(),
    onLog: (_name, line) => void lines.push(line),
    onBatch: (_name, batch) => void batches.push(batch),
    onFault: (error) => expect.fail(String(error)),
  })
  ground.queues.send(ARN, ['one', 'two'])
  for (const each of started.mappings) await each.drain()
  await expect.poll(() => lines, { timeout: 30_000 }).not.toEqual([])
  await started.close()
  expect(batches.reduce((sum, batch) => sum + batch.failed, 0)).toBe(failed)
  expect(batches.every(({ outcome }) => outcome.kind === 'answer')).toBe(true)
  expect(ground.queues.depth(ARN)).toEqual({ ok: true, value: { visible: 0, inFlight: failed, delayed: 0 } })
  expect(new Set(lines)).toEqual(new Set(['1792 1792']))
})

it('a function has the memory that serverless.yml gives it, and must have one there', () => {
  const { functions } = parseStack(readFileSync(path.join(ROOT, 'serverless.yml'), 'utf8'))
  expect(functions.slice(0, 2).map(({ name, memoryMb }) => [name, memoryMb])).toEqual([
    ['keytrail-count-key-usage', 1024],
    ['keytrail-roll-up-usage', 1792],
  ])
  expect(functions.every(({ memoryMb }) => memoryMb >= 512)).toBe(true)
  expect(() => stackOf('', '')).toThrow('the function work lacks handler, timeout or memorySize')
})
