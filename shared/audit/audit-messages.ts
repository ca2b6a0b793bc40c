import { noteFailure } from '../failures.ts'
import { inLanes } from '../findings/batches.ts'
import type { ParkedMessage, QueueMessage } from '../queue-message.ts'
import type { Resource } from '../rules/rule.ts'
import { type Again, againBody, delayBefore } from './again-message.ts'
import { auditOne, type AuditPorts } from './audit-one.ts'
import { type ChangeMessage, type ChangeReader, readChangeMessage } from './change-message.ts'
import { pointedAt, type RelatedPorts } from './related.ts'

export type MessagePorts = RelatedPorts & {
  readonly audit: AuditPorts
  readonly reader: ChangeReader
  park(message: ParkedMessage): Promise<void>
  /** Puts a message into the queue of changes. */
  sendAgain(body: string, delayS: number): Promise<void>
  /** Says that there is something to announce. */
  tell(reason: 'changes'): Promise<void>
  /** Milliseconds until the invocation is ended from outside. */
  remainingMs(): number
}

export type MessagesResult = {
  /** Messages to be delivered again. */
  readonly failed: readonly string[]
  readonly counts: {
    readonly resources: number
    readonly changes: number
    readonly again: number
    readonly other: number
    readonly malformed: number
    readonly spoofed: number
  }
  /** Why something failed, once a reason. */
  readonly failures: readonly Error[]
}

/** No audit begins later than this: the slowest answers of AWS, all tried again, take less. */
const RESERVE_MS = 60_000
const RESOURCES_AT_A_TIME = 8

type Pointed = Again & { readonly messages: readonly string[] }
type Read = { readonly message: QueueMessage; readonly change: ChangeMessage }

/**
 * Judges what a batch of messages points at, each resource once, however many messages point at it. A message fails alone, with those that
 * point at the same resource. May see any message again and again.
 */
export async function auditMessages(messages: readonly QueueMessage[], ports: MessagePorts): Promise<MessagesResult> {
  const failed = new Set<string>()
  const failures = new Map<string, Error>()
  const counts = { resources: 0, changes: 0, again: 0, other: 0, malformed: 0, spoofed: 0 }
  const fail = (ids: readonly string[], error: unknown): void => {
    noteFailure(failures, error)
    for (const id of ids) failed.add(id)
  }
  const attempt = async (ids: readonly string[], run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      fail(ids, error)
    }
  }

  const read = messages.map((message): Read => ({ message, change: readChangeMessage(message.body, ports.reader) }))
  await inLanes(read, RESOURCES_AT_A_TIME, async ({ message, change }) => {
    if (change.kind !== 'malformed' && change.kind !== 'spoofed') return
    counts[change.kind]++
    const { id, body, sentAt } = message
    await attempt([id], () => ports.park({ messageId: id, sentAt, kind: change.kind, reason: change.reason, body }))
  })
  counts.other = read.filter(({ change }) => change.kind === 'other').length

  const pointed = await resourcesIn(read, ports, fail)
  await inLanes(pointed, RESOURCES_AT_A_TIME, async ({ messages: ids, ...again }) => {
    if (ports.remainingMs() < RESERVE_MS) {
      for (const id of ids) failed.add(id)
      return
    }
    await attempt(ids, async () => {
      counts.resources++
      const { kind, changes, errors } = await auditOne(again, ports.audit)
      counts.changes += changes
      if (kind === 'failed') fail(ids, errors[0] ?? new Error('others wrote the findings of a resource all the time'))
      if (kind !== 'again') return
      const attempts = again.attempt + 1
      await ports.sendAgain(againBody({ ...again, attempt: attempts }), delayBefore(attempts))
      counts.again++
    })
  })
  // Whoever is not told finds it in the outbox, a little later.
  if (counts.changes > 0) await attempt([], () => ports.tell('changes'))
  return { failed: [...failed], counts, failures: [...failures.values()] }
}

/** Each resource once, with the messages that point at it. Of several, the one that was tried least is what is known of it. */
async function resourcesIn(
  read: readonly Read[],
  ports: MessagePorts,
  fail: (ids: readonly string[], error: unknown) => void,
): Promise<readonly Pointed[]> {
  const pointed = new Map<string, Pointed>()
  const places = new Map<string, Promise<Resource>>()
  const located: RelatedPorts['located'] = (bucket) => {
    const place = places.get(keyOf(bucket)) ?? ports.located(bucket)
    places.set(keyOf(bucket), place)
    return place
  }
  for (const { message, change } of read) {
    if (change.kind !== 'change') continue
    const { eventId, madeAt, attempt } = change
    // What cannot be found out now is judged when the message comes again.
    const found = await pointedAt(change, ports.audit.rules, { ...ports, located }).catch((error: unknown) => {
      fail([message.id], error)
      return null
    })
    await inLanes(found?.more ?? [], RESOURCES_AT_A_TIME, (resource) =>
      ports.sendAgain(againBody({ resource, eventId, madeAt, attempt }), 0).catch((error: unknown) => fail([message.id], error)),
    )
    for (const resource of found?.resources ?? []) {
      const key = keyOf(resource)
      const known = pointed.get(key)
      const messages = [...new Set([...(known?.messages ?? []), message.id])]
      if (known !== undefined && known.attempt <= attempt) pointed.set(key, { ...known, madeAt: known.madeAt ?? madeAt, messages })
      else pointed.set(key, { resource, eventId, madeAt: madeAt ?? known?.madeAt ?? null, attempt, messages })
    }
  }
  return [...pointed.values()]
}

function keyOf({ kind, accountId, region, arn }: Resource): string {
  return `${kind} ${accountId} ${region} ${arn}`
}
