import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { parseEventTime } from '../../shared/time.ts'

/** What LookupEvents can look for. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupAttribute.html */
export const LOOKUP_KEYS = [
  'EventId',
  'EventName',
  'ReadOnly',
  'Username',
  'ResourceType',
  'ResourceName',
  'EventSource',
  'AccessKeyId',
] as const
export type LookupKey = (typeof LOOKUP_KEYS)[number]

/** The event history holds 90 days. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html */
export const HISTORY_S = 90 * 86_400

/** Before this event, in the order of the answers. */
export type Cursor = { readonly eventTimeS: number; readonly sequence: number }
export type LookupQuery = {
  readonly attribute: { readonly key: LookupKey; readonly value: string } | null
  /** Both ends belong to the span. */
  readonly fromS: number
  readonly toS: number
  /** What had not come by then is not seen. */
  readonly visibleMs: number
  readonly before: Cursor | null
  readonly limit: number
}
export type HistoryEvent = { readonly cursor: Cursor; readonly recordText: string }

export type History = {
  /** Keeps a management event; others are left out, as CloudTrail's event history does. `visibleMs`: when LookupEvents first tells it. */
  add(record: JsonObject, visibleMs: number): void
  /** Newest first. */
  lookup(query: LookupQuery): readonly HistoryEvent[]
  /** Forgets what is older than 90 days. */
  prune(nowMs: number): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cloudtrail_events (
    sequence INTEGER PRIMARY KEY, event_time_s INTEGER NOT NULL, visible_ms INTEGER NOT NULL, event_id TEXT NOT NULL UNIQUE,
    event_name TEXT NOT NULL, event_source TEXT NOT NULL, read_only TEXT NOT NULL, username TEXT NOT NULL, access_key_id TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS cloudtrail_events_by_time ON cloudtrail_events (event_time_s DESC, sequence DESC);
  CREATE INDEX IF NOT EXISTS cloudtrail_events_by_name ON cloudtrail_events (event_name, event_time_s DESC, sequence DESC);
  CREATE TABLE IF NOT EXISTS cloudtrail_resources (
    sequence INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (sequence, type, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS cloudtrail_resources_by_name ON cloudtrail_resources (name);
`

const CONDITIONS: Readonly<Record<LookupKey, string>> = {
  EventId: 'event_id = $value',
  EventName: 'event_name = $value',
  ReadOnly: 'read_only = $value',
  Username: 'username = $value',
  EventSource: 'event_source = $value',
  AccessKeyId: 'access_key_id = $value',
  ResourceType: 'sequence IN (SELECT sequence FROM cloudtrail_resources WHERE type = $value)',
  ResourceName: 'sequence IN (SELECT sequence FROM cloudtrail_resources WHERE name = $value)',
}

export function createHistory(db: DatabaseSync): History {
  db.exec(SCHEMA)
  const insert = db.prepare('INSERT OR IGNORE INTO cloudtrail_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const insertResource = db.prepare('INSERT OR IGNORE INTO cloudtrail_resources VALUES (?, ?, ?)')
  const pruneResources = db.prepare(
    'DELETE FROM cloudtrail_resources WHERE sequence IN (SELECT sequence FROM cloudtrail_events WHERE event_time_s < ?)',
  )
  const pruneEvents = db.prepare('DELETE FROM cloudtrail_events WHERE event_time_s < ?')
  return {
    add: (record, visibleMs) => {
      if ((memberOf(record, 'eventCategory') ?? 'Management') !== 'Management') return
      const eventTimeS = parseEventTime(memberOf(record, 'eventTime')) ?? Math.floor(visibleMs / 1000)
      const text = (name: string): string => textOf(record, name) ?? ''
      const { changes, lastInsertRowid } = insert.run(
        eventTimeS,
        visibleMs,
        text('eventID'),
        text('eventName'),
        text('eventSource'),
        String(memberOf(record, 'readOnly') === true),
        usernameOf(record) ?? '',
        accessKeyOf(record) ?? '',
        JSON.stringify(record),
      )
      // A record that is known already keeps the resources it has.
      if (changes === 0) return
      for (const { type, name } of resourcesOf(record)) insertResource.run(lastInsertRowid, type, name)
    },
    lookup: ({ attribute, fromS, toS, visibleMs, before, limit }) => {
      const rows = db
        .prepare(
          `SELECT sequence, event_time_s, record FROM cloudtrail_events
           WHERE event_time_s BETWEEN $fromS AND $toS AND visible_ms <= $visibleMs
             AND (event_time_s, sequence) < ($beforeS, $beforeSequence) ${attribute === null ? '' : `AND ${CONDITIONS[attribute.key]}`}
           ORDER BY event_time_s DESC, sequence DESC LIMIT $limit`,
        )
        .all({
          fromS,
          toS,
          visibleMs,
          beforeS: before?.eventTimeS ?? Number.MAX_SAFE_INTEGER,
          beforeSequence: before?.sequence ?? 0,
          limit,
          ...(attribute !== null && { value: attribute.value }),
        })
      return rows.map((row) => ({
        cursor: { eventTimeS: Number(row['event_time_s']), sequence: Number(row['sequence']) },
        recordText: String(row['record']),
      }))
    },
    prune: (nowMs) => {
      const oldestS = Math.floor(nowMs / 1000) - HISTORY_S
      pruneResources.run(oldestS)
      pruneEvents.run(oldestS)
    },
  }
}

function identityOf(record: JsonObject): JsonObject {
  const identity = memberOf(record, 'userIdentity')
  return isJsonObject(identity) ? identity : {}
}

export function accessKeyOf(record: JsonObject): string | null {
  return textOf(identityOf(record), 'accessKeyId')
}

/** A user's name, the session's name of a role, `root`. */
export function usernameOf(record: JsonObject): string | null {
  const identity = identityOf(record)
  const type = textOf(identity, 'type')
  if (type === 'Root') return 'root'
  if (type === 'AssumedRole') return textOf(identity, 'principalId')?.split(':')[1] ?? null
  return textOf(identity, 'userName')
}

export function resourcesOf(record: JsonObject): readonly { readonly type: string; readonly name: string }[] {
  const resources = memberOf(record, 'resources')
  if (!Array.isArray(resources)) return []
  return resources.filter(isJsonObject).flatMap((resource) => {
    const name = textOf(resource, 'ARN')
    return name === null ? [] : [{ type: textOf(resource, 'type') ?? '', name }]
  })
}
