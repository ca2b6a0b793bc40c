import type { SQSEvent, SQSRecord } from 'aws-lambda'
import { isJsonObject } from '../../shared/json.ts'
import type { LocalClock } from '../clock.ts'
import type { DirectQueues, QueueMessage } from '../direct-queues.ts'
import type { InvocationOutcome, LocalFunction } from './functions.ts'

/** Brings a queue's messages to a function in batches, as Lambda does. */
export type Mapping = {
  /** Resolves when the queue has nothing visible and nothing runs; batches that wait for their window are sent at once. */
  drain(): Promise<void>
  close(): Promise<void>
}

export type MappingOptions = {
  readonly queueArn: string
  readonly region: string
  readonly queues: DirectQueues
  readonly target: LocalFunction
  readonly clock: LocalClock
  readonly batchSize: number
  readonly windowMs: number
  /** With `ReportBatchItemFailures`; without it Lambda does not look at what the function answers. */
  readonly reportsItemFailures: boolean
  /** While it is not, messages stay in the queue. */
  isEnabled(): boolean
  /** What became of a batch. */
  onBatch(batch: BatchOutcome): void
  onFault(error: unknown): void
}

export type BatchOutcome = { readonly messages: number; readonly failed: number; readonly outcome: InvocationOutcome }

/** A function's event is 6 MB at most. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const EVENT_BYTES_MAX = 6 * 1024 * 1024
/** What a message comes to besides its body, in JSON. */
const RECORD_BYTES = 1024
/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MESSAGE_BYTES_MAX = 1024 * 1024
const BATCHES_MAX = 10_000
const LOOK_MS = 100

export function createMapping(options: MappingOptions): Mapping {
  const { queueArn, queues, clock, batchSize, windowMs, onFault } = options
  const state: { isClosed: boolean; drains: number; windowEndMs: number | null } = { isClosed: false, drains: 0, windowEndMs: null }
  let running: Promise<void> = Promise.resolve()
  let nextLook: NodeJS.Timeout | undefined

  function visible(): number {
    const depth = queues.depth(queueArn)
    return depth.ok ? depth.value.visible : 0
  }

  /** The batching window begins with the first message. It is time of the local clock: whoever moves that need not wait. */
  function isBatchDue(): boolean {
    const waiting = visible()
    if (waiting === 0) {
      state.windowEndMs = null
      return false
    }
    state.windowEndMs ??= clock.nowMs() + windowMs
    return state.drains > 0 || waiting >= batchSize || clock.nowMs() >= state.windowEndMs
  }

  async function look(): Promise<void> {
    // More than that at a time would keep `drain` from ending while messages keep coming.
    for (let batches = 0; batches < BATCHES_MAX && !state.isClosed && options.isEnabled() && isBatchDue(); batches++) {
      state.windowEndMs = null
      await runBatch(options)
    }
  }

  /** Looks after the look under way, and again and again behind the last one that was asked for. */
  function lookOn(): void {
    clearTimeout(nextLook)
    const looked = running.then(look).catch(onFault)
    running = looked
    void looked.finally(() => {
      if (state.isClosed || running !== looked) return
      nextLook = setTimeout(lookOn, LOOK_MS)
      nextLook.unref()
    })
  }

  lookOn()
  return {
    async drain() {
      state.drains++
      try {
        lookOn()
        await running
      } finally {
        state.drains--
      }
    },
    async close() {
      state.isClosed = true
      clearTimeout(nextLook)
      await running
    },
  }
}

async function runBatch(options: MappingOptions): Promise<void> {
  const { queueArn, queues, target, reportsItemFailures, onBatch } = options
  const batch = receiveBatch(options)
  if (batch.length === 0) return
  const event: SQSEvent = { Records: batch.map((message) => sqsRecord(message, options)) }
  const outcome = await target.invoke(event)
  const failed = failedIds(outcome, batch, reportsItemFailures)
  // What failed stays in flight until its visibility timeout is over, as on AWS.
  queues.remove(
    queueArn,
    batch.filter(({ messageId }) => !failed.has(messageId)).map(({ receiptHandle }) => receiptHandle),
  )
  onBatch({ messages: batch.length, failed: failed.size, outcome })
}

/**
 * Ends where the largest message might not fit: one that is received and given back has been received once too often, and a queue of large
 * ones would lose them to its dead-letter queue.
 */
function receiveBatch({ queueArn, queues, batchSize }: MappingOptions): readonly QueueMessage[] {
  const batch: QueueMessage[] = []
  let bytes = 0
  while (batch.length < batchSize) {
    const fitting = Math.floor((EVENT_BYTES_MAX - bytes) / (MESSAGE_BYTES_MAX + RECORD_BYTES))
    if (fitting === 0) break
    const received = queues.receive(queueArn, Math.min(fitting, batchSize - batch.length))
    if (!received.ok) throw new Error(`${queueArn}: ${received.reason}`)
    if (received.value.length === 0) break
    for (const { body } of received.value) bytes += Buffer.byteLength(body) + RECORD_BYTES
    batch.push(...received.value)
  }
  return batch
}

function sqsRecord(message: QueueMessage, { queueArn, region, clock }: MappingOptions): SQSRecord {
  // The queue's times are those of this machine; a function knows the local clock alone.
  const aheadMs = clock.nowMs() - Date.now()
  const localTime = (timeMs: number): string => String(Math.round(timeMs + aheadMs))
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: localTime(message.sentMs),
      SenderId: 'AIDAIT2UOQQY3AUEKVGXU',
      ApproximateFirstReceiveTimestamp: localTime(message.firstReceivedMs),
    },
    messageAttributes: {},
    md5OfBody: message.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  }
}

/**
 * The messages that come again: all if the handler throws. If failures are reported item by item: none if the answer is nothing or says
 * nothing of them, all if it is something else than a list of messages of its batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
function failedIds(outcome: InvocationOutcome, batch: readonly QueueMessage[], reportsItemFailures: boolean): ReadonlySet<string> {
  const ids = new Set(batch.map(({ messageId }) => messageId))
  if (outcome.kind === 'failure') return ids
  if (!reportsItemFailures) return new Set()
  const answer = outcome.value ?? {}
  const failures = isJsonObject(answer) ? (answer['batchItemFailures'] ?? []) : null
  if (!Array.isArray(failures)) return ids
  const named = failures.map((failure: unknown) => (isJsonObject(failure) ? failure['itemIdentifier'] : undefined))
  return named.every((id): id is string => typeof id === 'string' && ids.has(id)) ? new Set(named) : ids
}
