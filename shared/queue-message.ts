import { type EpochS, epochS } from './time.ts'

const NEVER = 0 as EpochS

/** A message of a queue, as functions read it. */
export type QueueMessage = {
  readonly id: string
  readonly body: string
  /** When the queue got it. */
  readonly sentAt: EpochS
}

/** A message as SQS hands it to a function. */
type SqsRecord = { readonly messageId: string; readonly body: string; readonly attributes: { readonly SentTimestamp: string } }

export function queueMessage({ messageId, body, attributes }: SqsRecord): QueueMessage {
  return { id: messageId, body, sentAt: epochS(Number(attributes.SentTimestamp)) ?? NEVER }
}

/** A message that does not fit, set aside: where it was, and what was wrong with it. Its body is not kept. */
export type ParkedMessage = {
  readonly messageId: string
  readonly sentAt: EpochS
  readonly kind: 'malformed' | 'spoofed'
  readonly reason: string
  readonly body: string
}
