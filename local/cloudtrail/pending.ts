import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'

export type PendingDelivery = {
  readonly sequence: number
  readonly dueMs: number
  /** How often it failed. */
  readonly failures: number
  readonly eventId: string
  readonly eventName: string
  readonly envelope: JsonObject
}
export type LostDelivery = { readonly eventId: string; readonly eventName: string; readonly reason: string; readonly lostMs: number }

export type Counter = 'accepted' | 'unlogged' | 'duplicates' | 'delivered' | 'lost'

/** Deliveries that wait, those that were lost, and how many of each there were: in the database, so that a restart changes nothing. */
export type Pending = {
  add(delivery: Omit<PendingDelivery, 'sequence' | 'failures'>): void
  /** The first to be delivered by a time, in the order of their times. */
  due(nowMs: number, limit: number): readonly PendingDelivery[]
  /** When the next one is due; null if none waits. */
  nextDueMs(): number | null
  done(delivery: PendingDelivery): void
  retry(delivery: PendingDelivery, dueMs: number): void
  lose(lost: LostDelivery): void
  /** The last ones, newest first. */
  lost(limit: number): readonly LostDelivery[]
  pruneLost(beforeMs: number): void
  count(counter: Counter): void
  counts(): Readonly<Record<Counter | 'pending', number>>
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cloudtrail_pending (
    sequence INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, failures INTEGER NOT NULL, event_id TEXT NOT NULL, event_name TEXT NOT NULL,
    envelope TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS cloudtrail_pending_by_due ON cloudtrail_pending (due_ms, sequence);
  CREATE TABLE IF NOT EXISTS cloudtrail_lost (
    sequence INTEGER PRIMARY KEY, event_id TEXT NOT NULL, event_name TEXT NOT NULL, reason TEXT NOT NULL, lost_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS cloudtrail_counts (name TEXT PRIMARY KEY, total INTEGER NOT NULL) STRICT;
`

export function createPending(db: DatabaseSync): Pending {
  db.exec(SCHEMA)
  const sql = {
    add: db.prepare('INSERT INTO cloudtrail_pending VALUES (NULL, ?, 0, ?, ?, ?)'),
    due: db.prepare('SELECT * FROM cloudtrail_pending WHERE due_ms <= ? ORDER BY due_ms, sequence LIMIT ?'),
    next: db.prepare('SELECT min(due_ms) AS due_ms FROM cloudtrail_pending'),
    done: db.prepare('DELETE FROM cloudtrail_pending WHERE sequence = ?'),
    retry: db.prepare('UPDATE cloudtrail_pending SET due_ms = ?, failures = failures + 1 WHERE sequence = ?'),
    lose: db.prepare('INSERT INTO cloudtrail_lost VALUES (NULL, ?, ?, ?, ?)'),
    lost: db.prepare('SELECT * FROM cloudtrail_lost ORDER BY sequence DESC LIMIT ?'),
    pruneLost: db.prepare('DELETE FROM cloudtrail_lost WHERE lost_ms < ?'),
    count: db.prepare('INSERT INTO cloudtrail_counts VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET total = total + 1'),
    total: db.prepare('SELECT total FROM cloudtrail_counts WHERE name = ?'),
    pending: db.prepare('SELECT count(*) AS total FROM cloudtrail_pending'),
  }
  const total = (counter: Counter): number => Number(sql.total.get(counter)?.['total'] ?? 0)
  return {
    add: ({ dueMs, eventId, eventName, envelope }) => {
      sql.add.run(dueMs, eventId, eventName, JSON.stringify(envelope))
    },
    due: (nowMs, limit) => sql.due.all(nowMs, limit).map(deliveryOf),
    nextDueMs: () => {
      const dueMs = sql.next.get()?.['due_ms'] ?? null
      return dueMs === null ? null : Number(dueMs)
    },
    done: ({ sequence }) => {
      sql.done.run(sequence)
    },
    retry: ({ sequence }, dueMs) => {
      sql.retry.run(dueMs, sequence)
    },
    lose: ({ eventId, eventName, reason, lostMs }) => {
      sql.lose.run(eventId, eventName, reason, lostMs)
    },
    lost: (limit) =>
      sql.lost.all(limit).map((row) => ({
        eventId: String(row['event_id']),
        eventName: String(row['event_name']),
        reason: String(row['reason']),
        lostMs: Number(row['lost_ms']),
      })),
    pruneLost: (beforeMs) => {
      sql.pruneLost.run(beforeMs)
    },
    count: (counter) => {
      sql.count.run(counter)
    },
    counts: () => ({
      accepted: total('accepted'),
      unlogged: total('unlogged'),
      duplicates: total('duplicates'),
      delivered: total('delivered'),
      lost: total('lost'),
      pending: Number(sql.pending.get()?.['total'] ?? 0),
    }),
  }
}

function deliveryOf(row: JsonObject): PendingDelivery {
  const envelope: unknown = JSON.parse(String(row['envelope']))
  if (!isJsonObject(envelope)) throw new Error('cloudtrail_pending holds no event: the database was changed by something else')
  return {
    sequence: Number(row['sequence']),
    dueMs: Number(row['due_ms']),
    failures: Number(row['failures']),
    eventId: String(row['event_id']),
    eventName: String(row['event_name']),
    envelope,
  }
}
