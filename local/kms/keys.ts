import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { type KeyMaterial, newKeyMaterial } from './ciphertext.ts'
import type { Place } from './key-names.ts'
import { atomically } from './tables.ts'

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** A KMS key as it stands. Times are milliseconds since 1970. */
export type Key = {
  readonly keyArn: string
  readonly keyId: string
  readonly description: string
  readonly multiRegion: boolean
  readonly state: KeyState
  readonly policy: string
  readonly createdMs: number
  /** While the state is PendingDeletion. */
  readonly deletionMs: number | null
  /** While automatic rotation is on, also during PendingDeletion. */
  readonly rotation: Rotation | null
  /** The current key material. */
  readonly materialId: string
}

export type Rotation = { readonly periodDays: number; readonly nextMs: number }

export type NewKey = Pick<Key, 'keyArn' | 'keyId' | 'description' | 'multiRegion' | 'policy' | 'createdMs'>

export const DAY_MS = 86_400_000

/** The KMS keys in the database. An unknown ARN changes nothing. */
export type Keys = {
  create(key: NewKey, place: Place): Key
  find(keyArn: string): Key | null
  wasDeleted(keyArn: string): boolean
  /** In the order of key IDs, from the first past `after`. */
  page(place: Place, after: string, limit: number): readonly Key[]
  count(place: Place): number
  material(keyArn: string, materialId: string): KeyMaterial | null
  setState(keyArn: string, state: KeyState, deletionMs: number | null): void
  setRotation(keyArn: string, rotation: Rotation | null): void
  setPolicy(keyArn: string, policy: string): void
  /** Does what time does: deletes keys whose waiting period is over, and rotates those whose date has come. */
  passTime(timeMs: number): void
}

type Row = Record<string, SQLOutputValue>

export function keysIn(db: DatabaseSync): Keys {
  const insertKey = db.prepare(`
    INSERT INTO kms_keys (key_arn, key_id, account_id, region, description, multi_region, state, policy, created_ms, material_id)
    VALUES (?, ?, ?, ?, ?, ?, 'Enabled', ?, ?, ?)`)
  const insertMaterial = db.prepare('INSERT INTO kms_materials (key_arn, material_id, secret) VALUES (?, ?, ?)')
  const selectKey = db.prepare('SELECT * FROM kms_keys WHERE key_arn = ?')
  const selectDeleted = db.prepare('SELECT 1 FROM kms_deleted_keys WHERE key_arn = ?')
  const selectPage = db.prepare('SELECT * FROM kms_keys WHERE account_id = ? AND region = ? AND key_id > ? ORDER BY key_id LIMIT ?')
  const selectCount = db.prepare('SELECT count(*) AS keys FROM kms_keys WHERE account_id = ? AND region = ?')
  const selectMaterial = db.prepare('SELECT secret FROM kms_materials WHERE key_arn = ? AND material_id = ?')
  const updateState = db.prepare('UPDATE kms_keys SET state = ?, deletion_ms = ? WHERE key_arn = ?')
  const updateRotation = db.prepare('UPDATE kms_keys SET rotation_period_days = ?, next_rotation_ms = ? WHERE key_arn = ?')
  const updatePolicy = db.prepare('UPDATE kms_keys SET policy = ? WHERE key_arn = ?')
  const updateMaterial = db.prepare('UPDATE kms_keys SET material_id = ?, next_rotation_ms = ? WHERE key_arn = ?')
  const selectExpired = db.prepare('SELECT key_arn FROM kms_keys WHERE deletion_ms <= ?')
  const selectDue = db.prepare("SELECT * FROM kms_keys WHERE state = 'Enabled' AND next_rotation_ms <= ?")
  const insertDeleted = db.prepare('INSERT INTO kms_deleted_keys (key_arn) VALUES (?)')
  const removals = ['kms_keys', 'kms_materials', 'kms_tags', 'kms_aliases'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE key_arn = ?`),
  )

  function addMaterial(keyArn: string): string {
    const { materialId, secret } = newKeyMaterial()
    insertMaterial.run(keyArn, materialId, secret)
    return materialId
  }

  function remove(keyArn: string): void {
    insertDeleted.run(keyArn)
    for (const removal of removals) removal.run(keyArn)
  }

  /** A key that slept through several dates rotates once: nobody used what would have been between. */
  function rotate({ keyArn, rotation }: Key, timeMs: number): void {
    if (rotation === null) return
    const periodMs = rotation.periodDays * DAY_MS
    const nextMs = rotation.nextMs + periodMs * (1 + Math.floor((timeMs - rotation.nextMs) / periodMs))
    updateMaterial.run(addMaterial(keyArn), nextMs, keyArn)
  }

  return {
    create(key, { accountId, region }) {
      return atomically(db, () => {
        const materialId = addMaterial(key.keyArn)
        const { keyArn, keyId, description, multiRegion, policy, createdMs } = key
        insertKey.run(keyArn, keyId, accountId, region, description, Number(multiRegion), policy, createdMs, materialId)
        return { ...key, state: 'Enabled', deletionMs: null, rotation: null, materialId }
      })
    },
    find(keyArn) {
      const row = selectKey.get(keyArn)
      return row === undefined ? null : keyOf(row)
    },
    wasDeleted: (keyArn) => selectDeleted.get(keyArn) !== undefined,
    page: ({ accountId, region }, after, limit) => selectPage.all(accountId, region, after, limit).map(keyOf),
    count: ({ accountId, region }) => Number(selectCount.get(accountId, region)?.['keys']),
    material(keyArn, materialId) {
      const secret = selectMaterial.get(keyArn, materialId)?.['secret']
      return secret instanceof Uint8Array ? { materialId, secret } : null
    },
    setState: (keyArn, state, deletionMs) => void updateState.run(state, deletionMs, keyArn),
    setRotation: (keyArn, rotation) => void updateRotation.run(rotation?.periodDays ?? null, rotation?.nextMs ?? null, keyArn),
    setPolicy: (keyArn, policy) => void updatePolicy.run(policy, keyArn),
    passTime(timeMs) {
      const expired = selectExpired.all(timeMs).map((row) => String(row['key_arn']))
      const due = selectDue.all(timeMs).map(keyOf)
      if (expired.length + due.length === 0) return
      atomically(db, () => {
        for (const keyArn of expired) remove(keyArn)
        for (const key of due) rotate(key, timeMs)
      })
    },
  }
}

function keyOf(row: Row): Key {
  const periodDays = numberOf(row['rotation_period_days'])
  const nextMs = numberOf(row['next_rotation_ms'])
  return {
    keyArn: String(row['key_arn']),
    keyId: String(row['key_id']),
    description: String(row['description']),
    multiRegion: row['multi_region'] === 1,
    state: row['state'] as KeyState,
    policy: String(row['policy']),
    createdMs: Number(row['created_ms']),
    deletionMs: numberOf(row['deletion_ms']),
    rotation: periodDays === null || nextMs === null ? null : { periodDays, nextMs },
    materialId: String(row['material_id']),
  }
}

function numberOf(value: SQLOutputValue | undefined): number | null {
  return typeof value === 'number' ? value : null
}
