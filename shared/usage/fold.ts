import type { ParkedMessage, QueueMessage } from '../queue-message.ts'
import type { EpochS } from '../time.ts'
import { hoursOf, type Segment, segmentsOf } from './segment.ts'
import { readUsageMessage, type UsageMessage, type UsageMessageReader } from './usage-message.ts'
import { createUseBatchBuilder, type UseBatchBuilder } from './use-batch.ts'

/** What a batch of messages comes to. */
export type Fold = {
  /** By hour; `messages` are those that the hour has uses of. */
  readonly hours: readonly { readonly hour: EpochS; readonly segments: readonly Segment[]; readonly messages: readonly string[] }[]
  readonly parked: readonly ParkedMessage[]
  /** Messages that there was no time for. */
  readonly unreached: readonly string[]
  readonly counts: FoldCounts
}

/** How many messages turned out to be what. */
export type FoldCounts = {
  readonly uses: number
  readonly other: number
  readonly tooOld: number
  readonly malformed: number
  readonly spoofed: number
  readonly unreached: number
}

/** Asking for the time costs more than a message does. */
const MESSAGES_PER_LOOK = 128

/** Folds a batch of messages into segments. `isTimeUp` is asked now and then; what it leaves is told as unreached. */
export function foldMessages(messages: readonly QueueMessage[], reader: UsageMessageReader, isTimeUp: () => boolean): Fold {
  const hours = new Map<EpochS, { readonly builder: UseBatchBuilder; readonly messages: string[] }>()
  const parked: ParkedMessage[] = []
  const counts = { uses: 0, other: 0, tooOld: 0, malformed: 0, spoofed: 0, unreached: 0 }

  function addUses(id: string, { identity, eventTime, uses, contextDigests }: Extract<UsageMessage, { kind: 'uses' }>): void {
    for (const hour of hoursOf(eventTime)) {
      let found = hours.get(hour)
      if (found === undefined) hours.set(hour, (found = { builder: createUseBatchBuilder(), messages: [] }))
      found.builder.add(identity.bytes, identity.start, identity.end, eventTime, uses, contextDigests)
      found.messages.push(id)
    }
  }

  let reached = 0
  for (const { id, body, sentAt } of messages) {
    if (reached % MESSAGES_PER_LOOK === 0 && isTimeUp()) break
    reached++
    const message = readUsageMessage(body, reader)
    counts[message.kind]++
    if (message.kind === 'uses') addUses(id, message)
    else if (message.kind === 'malformed' || message.kind === 'spoofed')
      parked.push({ messageId: id, sentAt, kind: message.kind, reason: message.reason, body })
  }
  const unreached = messages.slice(reached).map(({ id }) => id)
  counts.unreached = unreached.length
  return {
    hours: Array.from(hours, ([hour, { builder, messages: ids }]) => ({ hour, segments: segmentsOf(hour, builder.take()), messages: ids })),
    parked,
    unreached,
    counts,
  }
}
