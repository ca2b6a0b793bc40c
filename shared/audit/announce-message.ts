import { isJsonObject, memberOf } from '../json.ts'

/** `changes`: findings changed. `complete`: a sweep is over, and open findings may have to be imported again. */
export type AnnounceReason = 'changes' | 'complete'

const FORMAT = 'keytrail.announce/1'

/** What the queue of announcements is sent: a push, not the news itself, which stand in the outbox. */
export function announceBody(reason: AnnounceReason): string {
  return JSON.stringify({ format: FORMAT, reason })
}

/** Whether a message says that a sweep is over. */
export function tellsOfSweep(body: string): boolean {
  try {
    const message: unknown = JSON.parse(body)
    return isJsonObject(message) && memberOf(message, 'format') === FORMAT && memberOf(message, 'reason') === 'complete'
  } catch {
    return false
  }
}
