import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { KeyMaterial } from './ciphertext.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html */
export type MaterialState = 'CURRENT' | 'NON_CURRENT' | 'PENDING_ROTATION' | 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'
export type RotationType = 'AUTOMATIC' | 'ON_DEMAND'

/** One of the key materials of a KMS key. Times are milliseconds since 1970. */
export type Material = {
  readonly materialId: string
  /** Null: it was imported, and deleted or expired since. */
  readonly secret: Uint8Array | null
  readonly state: MaterialState
  readonly createdMs: number
  /** What made it current; null for the first one. */
  readonly rotationType: RotationType | null
  readonly rotatedMs: number | null
  /** Of imported material: when it expires; null: never, or it was not imported. */
  readonly expiresMs: number | null
  /** What the importer said of it. */
  readonly description: string | null
}

/** The materials of the KMS keys in the database. An unknown one changes nothing. */
export type Materials = {
  /** Adds one or replaces the one of its ID. */
  put(keyArn: string, material: Material): void
  find(keyArn: string, materialId: string): Material | null
  /** From the oldest to the newest. */
  all(keyArn: string): readonly Material[]
  /** Null where it is missing or was deleted. */
  secret(keyArn: string, materialId: string): KeyMaterial | null
  setState(keyArn: string, materialId: string, state: MaterialState): void
  remove(keyArn: string, materialId: string): void
}

export function materialsIn(db: DatabaseSync): Materials {
  const upsert = db.prepare(`
    INSERT OR REPLACE INTO kms_materials
      (key_arn, material_id, secret, state, created_ms, rotation_type, rotated_ms, expires_ms, description)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const select = db.prepare('SELECT * FROM kms_materials WHERE key_arn = ? AND material_id = ?')
  const selectAll = db.prepare('SELECT * FROM kms_materials WHERE key_arn = ? ORDER BY created_ms, rowid')
  const updateState = db.prepare('UPDATE kms_materials SET state = ? WHERE key_arn = ? AND material_id = ?')
  const remove = db.prepare('DELETE FROM kms_materials WHERE key_arn = ? AND material_id = ?')

  function find(keyArn: string, materialId: string): Material | null {
    const row = select.get(keyArn, materialId)
    return row === undefined ? null : materialOf(row)
  }

  return {
    put(keyArn, { materialId, secret, state, createdMs, rotationType, rotatedMs, expiresMs, description }) {
      upsert.run(keyArn, materialId, secret, state, createdMs, rotationType, rotatedMs, expiresMs, description)
    },
    find,
    all: (keyArn) => selectAll.all(keyArn).map(materialOf),
    secret(keyArn, materialId) {
      const secret = find(keyArn, materialId)?.secret ?? null
      return secret === null ? null : { materialId, secret }
    },
    setState: (keyArn, materialId, state) => void updateState.run(state, keyArn, materialId),
    remove: (keyArn, materialId) => void remove.run(keyArn, materialId),
  }
}

function materialOf(row: Record<string, SQLOutputValue>): Material {
  const { secret, description } = row
  return {
    materialId: String(row['material_id']),
    secret: secret instanceof Uint8Array ? secret : null,
    state: row['state'] as MaterialState,
    createdMs: Number(row['created_ms']),
    rotationType: row['rotation_type'] as RotationType | null,
    rotatedMs: numberOf(row['rotated_ms']),
    expiresMs: numberOf(row['expires_ms']),
    description: typeof description === 'string' ? description : null,
  }
}

function numberOf(value: SQLOutputValue | undefined): number | null {
  return typeof value === 'number' ? value : null
}
