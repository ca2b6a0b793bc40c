import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type CryptographicEvent, isCryptographicEvent } from '../../shared/usage/operations.ts'
import type { ServiceCall, Trail } from '../service.ts'
import type { Checked, Done } from './outcome.ts'

export type LastUse = {
  readonly operation: CryptographicEvent
  readonly usedMs: number
  /** `eventID` of CloudTrail's record of the call. */
  readonly eventId: string
  readonly requestId: string
}

/** The last successful cryptographic operation with each key: every key of a set of related keys has its own. */
export type LastUses = {
  put(keyArn: string, use: LastUse): void
  find(keyArn: string): LastUse | null
}

export function lastUsesIn(db: DatabaseSync): LastUses {
  const upsert = db.prepare(
    'INSERT OR REPLACE INTO kms_last_uses (key_arn, operation, used_ms, event_id, request_id) VALUES (?, ?, ?, ?, ?)',
  )
  const select = db.prepare('SELECT * FROM kms_last_uses WHERE key_arn = ?')
  return {
    put: (keyArn, { operation, usedMs, eventId, requestId }) => void upsert.run(keyArn, operation, usedMs, eventId, requestId),
    find(keyArn) {
      const row = select.get(keyArn)
      if (row === undefined) return null
      return {
        operation: String(row['operation']) as CryptographicEvent,
        usedMs: Number(row['used_ms']),
        eventId: String(row['event_id']),
        requestId: String(row['request_id']),
      }
    },
  }
}

/**
 * Keeps a successful cryptographic operation as the last use of its keys; the call's record gets the event ID that is kept. Dry runs and
 * failed calls are no uses. https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
export function keepUse(uses: LastUses, call: ServiceCall, outcome: Checked<Done>, trail: Trail | null): Trail | null {
  const { operation, timeMs: usedMs, requestId } = call
  if (!outcome.ok || trail === null || !isCryptographicEvent(operation)) return trail
  const eventId = randomUUID()
  for (const keyArn of outcome.value.resourceArns) uses.put(keyArn, { operation, usedMs, eventId, requestId })
  return { ...trail, eventId }
}
