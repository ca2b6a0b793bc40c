/**
 * `live-handler-child.ts`: counts batches of events in turns with parsing the same bytes; says the milliseconds of each.
 * The environment is that of the function `count-key-usage`, whose store answers at once.
 */
import type { Context, SQSEvent } from 'aws-lambda'
import { type EpochS, HOUR_S } from '../shared/time.ts'
import { countMessages } from '../shared/usage/count-messages.ts'
import { queueMessage } from '../shared/queue-message.ts'
import type { UsageWriter } from '../shared/usage/usage-store.ts'
import { createEventWriter, type Load, usageReader } from './live-events.ts'

export type HandlerFigures = {
  readonly load: Load
  readonly messages: number
  readonly bytes: number
  readonly parseMs: readonly number[]
  /** Without a store. */
  readonly countMs: readonly number[]
  /** As Lambda runs it: with its middleware, the SDK and a table that answers at once. */
  readonly handlerMs: readonly number[]
}

const LOADS: readonly Load[] = [
  { title: 'one key', keys: 1, contextsPerKey: 1, sessionsPerRole: 20 },
  { title: '1,000 keys, one session a role', keys: 1000, contextsPerKey: 1, sessionsPerRole: 1 },
  { title: '1,000 keys, 20 sessions a role', keys: 1000, contextsPerKey: 1, sessionsPerRole: 20 },
  { title: 'every call its own encryption context', keys: 1000, contextsPerKey: null, sessionsPerRole: 20 },
]
const BATCH_BYTES = 6_000_000
/** Each batch is another one: what is remembered of one must be of use in others. */
const BATCHES = 6
const TURNS = 9
const REMAINING_MS = 60_000
const { handler } = await import('../functions/count-key-usage.ts')
/** The hour before this one: away from its edges, so that each event belongs to one hour. */
const nowS = Math.floor(Date.now() / 1000)
const START = nowS - (nowS % HOUR_S) - HOUR_S + 600

const store: UsageWriter = { putSegment: async () => undefined, markHour: async () => undefined, park: async () => undefined }
const ports = { reader: usageReader(nowS as EpochS), store, remainingMs: () => REMAINING_MS, newToken: () => 'a token' }
const context = {
  awsRequestId: 'a0000000-0000-4000-8000-000000000000',
  functionName: 'keytrail-count-key-usage',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:keytrail-count-key-usage',
  memoryLimitInMB: '1024',
  getRemainingTimeInMillis: () => REMAINING_MS,
} as Context

function batchesOf(load: Load): readonly SQSEvent[] {
  const write = createEventWriter(load)
  let call = 0
  return Array.from({ length: BATCHES }, () => {
    const records: { messageId: string; body: string; attributes: { SentTimestamp: string } }[] = []
    for (let bytes = 0; bytes < BATCH_BYTES; call++) {
      const body = write(call, START + (call % 600))
      bytes += body.length
      records.push({ messageId: `message-${call}`, body, attributes: { SentTimestamp: String(nowS * 1000) } })
    }
    // As Lambda's runtime makes them.
    return JSON.parse(JSON.stringify({ Records: records })) as SQSEvent
  })
}

async function timed(batches: readonly SQSEvent[], run: (batch: SQSEvent) => Promise<number> | number): Promise<number> {
  globalThis.gc?.()
  const begun = performance.now()
  for (const batch of batches) if ((await run(batch)) !== batch.Records.length) throw new Error('not all events were counted')
  return performance.now() - begun
}

function parse({ Records }: SQSEvent): number {
  let parsed = 0
  for (const { body } of Records) if (typeof JSON.parse(body) === 'object') parsed++
  return parsed
}

async function count({ Records }: SQSEvent): Promise<number> {
  return (await countMessages(Records.map(queueMessage), ports)).counts.uses
}

async function handle(event: SQSEvent): Promise<number> {
  const { batchItemFailures } = await handler(event, context)
  return event.Records.length - batchItemFailures.length
}

const figures: HandlerFigures[] = []
for (const load of LOADS) {
  const batches = batchesOf(load)
  const bodies = batches.flatMap(({ Records }) => Records.map(({ body }) => body.length))
  const bytes = bodies.reduce((total, length) => total + length, 0)
  const taken = { parseMs: [] as number[], countMs: [] as number[], handlerMs: [] as number[] }
  for (let turn = -1; turn < TURNS; turn++) {
    const [parseMs, countMs, handlerMs] = [await timed(batches, parse), await timed(batches, count), await timed(batches, handle)]
    // The first turn warms up.
    if (turn < 0) continue
    taken.parseMs.push(parseMs)
    taken.countMs.push(countMs)
    taken.handlerMs.push(handlerMs)
  }
  figures.push({ load, messages: bodies.length, bytes, ...taken })
}
process.send?.(figures)
process.disconnect()
