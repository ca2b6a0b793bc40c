import { type Parsed, parsed, refused } from '../shared/parsed.ts'
import { type FauxqsStores, NO_MESSAGE_BODY, type SqsQueue, SqsStore } from './fauxqs-stores.ts'

/** A message as Lambda's event of it needs it. */
export type QueueMessage = {
  readonly messageId: string
  readonly receiptHandle: string
  readonly body: string
  readonly md5OfBody: string
  readonly sentMs: number
  readonly firstReceivedMs: number
  /** How often it was received, this time included. */
  readonly receiveCount: number
}

export type QueueDepth = { readonly visible: number; readonly inFlight: number; readonly delayed: number }

/** Standard queues without HTTP, for this process. Everything is refused for a queue that does not exist and for FIFO queues. */
export type DirectQueues = {
  /** All or none. Refused if a body is empty, too large for the queue or holds what SQS does not carry. Answers the message IDs. */
  send(queueArn: string, bodies: readonly string[]): Parsed<readonly string[]>
  /** Up to `max` (10,000 at most) messages, in flight from now on; those that were received too often go to the dead-letter queue. */
  receive(queueArn: string, max: number): Parsed<readonly QueueMessage[]>
  /** Deletes what was received. Answers how many of the receipts were still good. */
  remove(queueArn: string, receipts: readonly string[]): Parsed<number>
  /** Makes what was received visible again at once, instead of after the visibility timeout. */
  release(queueArn: string, receipts: readonly string[]): Parsed<null>
  depth(queueArn: string): Parsed<QueueDepth>
  /** Fulfilled when there may be messages, or after `waitMs` (20 seconds at most). */
  wait(queueArn: string, waitMs: number): Promise<Parsed<null>>
}

const RECEIVE_MAX = 10_000
/** SQS's own for one receive, which fauxqs holds to. */
const RECEIVE_AT_ONCE = 10
const WAIT_MS_MAX = 20_000

export function directQueues(stores: FauxqsStores): DirectQueues {
  const { sqsStore, together } = stores

  function on<Value>(queueArn: string, work: (queue: SqsQueue) => Parsed<Value>): Parsed<Value> {
    const queue = sqsStore.getQueueByArn(queueArn)
    if (queue === undefined) return refused('the queue does not exist')
    return queue.isFifo() ? refused('the queue is a FIFO queue') : work(queue)
  }

  return {
    send: (queueArn, bodies) =>
      on(queueArn, (queue) => {
        const bytesMax = Number(queue.attributes['MaximumMessageSize'])
        const delayS = Number(queue.attributes['DelaySeconds'])
        if (bodies.includes('')) return refused('a message is empty')
        if (bodies.some((body) => Buffer.byteLength(body) > bytesMax)) return refused(`a message is larger than ${bytesMax} bytes`)
        if (bodies.some((body) => NO_MESSAGE_BODY.test(body))) return refused('a message holds characters that SQS does not carry')
        const messages = bodies.map((body) => SqsStore.createMessage(body, {}, delayS > 0 ? delayS : undefined))
        together(() => {
          for (const message of messages) queue.enqueue(message)
        })
        return parsed(messages.map(({ messageId }) => messageId))
      }),
    receive: (queueArn, max) =>
      on(queueArn, (queue) => {
        if (!Number.isInteger(max) || max < 1 || max > RECEIVE_MAX) return refused(`1 to ${RECEIVE_MAX} messages can be received`)
        return parsed(together(() => received(queue, max, sqsStore)))
      }),
    remove: (queueArn, receipts) =>
      on(queueArn, (queue) => parsed(together(() => receipts.filter((receipt) => queue.deleteMessage(receipt)).length))),
    release: (queueArn, receipts) =>
      on(queueArn, (queue) => {
        together(() => {
          for (const receipt of receipts) queue.changeVisibility(receipt, 0)
        })
        return parsed(null)
      }),
    depth: (queueArn) =>
      on(queueArn, (queue) => {
        queue.processTimers()
        return parsed({ visible: queue.messages.length, inFlight: queue.inflightMessages.size, delayed: queue.delayedMessages.length })
      }),
    async wait(queueArn, waitMs) {
      const found = on(queueArn, (queue) => parsed(queue))
      if (!found.ok) return found
      const queue = found.value
      queue.processTimers()
      if (queue.messages.length === 0) await queue.waitForMessages(Math.min(Math.max(waitMs, 0), WAIT_MS_MAX) / 1000)
      return parsed(null)
    },
  }
}

function received(queue: SqsQueue, max: number, sqsStore: SqsStore): readonly QueueMessage[] {
  queue.processTimers()
  // fauxqs takes each message off the front of an array, which moves all that stand behind it: in a long queue most of them stand aside.
  const aside = queue.messages.splice(max)
  const messages: QueueMessage[] = []
  while (messages.length < max) {
    const some = queue.dequeue(Math.min(RECEIVE_AT_ONCE, max - messages.length), undefined, (arn) => sqsStore.getQueueByArn(arn))
    if (some.length === 0) break
    for (const { ReceiptHandle } of some) {
      const message = queue.inflightMessages.get(ReceiptHandle)?.message
      if (message !== undefined) messages.push(queueMessage(ReceiptHandle, message))
    }
  }
  queue.messages = queue.messages.concat(aside)
  return messages
}

type SqsMessage = ReturnType<typeof SqsStore.createMessage>

function queueMessage(receiptHandle: string, message: SqsMessage): QueueMessage {
  return {
    messageId: message.messageId,
    receiptHandle,
    body: message.body,
    md5OfBody: message.md5OfBody,
    sentMs: message.sentTimestamp,
    firstReceivedMs: message.approximateFirstReceiveTimestamp ?? message.sentTimestamp,
    receiveCount: message.approximateReceiveCount,
  }
}
