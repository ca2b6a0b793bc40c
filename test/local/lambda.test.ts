import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { SQSEvent, SQSRecord } from 'aws-lambda'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFunction, type FunctionOptions, type LocalFunction } from '../../local/lambda/functions.ts'
import { type BatchOutcome, createMapping, type MappingOptions } from '../../local/lambda/mapping.ts'
import { openGround, temporaryFolder } from './ground.ts'
import { START_MS } from './service-calls.ts'

/** A busy machine's moments are long. */
const PATIENCE = { timeout: 30_000 }

const HANDLER = `
let calls = 0
export async function handler(event, context) {
  calls++
  switch (event.do) {
    case 'answer': return { calls, event, name: context.functionName, arn: context.invokedFunctionArn }
    case 'memory': return context.memoryLimitInMB
    case 'remaining': return context.getRemainingTimeInMillis() <= 2000 && context.getRemainingTimeInMillis() > 0
    case 'environment': return { ...process.env }
    case 'setEnvironment': process.env.KEYTRAIL_TEST_LEAK = 'leaked'; return null
    case 'log': console.log('out'); console.error('err'); return null
    case 'throw': throw new RangeError('thrown by the handler')
    case 'throwText': throw 'a text'
    case 'never': return new Promise(() => {})
    case 'loop': for (;;) {}
    case 'exit': process.exit(3)
    case 'uncaught': setImmediate(() => { throw new Error('thrown beside the handler') }); return new Promise(() => {})
    case 'noJson': return { why: 1n }
    case 'partlyJson': return { why: () => 'a function is no answer', when: new Date(0) }
    case 'throwLater': setImmediate(() => { throw new Error('thrown later') }); return 'answered'
    case 'exitLater': setImmediate(() => process.exit(0)); return 'answered'
  }
}
`

let place: ReturnType<typeof temporaryFolder>
const started: LocalFunction[] = []

beforeAll(() => {
  place = temporaryFolder()
})

afterAll(async () => {
  for (const each of started) await each.close()
  place.remove()
})

function start(changes: Partial<FunctionOptions> & { readonly code?: string } = {}): LocalFunction & { readonly lines: readonly string[] } {
  const { code = HANDLER, ...options } = changes
  const file = path.join(place.folder, `handler-${started.length}.mjs`)
  writeFileSync(file, code)
  const lines: string[] = []
  const created = createFunction({
    name: 'tried',
    arn: 'arn:aws:lambda:eu-central-1:000000000000:function:tried',
    source: pathToFileURL(file).href,
    environment: { GREETING: 'hello' },
    timeoutMs: 2000,
    nowMs: () => START_MS,
    onLog: (line) => void lines.push(line),
    ...options,
  })
  started.push(created)
  return { ...created, lines }
}

const answer = (value: unknown): unknown => ({ kind: 'answer', value })

describe('a function', () => {
  it('is loaded once, runs one event after the other, and knows who it is', async () => {
    const tried = start()
    const answers = await Promise.all([1, 2, 3].map((n) => tried.invoke({ do: 'answer', n })))
    expect(answers).toEqual(
      [1, 2, 3].map((n) =>
        answer({ calls: n, event: { do: 'answer', n }, name: 'tried', arn: expect.stringMatching(/:tried$/) as unknown }),
      ),
    )
    expect(await tried.invoke({ do: 'remaining' })).toEqual(answer(true))
  })

  it('has its own environment alone, and changes nobody else’s', async () => {
    const tried = start()
    const { KEYTRAIL_CLOCK_OFFSET_MS: offset, ...environment } = (
      (await tried.invoke({ do: 'environment' })) as { value: Record<string, string> }
    ).value
    expect(environment).toEqual({ GREETING: 'hello' })
    expect(Math.abs(START_MS - Date.now() - Number(offset))).toBeLessThan(60_000)
    await tried.invoke({ do: 'setEnvironment' })
    expect(process.env['KEYTRAIL_TEST_LEAK']).toBeUndefined()
    const other = (await start().invoke({ do: 'environment' })) as { value: Record<string, string> }
    expect(Object.keys(other.value).toSorted()).toEqual(['GREETING', 'KEYTRAIL_CLOCK_OFFSET_MS'])
  })

  it('knows its memory from its environment, as on AWS', async () => {
    expect(await start({ environment: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1792' } }).invoke({ do: 'memory' })).toEqual(answer('1792'))
  })

  it('tells what it writes, to either stream', async () => {
    const tried = start()
    await tried.invoke({ do: 'log' })
    await expect.poll(() => tried.lines.toSorted(), PATIENCE).toEqual(['err', 'out'])
  })

  it('answers as much as is JSON', async () => {
    expect(await start().invoke({ do: 'partlyJson' })).toEqual(answer({ when: '1970-01-01T00:00:00.000Z' }))
    expect(await start().invoke({ do: 'setEnvironment' })).toEqual(answer(null))
  })

  const FAILURES: readonly (readonly [does: string, message: string])[] = [
    ['throw', 'RangeError: thrown by the handler'],
    ['throwText', 'a text'],
    ['never', 'timed out after 0.5 seconds'],
    ['loop', 'timed out after 0.5 seconds'],
    ['exit', 'ended with code 3'],
    ['uncaught', 'Error: thrown beside the handler'],
    ['noJson', 'BigInt'],
  ]
  it.each(FAILURES)('that does %s has failed, and runs the next event', async (does, message) => {
    const tried = start({ timeoutMs: 500 })
    const [first, second] = await Promise.all([tried.invoke({ do: does }), tried.invoke({ do: 'answer' })])
    expect(first).toEqual({ kind: 'failure', message: expect.stringContaining(message) as unknown })
    expect(second).toMatchObject({ kind: 'answer' })
  })

  it.each(['throwLater', 'exitLater'])('that does %s, after it has answered, begins anew', async (does) => {
    const tried = start({ timeoutMs: 20_000 })
    expect(await tried.invoke({ do: does })).toEqual(answer('answered'))
    // Whether the thread has ended by now is chance: the event is run by a new one, or fails with the old.
    await expect.poll(() => tried.invoke({ do: 'answer' }), PATIENCE).toMatchObject({ kind: 'answer', value: { calls: 1 } })
  })

  const UNLOADABLE: readonly (readonly [title: string, code: string, message: string])[] = [
    ['throws', "throw new Error('no secret')", 'no secret'],
    ['is no JavaScript', 'export const handler =', 'Unexpected end of input'],
    ['lacks what it imports', "import 'no-such-package'", 'no-such-package'],
    ['has no handler', 'export const other = 1', 'handler is not a function'],
  ]
  it.each(UNLOADABLE)('whose module %s has failed at each event', async (_title, code, message) => {
    const tried = start({ code })
    for (let times = 0; times < 2; times++)
      expect(await tried.invoke({})).toEqual({ kind: 'failure', message: expect.stringContaining(message) as unknown })
  })

  it('loads anew with the next event once what kept it from loading is mended', async () => {
    const tried = start({ code: "throw new Error('not yet')" })
    expect(await tried.invoke({})).toMatchObject({ kind: 'failure' })
    writeFileSync(path.join(place.folder, `handler-${started.length - 1}.mjs`), HANDLER)
    expect(await tried.invoke({ do: 'answer' })).toMatchObject({ kind: 'answer' })
  })
})

const MIB = 1024 * 1024
const ARN = 'arn:aws:sqs:us-east-1:000000000000:work'
const DEAD_ARN = 'arn:aws:sqs:us-east-1:000000000000:dead'

/** A queue that gives up on a message after it was received twice, a function that answers as told, and the mapping between. */
async function map(answerTo: (records: readonly SQSRecord[], batch: number) => unknown, changes: Partial<MappingOptions> = {}) {
  const ground = await openGround()
  const sqs = new SQSClient(ground.client)
  await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }))
  const redrive = JSON.stringify({ deadLetterTargetArn: DEAD_ARN, maxReceiveCount: 2 })
  await sqs.send(new CreateQueueCommand({ QueueName: 'work', Attributes: { VisibilityTimeout: '420', RedrivePolicy: redrive } }))
  sqs.destroy()
  const events: SQSEvent[] = []
  const batches: BatchOutcome[] = []
  const target: LocalFunction = {
    arn: 'arn',
    timeoutMs: 1000,
    async invoke(event) {
      events.push(event as SQSEvent)
      const value = answerTo((event as SQSEvent).Records, events.length)
      return value instanceof Error ? { kind: 'failure', message: value.message } : { kind: 'answer', value }
    },
    close: async () => undefined,
  }
  const mapping = createMapping({
    queueArn: ARN,
    region: 'us-east-1',
    queues: ground.queues,
    target,
    clock: ground.clock,
    batchSize: 10_000,
    windowMs: 60_000,
    reportsItemFailures: true,
    isEnabled: () => true,
    onBatch: (batch) => void batches.push(batch),
    onFault: (error) => expect.fail(String(error)),
    ...changes,
  })
  return {
    events,
    batches,
    mapping,
    clock: ground.clock,
    send: (bodies: readonly string[]) => ground.queues.send(ARN, bodies),
    bodies: () => events.flatMap(({ Records }) => Records.map(({ body }) => body)),
    depths: () => [ARN, DEAD_ARN].map((arn) => ground.queues.depth(arn)).map((depth) => (depth.ok ? depth.value : null)),
    async [Symbol.asyncDispose]() {
      await mapping.close()
      await ground.close()
    },
  }
}

const EMPTY = { visible: 0, inFlight: 0, delayed: 0 }
const texts = (count: number, text = 'message'): readonly string[] => Array.from({ length: count }, (_, n) => `${text} ${n}`)

function failures(records: readonly SQSRecord[], ...numbers: readonly number[]): object {
  return { batchItemFailures: numbers.map((n) => ({ itemIdentifier: records[n]?.messageId })) }
}

describe('an event source mapping', () => {
  it('hands over all of more messages than a batch holds, each received once', async () => {
    await using mapped = await map(() => ({ batchItemFailures: [] }))
    const sent = texts(12_345)
    mapped.send(sent)
    await mapped.mapping.drain()
    expect(mapped.bodies().toSorted()).toEqual(sent.toSorted())
    expect(mapped.events.flatMap(({ Records }) => Records).every(({ attributes }) => attributes.ApproximateReceiveCount === '1')).toBe(true)
    expect(Math.max(...mapped.batches.map(({ messages }) => messages))).toBeLessThanOrEqual(10_000)
    expect(mapped.depths()).toEqual([EMPTY, EMPTY])
  })

  it('cuts batches at 6 MB, and receives no message in vain', async () => {
    await using mapped = await map(() => ({ batchItemFailures: [] }))
    const sent = [...texts(20, 'x'.repeat(MIB - 100)), ...texts(60, 'y'.repeat(250_000)), ...texts(20, 'z')]
    mapped.send(sent)
    await mapped.mapping.drain()
    expect(mapped.bodies().length).toBe(sent.length)
    expect(new Set(mapped.bodies()).size).toBe(sent.length)
    const sizes = mapped.events.map((event) => Buffer.byteLength(JSON.stringify(event)))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6 * MIB)
    expect(mapped.events.length).toBeLessThan(12)
    expect(mapped.depths()).toEqual([EMPTY, EMPTY])
  })

  it('waits for its window by the local clock, or for a whole batch', async () => {
    await using mapped = await map(() => null, { batchSize: 5 })
    mapped.send(texts(4))
    // The window begins when the mapping first sees a message.
    await expect.poll(async () => (await mapped.clock.advance(30_000), mapped.batches.length), PATIENCE).toBe(1)
    mapped.send(texts(5))
    await expect.poll(() => mapped.batches.map(({ messages }) => messages), PATIENCE).toEqual([4, 5])
  })

  const ANSWERS: readonly (readonly [title: string, answerTo: (records: readonly SQSRecord[]) => unknown, failed: number])[] = [
    ['no failures', () => ({ batchItemFailures: [] }), 0],
    ['nothing', () => null, 0],
    ['an empty object', () => ({}), 0],
    ['no list', () => ({ batchItemFailures: null }), 0],
    ['one failure', (records) => failures(records, 1), 1],
    ['one failure twice', (records) => failures(records, 1, 1), 1],
    ['all failures', (records) => failures(records, 0, 1, 2), 3],
    ['a message that is not of the batch', () => ({ batchItemFailures: [{ itemIdentifier: 'other' }] }), 3],
    ['a good one and a bad one', (records) => ({ batchItemFailures: [{ itemIdentifier: records[0]?.messageId }, {}] }), 3],
    ['an empty ID', () => ({ batchItemFailures: [{ itemIdentifier: '' }] }), 3],
    ['another name', (records) => ({ batchItemFailures: [{ itemId: records[0]?.messageId }] }), 3],
    ['a text for a list', () => ({ batchItemFailures: 'none' }), 3],
    ['a text', () => 'done', 3],
    ['an error', () => new Error('thrown'), 3],
  ]
  it.each(ANSWERS)('whose function answers %s', async (_title, answerTo, failed) => {
    await using mapped = await map(answerTo)
    mapped.send(texts(3))
    await mapped.mapping.drain()
    expect(mapped.batches).toMatchObject([{ messages: 3, failed }])
    expect(mapped.depths()).toEqual([{ ...EMPTY, inFlight: failed }, EMPTY])
  })

  const UNREPORTED: readonly (readonly [title: string, answerTo: (records: readonly SQSRecord[]) => unknown, failed: number])[] = [
    ['failures', (records) => failures(records, 0, 1, 2), 0],
    ['a text', () => 'done', 0],
    ['an error', () => new Error('thrown'), 3],
  ]
  it.each(UNREPORTED)('without ReportBatchItemFailures, whose function answers %s', async (_title, answerTo, failed) => {
    await using mapped = await map(answerTo, { reportsItemFailures: false })
    mapped.send(texts(3))
    await mapped.mapping.drain()
    expect(mapped.batches).toMatchObject([{ messages: 3, failed }])
    expect(mapped.depths()).toEqual([{ ...EMPTY, inFlight: failed }, EMPTY])
  })

  it('ends draining, however many ask, though every message fails and more come in', async () => {
    await using mapped = await map((_records, batch) => {
      if (batch < 5) mapped.send(texts(2))
      return new Error('down')
    })
    mapped.send(texts(2))
    await Promise.all([mapped.mapping.drain(), mapped.mapping.drain(), mapped.mapping.drain()])
    expect(mapped.depths()).toEqual([{ ...EMPTY, inFlight: 10 }, EMPTY])
    await mapped.mapping.drain()
    expect(mapped.events).toHaveLength(5)
  })
})
