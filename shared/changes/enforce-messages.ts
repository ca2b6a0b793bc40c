import { noteFailure } from '../failures.ts'
import { inLanes } from '../findings/batches.ts'
import { type EnforceRequest, parseEnforceRequest } from '../findings/enforce-request.ts'
import type { ParkedMessage, QueueMessage } from '../queue-message.ts'
import { changeOne, type ChangeOutcome } from './change-one.ts'
import type { ChangePorts } from './change-ports.ts'

export type EnforcePorts = {
  readonly change: ChangePorts
  /** Sets a message aside that asks for nothing. */
  park(message: ParkedMessage): Promise<void>
  /** Says that there is something to announce. */
  tell(reason: 'changes'): Promise<void>
  /** Milliseconds until the invocation is ended from outside. */
  remainingMs(): number
}

export type EnforceResult = {
  /** Messages to be delivered again; the queue sets aside what comes too often. */
  readonly failed: readonly string[]
  /** What became of the requests, each once; `malformed` messages. */
  readonly counts: Readonly<Record<ChangeOutcome['kind'] | 'malformed', number>>
  /** Why something failed, once a reason. */
  readonly failures: readonly Error[]
}

/** No change begins later than this: its reads, its write and the pauses until that is seen take less. */
const RESERVE_MS = 60_000
const RESOURCES_AT_A_TIME = 4

type Asked = { readonly request: EnforceRequest; readonly ids: readonly string[] }

/**
 * Puts right what a batch of messages asks for: each rule and resource once, however many messages name them, and one rule after the other
 * of a resource. A message fails alone, with those that ask for the same. May see any message again and again.
 */
export async function enforceMessages(messages: readonly QueueMessage[], ports: EnforcePorts): Promise<EnforceResult> {
  const failed = new Set<string>()
  const failures = new Map<string, Error>()
  const counts = noneYet()
  const attempt = async (ids: readonly string[], run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      noteFailure(failures, error)
      for (const id of ids) failed.add(id)
    }
  }

  const read = messages.map((message) => ({ message, parsed: parseEnforceRequest(message.body) }))
  for (const { message, parsed } of read) {
    if (parsed.ok) continue
    counts.malformed++
    const { id, body, sentAt } = message
    await attempt([id], () => ports.park({ messageId: id, sentAt, kind: 'malformed', reason: parsed.reason, body }))
  }
  const asked = askedIn(read.flatMap(({ message, parsed }) => (parsed.ok ? [{ request: parsed.value, ids: [message.id] }] : [])))
  await inLanes(asked, RESOURCES_AT_A_TIME, async (ofResource) => {
    for (const { request, ids } of ofResource) {
      if (ports.remainingMs() < RESERVE_MS) {
        for (const id of ids) failed.add(id)
        continue
      }
      await attempt(ids, async () => {
        const { kind } = await changeOne(request, ports.change)
        counts[kind]++
        if (kind === 'busy' || kind === 'later') for (const id of ids) failed.add(id)
      })
    }
  })
  // Whoever is not told finds the notices where they were put, a little later.
  const mayBeTold = counts.done + counts.refused + counts.lost + counts.held + counts.limit + counts['right-already']
  if (mayBeTold > 0) await attempt([], () => ports.tell('changes'))
  return { failed: [...failed], counts, failures: [...failures.values()] }
}

function noneYet(): Record<ChangeOutcome['kind'] | 'malformed', number> {
  return {
    done: 0,
    refused: 0,
    lost: 0,
    'right-already': 0,
    gone: 0,
    held: 0,
    limit: 0,
    stopped: 0,
    'not-enforced': 0,
    busy: 0,
    later: 0,
    malformed: 0,
  }
}

/** By resource, each rule once. */
function askedIn(requests: readonly Asked[]): readonly (readonly Asked[])[] {
  const resources = new Map<string, Map<string, Asked>>()
  for (const { request, ids } of requests) {
    const { kind, accountId, region, arn } = request.resource
    const place = JSON.stringify([kind, accountId, region, arn])
    const rules = resources.get(place) ?? new Map<string, Asked>()
    resources.set(place, rules)
    rules.set(request.ruleId, { request, ids: [...(rules.get(request.ruleId)?.ids ?? []), ...ids] })
  }
  return [...resources.values()].map((rules) => [...rules.values()])
}
