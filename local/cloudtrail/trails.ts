import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { parseSelectors, type Selectors, selects } from './selectors.ts'

/** What CreateTrail and UpdateTrail set. */
export type TrailSettings = {
  readonly s3BucketName: string
  readonly s3KeyPrefix: string | null
  readonly snsTopicName: string | null
  readonly includeGlobalServiceEvents: boolean
  readonly isMultiRegion: boolean
  readonly isOrganization: boolean
  readonly logFileValidation: boolean
  readonly kmsKeyId: string | null
}

export type TrailState = {
  readonly name: string
  readonly arn: string
  readonly homeRegion: string
  readonly accountId: string
  readonly settings: TrailSettings
  readonly selectors: Selectors
  /** Whether PutEventSelectors was ever called. */
  readonly hasCustomSelectors: boolean
  readonly isLogging: boolean
  readonly startedMs: number | null
  readonly stoppedMs: number | null
}

export type Trails = {
  /** Writes a trail over the one of the same ARN. */
  put(trail: TrailState): void
  find(arn: string): TrailState | null
  remove(arn: string): void
  /** All of them, in the order of their ARNs. */
  list(): readonly TrailState[]
  /**
   * Whether CloudTrail brings a record to EventBridge: a trail that logs right now must select it. That events which every trail leaves
   * out do not reach EventBridge is documented nowhere; Keytrail takes the cautious side.
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
   */
  wouldDeliver(record: JsonObject): boolean
}

const SCHEMA = 'CREATE TABLE IF NOT EXISTS cloudtrail_trails (arn TEXT PRIMARY KEY, trail TEXT NOT NULL) STRICT'

export function createTrails(db: DatabaseSync): Trails {
  db.exec(SCHEMA)
  const sql = {
    put: db.prepare('INSERT OR REPLACE INTO cloudtrail_trails VALUES (?, ?)'),
    find: db.prepare('SELECT trail FROM cloudtrail_trails WHERE arn = ?'),
    remove: db.prepare('DELETE FROM cloudtrail_trails WHERE arn = ?'),
    list: db.prepare('SELECT trail FROM cloudtrail_trails ORDER BY arn'),
  }
  const list = (): readonly TrailState[] => sql.list.all().map(({ trail }) => trailOf(String(trail)))
  return {
    put: (trail) => {
      sql.put.run(trail.arn, JSON.stringify(trail))
    },
    find: (arn) => {
      const row = sql.find.get(arn)
      return row === undefined ? null : trailOf(String(row['trail']))
    },
    remove: (arn) => {
      sql.remove.run(arn)
    },
    list,
    wouldDeliver: (record) => list().some((trail) => trail.isLogging && concerns(trail, record) && selects(trail.selectors, record)),
  }
}

/** A trail sees its own account's events, in every Region or in its home Region. */
function concerns(trail: TrailState, record: JsonObject): boolean {
  const isOwn = trail.settings.isOrganization || memberOf(record, 'recipientAccountId') === trail.accountId
  return isOwn && (trail.settings.isMultiRegion || memberOf(record, 'awsRegion') === trail.homeRegion)
}

/** Only `put` writes the table, so the shape is known as soon as the selectors read. */
function trailOf(text: string): TrailState {
  const value: unknown = JSON.parse(text)
  const selectors = isJsonObject(value) ? memberOf(value, 'selectors') : undefined
  const read = isJsonObject(selectors) ? parseSelectors(selectors['EventSelectors'], selectors['AdvancedEventSelectors']) : null
  if (read?.ok !== true) throw new Error('cloudtrail_trails holds no trail: the database was changed by something else')
  return value as TrailState
}
