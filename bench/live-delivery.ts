/** How KMS events come to the function that counts them: late, out of order, some of them twice, in the batches of several pollers. */
import { createRandom, logNormalMs } from '../local/cloudtrail/random.ts'
import type { EpochS } from '../shared/time.ts'
import type { QueueMessage } from '../shared/queue-message.ts'
import { createEventWriter, type Load } from './live-events.ts'

export type Arrivals = { readonly load: Load; readonly start: EpochS; readonly calls: number; readonly minutes: number }
/** What happens at a time: a poller hands over a batch, or the roll-ups run. */
export type Happening =
  | { readonly kind: 'batch'; readonly now: EpochS; readonly messages: readonly QueueMessage[] }
  | { readonly kind: 'rollUp'; readonly now: EpochS }

const LAG_MS = { p50: 2 * 60_000, p99: 10 * 60_000 }
const REPEATED_SHARE = 0.05
const POLLERS = 5
const WINDOW_MS = 60_000
const ROLL_UP_MS = 15 * 60_000
/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: 10,000 messages, and 6 MB with what SQS adds to each. */
const MESSAGES_MAX = 10_000
const PAYLOAD_BYTES_MAX = 6_000_000
const SQS_ADDS_BYTES = 500

type Delivery = { readonly call: number; readonly atMs: number }

/** All that happens until the last event was handed over and rolled up, in order. Nobody waits: time is what is said. */
export function* happenings(arrivals: Arrivals): Generator<Happening> {
  const { load, start, calls, minutes } = arrivals
  const writeEvent = createEventWriter(load)
  const timeOf = (call: number): number => start * 1000 + (call * minutes * 60_000) / calls
  const batches = batchesOf(deliveriesOf(calls, timeOf), batchSize(writeEvent(0, start)))
  let rollUpMs = start * 1000 + ROLL_UP_MS
  for (const { atMs, deliveries } of batches) {
    for (; rollUpMs <= atMs; rollUpMs += ROLL_UP_MS) yield { kind: 'rollUp', now: secondOf(rollUpMs) }
    const now = secondOf(atMs)
    const messages = deliveries.map((delivery) => ({
      id: `${delivery.call}`,
      body: writeEvent(delivery.call, secondOf(timeOf(delivery.call))),
      sentAt: secondOf(delivery.atMs),
    }))
    yield { kind: 'batch', now, messages }
  }
  // When the last hour is over.
  yield { kind: 'rollUp', now: secondOf(rollUpMs + 2 * 3_600_000) }
}

function deliveriesOf(calls: number, timeOf: (call: number) => number): readonly (readonly Delivery[])[] {
  const random = createRandom(calls)
  const pollers: Delivery[][] = Array.from({ length: POLLERS }, () => [])
  for (let call = 0; call < calls; call++) {
    for (let times = random() < REPEATED_SHARE ? 2 : 1; times > 0; times--) {
      pollers[Math.floor(random() * POLLERS)]?.push({ call, atMs: timeOf(call) + logNormalMs(random, LAG_MS) })
    }
  }
  return pollers.map((deliveries) => deliveries.toSorted((a, b) => a.atMs - b.atMs))
}

/** A poller's window opens with a message, and closes after its time, or when no more fits. */
function batchesOf(
  pollers: readonly (readonly Delivery[])[],
  size: number,
): readonly { readonly atMs: number; readonly deliveries: readonly Delivery[] }[] {
  const batches: { atMs: number; deliveries: Delivery[] }[] = []
  for (const deliveries of pollers) {
    let open: { atMs: number; deliveries: Delivery[] } | null = null
    for (const delivery of deliveries) {
      if (open === null || delivery.atMs >= open.atMs) batches.push((open = { atMs: delivery.atMs + WINDOW_MS, deliveries: [] }))
      open.deliveries.push(delivery)
      if (open.deliveries.length < size) continue
      open.atMs = delivery.atMs
      open = null
    }
  }
  return batches.toSorted((a, b) => a.atMs - b.atMs)
}

/** Events of a load are about of one size. */
function batchSize(body: string): number {
  return Math.min(MESSAGES_MAX, Math.floor(PAYLOAD_BYTES_MAX / (JSON.stringify(body).length + SQS_ADDS_BYTES)))
}

function secondOf(ms: number): EpochS {
  return Math.floor(ms / 1000) as EpochS
}
