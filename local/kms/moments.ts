import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'

/** Something that time does to a key by itself. */
export type Moment = { readonly keyArn: string; readonly dueMs: number } & (
  | { readonly kind: 'settling' | 'on-demand rotation' | 'automatic rotation' | 'deletion' }
  | { readonly kind: 'expiry'; readonly materialId: string }
)

/** What the keys in the database wait for. */
export type Moments = {
  /** When the next thing is due; null if none is. */
  nextMs(): number | null
  /** What is due at a time, the earliest first. */
  due(timeMs: number, limit: number): readonly Moment[]
  /** While a rotation on demand is in progress; else null. */
  onDemandStartedMs(keyArn: string): number | null
  startOnDemandRotation(keyArn: string, startedMs: number): void
  endOnDemandRotation(keyArn: string): void
  /** When a key leaves Creating or Updating; null: it has. */
  setSettling(keyArn: string, settlesMs: number | null): void
}

/**
 * How long a rotation on demand and the states Creating and Updating last. AWS says "a slight delay" and "a few seconds".
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html and .../API_ReplicateKey.html
 */
export const SETTLING_MS = 1000

/** A key rotates by date only while it is enabled, and with it the replicas of a primary. */
const SOURCES = [
  ["'settling'", 'NULL', 'settles_ms', 'kms_keys WHERE settles_ms IS NOT NULL'],
  ["'on-demand rotation'", 'NULL', `on_demand_started_ms + ${SETTLING_MS}`, 'kms_keys WHERE on_demand_started_ms IS NOT NULL'],
  ["'expiry'", 'material_id', 'expires_ms', 'kms_materials WHERE expires_ms IS NOT NULL'],
  [
    "'automatic rotation'",
    'NULL',
    'next_rotation_ms',
    "kms_keys WHERE next_rotation_ms IS NOT NULL AND state = 'Enabled' AND coalesce(primary_arn, key_arn) = key_arn",
  ],
  ["'deletion'", 'NULL', 'deletion_ms', 'kms_keys WHERE deletion_ms IS NOT NULL'],
] as const

export function momentsIn(db: DatabaseSync): Moments {
  const firsts = SOURCES.map(([, , dueMs, source]) => `SELECT min(${dueMs}) AS due_ms FROM ${source}`)
  const selectNext = db.prepare(`SELECT min(due_ms) AS due_ms FROM (${firsts.join(' UNION ALL ')})`)
  const all = SOURCES.map(
    ([kind, materialId, dueMs, source], order) =>
      `SELECT ${kind} AS kind, ${materialId} AS material_id, key_arn, ${dueMs} AS due_ms, ${order} AS place FROM ${source} AND ${dueMs} <= $timeMs`,
  )
  const selectDue = db.prepare(`${all.join(' UNION ALL ')} ORDER BY due_ms, place, key_arn LIMIT $limit`)
  const selectOnDemand = db.prepare('SELECT on_demand_started_ms FROM kms_keys WHERE key_arn = ?')
  const updateOnDemand = db.prepare('UPDATE kms_keys SET on_demand_started_ms = ? WHERE key_arn = ?')
  const updateSettling = db.prepare('UPDATE kms_keys SET settles_ms = ? WHERE key_arn = ?')

  return {
    nextMs() {
      const dueMs = selectNext.get()?.['due_ms']
      return typeof dueMs === 'number' ? dueMs : null
    },
    due: (timeMs, limit) => selectDue.all({ timeMs, limit }).map(momentOf),
    onDemandStartedMs(keyArn) {
      const startedMs = selectOnDemand.get(keyArn)?.['on_demand_started_ms']
      return typeof startedMs === 'number' ? startedMs : null
    },
    startOnDemandRotation: (keyArn, startedMs) => void updateOnDemand.run(startedMs, keyArn),
    endOnDemandRotation: (keyArn) => void updateOnDemand.run(null, keyArn),
    setSettling: (keyArn, settlesMs) => void updateSettling.run(settlesMs, keyArn),
  }
}

function momentOf(row: Record<string, SQLOutputValue>): Moment {
  return {
    kind: row['kind'],
    keyArn: String(row['key_arn']),
    dueMs: Number(row['due_ms']),
    ...(row['material_id'] !== null && { materialId: row['material_id'] }),
  } as Moment
}
