import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { newMaterialId } from './ciphertext.ts'
import type { Place } from './key-names.ts'
import { newSecret } from './key-secrets.ts'
import type { KeyKind, KeyOrigin, KeySpec, KeyUsage } from './key-specs.ts'
import { type Materials, materialsIn, type RotationType } from './materials.ts'
import { atomically } from './tables.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
export const KEY_STATES = [
  'Creating',
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingImport',
  'PendingReplicaDeletion',
  'Unavailable',
  'Updating',
] as const
export type KeyState = (typeof KEY_STATES)[number]

/** The part of a key among its related keys, which have its key ID in other Regions. */
export type MultiRegion = { readonly role: 'PRIMARY' | 'REPLICA'; readonly primaryArn: string }

/** A KMS key as it stands. Times are milliseconds since 1970. */
export type Key = KeyKind & {
  readonly keyArn: string
  readonly keyId: string
  readonly region: string
  readonly description: string
  readonly multiRegion: MultiRegion | null
  readonly state: KeyState
  readonly policy: string
  readonly createdMs: number
  /** While the state is PendingDeletion. */
  readonly deletionMs: number | null
  /** While the state is PendingReplicaDeletion: how long PendingDeletion will last. */
  readonly pendingWindowDays: number | null
  /** While automatic rotation is on, also during PendingDeletion. */
  readonly rotation: Rotation | null
  /** How many rotations on demand there were. */
  readonly onDemandRotations: number
  /** The current key material; null if none was imported yet. */
  readonly materialId: string | null
}

export type Rotation = { readonly periodDays: number; readonly nextMs: number }

/** Made with material of its own, unless that will be imported or copied: then it begins in the state that says so. */
export type NewKey = KeyKind &
  Pick<Key, 'keyArn' | 'keyId' | 'description' | 'multiRegion' | 'policy' | 'createdMs'> & { readonly state: KeyState }

export const DAY_MS = 86_400_000

/** The KMS keys in the database. An unknown ARN changes nothing. */
export type Keys = {
  readonly materials: Materials
  create(key: NewKey, place: Place): Key
  find(keyArn: string): Key | null
  wasDeleted(keyArn: string): boolean
  /** In the order of key IDs, from the first past `after`. */
  page(place: Place, after: string, limit: number): readonly Key[]
  count(place: Place): number
  /** The keys with the same multi-Region key ID in other Regions, in the order of the Regions' names. */
  related(keyArn: string): readonly Key[]
  /** Every state but those of a key that waits for its deletion; a deletion that was scheduled no longer is. */
  setState(keyArn: string, state: Exclude<KeyState, 'PendingDeletion' | 'PendingReplicaDeletion'>): void
  setPendingDeletion(keyArn: string, deletionMs: number): void
  setPendingReplicaDeletion(keyArn: string, pendingWindowDays: number): void
  setRotation(keyArn: string, rotation: Rotation | null): void
  setPolicy(keyArn: string, policy: string): void
  setDescription(keyArn: string, description: string): void
  /** The new primary of a set of related keys. */
  setPrimary(keyArn: string, primaryArn: string): void
  /** Makes this material the current one, and the one before it non-current. */
  setMaterial(keyArn: string, materialId: string | null): void
  countOnDemandRotation(keyArn: string): void
  /** Gives a key new material of its own kind. */
  rotate(key: Key, type: RotationType, timeMs: number): void
  /** Deletes a key with all that is its own. */
  remove(keyArn: string): void
}

type Row = Record<string, SQLOutputValue>

export function keysIn(db: DatabaseSync): Keys {
  const materials = materialsIn(db)
  const insertKey = db.prepare(`
    INSERT INTO kms_keys (key_arn, key_id, account_id, region, description, spec, usage, origin, primary_arn, state, policy, created_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const selectKey = db.prepare('SELECT * FROM kms_keys WHERE key_arn = ?')
  const selectDeleted = db.prepare('SELECT 1 FROM kms_deleted_keys WHERE key_arn = ?')
  const selectPage = db.prepare('SELECT * FROM kms_keys WHERE account_id = ? AND region = ? AND key_id > ? ORDER BY key_id LIMIT ?')
  const selectCount = db.prepare('SELECT count(*) AS keys FROM kms_keys WHERE account_id = ? AND region = ?')
  const selectRelated = db.prepare(`
    SELECT others.* FROM kms_keys AS self JOIN kms_keys AS others
      ON others.account_id = self.account_id AND others.key_id = self.key_id AND others.key_arn <> self.key_arn
    WHERE self.key_arn = ? AND self.primary_arn IS NOT NULL ORDER BY others.region`)
  const updateState = db.prepare('UPDATE kms_keys SET state = ?, deletion_ms = ?, pending_window_days = ? WHERE key_arn = ?')
  const updateRotation = db.prepare('UPDATE kms_keys SET rotation_period_days = ?, next_rotation_ms = ? WHERE key_arn = ?')
  const updatePolicy = db.prepare('UPDATE kms_keys SET policy = ? WHERE key_arn = ?')
  const updateDescription = db.prepare('UPDATE kms_keys SET description = ? WHERE key_arn = ?')
  const updatePrimary = db.prepare('UPDATE kms_keys SET primary_arn = ? WHERE key_arn = ?')
  const updateMaterial = db.prepare('UPDATE kms_keys SET material_id = ? WHERE key_arn = ?')
  const demoteMaterials = db.prepare("UPDATE kms_materials SET state = 'NON_CURRENT' WHERE key_arn = ? AND state = 'CURRENT'")
  const countOnDemand = db.prepare('UPDATE kms_keys SET on_demand_rotations = on_demand_rotations + 1 WHERE key_arn = ?')
  const insertDeleted = db.prepare('INSERT OR IGNORE INTO kms_deleted_keys (key_arn) VALUES (?)')
  const removals = ['kms_keys', 'kms_materials', 'kms_tags', 'kms_aliases', 'kms_grants', 'kms_last_uses'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE key_arn = ?`),
  )

  function find(keyArn: string): Key | null {
    const row = selectKey.get(keyArn)
    return row === undefined ? null : keyOf(row)
  }

  function setMaterial(keyArn: string, materialId: string | null): void {
    atomically(db, () => {
      demoteMaterials.run(keyArn)
      if (materialId !== null) materials.setState(keyArn, materialId, 'CURRENT')
      updateMaterial.run(materialId, keyArn)
    })
  }

  function addMaterial(keyArn: string, spec: KeySpec, createdMs: number, rotationType: RotationType | null): void {
    const materialId = newMaterialId()
    const rotatedMs = rotationType === null ? null : createdMs
    const secret = newSecret(spec)
    materials.put(keyArn, {
      materialId,
      secret,
      state: 'NON_CURRENT',
      createdMs,
      rotationType,
      rotatedMs,
      expiresMs: null,
      description: null,
    })
    setMaterial(keyArn, materialId)
  }

  function remove(keyArn: string): void {
    insertDeleted.run(keyArn)
    for (const removal of removals) removal.run(keyArn)
  }

  function rotate({ keyArn, spec }: Key, type: RotationType, timeMs: number): void {
    atomically(db, () => {
      addMaterial(keyArn, spec, timeMs, type)
    })
  }

  return {
    materials,
    create(key, { accountId, region }) {
      return atomically(db, () => {
        const { keyArn, keyId, description, spec, usage, origin, multiRegion, state, policy, createdMs } = key
        const primaryArn = multiRegion?.primaryArn ?? null
        insertKey.run(keyArn, keyId, accountId, region, description, spec, usage, origin, primaryArn, state, policy, createdMs)
        if (state === 'Enabled') addMaterial(keyArn, spec, createdMs, null)
        const materialId = find(keyArn)?.materialId ?? null
        return { ...key, region, deletionMs: null, pendingWindowDays: null, rotation: null, onDemandRotations: 0, materialId }
      })
    },
    find,
    wasDeleted: (keyArn) => selectDeleted.get(keyArn) !== undefined,
    page: ({ accountId, region }, after, limit) => selectPage.all(accountId, region, after, limit).map(keyOf),
    count: ({ accountId, region }) => Number(selectCount.get(accountId, region)?.['keys']),
    related: (keyArn) => selectRelated.all(keyArn).map(keyOf),
    setState: (keyArn, state) => void updateState.run(state, null, null, keyArn),
    setPendingDeletion: (keyArn, deletionMs) => void updateState.run('PendingDeletion', deletionMs, null, keyArn),
    setPendingReplicaDeletion: (keyArn, windowDays) => void updateState.run('PendingReplicaDeletion', null, windowDays, keyArn),
    setRotation: (keyArn, rotation) => void updateRotation.run(rotation?.periodDays ?? null, rotation?.nextMs ?? null, keyArn),
    setPolicy: (keyArn, policy) => void updatePolicy.run(policy, keyArn),
    setDescription: (keyArn, description) => void updateDescription.run(description, keyArn),
    setPrimary: (keyArn, primaryArn) => void updatePrimary.run(primaryArn, keyArn),
    setMaterial,
    countOnDemandRotation: (keyArn) => void countOnDemand.run(keyArn),
    rotate,
    remove,
  }
}

function keyOf(row: Row): Key {
  const keyArn = String(row['key_arn'])
  const periodDays = numberOf(row['rotation_period_days'])
  const nextMs = numberOf(row['next_rotation_ms'])
  const primaryArn = textOf(row['primary_arn'])
  return {
    keyArn,
    keyId: String(row['key_id']),
    region: String(row['region']),
    description: String(row['description']),
    spec: row['spec'] as KeySpec,
    usage: row['usage'] as KeyUsage,
    origin: row['origin'] as KeyOrigin,
    multiRegion: primaryArn === null ? null : { role: primaryArn === keyArn ? 'PRIMARY' : 'REPLICA', primaryArn },
    state: row['state'] as KeyState,
    policy: String(row['policy']),
    createdMs: Number(row['created_ms']),
    deletionMs: numberOf(row['deletion_ms']),
    pendingWindowDays: numberOf(row['pending_window_days']),
    rotation: periodDays === null || nextMs === null ? null : { periodDays, nextMs },
    onDemandRotations: Number(row['on_demand_rotations']),
    materialId: textOf(row['material_id']),
  }
}

function numberOf(value: SQLOutputValue | undefined): number | null {
  return typeof value === 'number' ? value : null
}

function textOf(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}
