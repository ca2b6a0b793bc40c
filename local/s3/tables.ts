import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'

/** The names of what is kept of a bucket. */
export type BucketSetting = 'region' | 'createdMs' | 'encryption' | 'policy' | 'tagging' | 'publicAccessBlock' | 'logging' | 'website'

export function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS s3_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS s3_bucket_settings (
      bucket TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, name)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS s3_objects (
      bucket TEXT NOT NULL, key TEXT NOT NULL, stored_tag TEXT NOT NULL, record TEXT NOT NULL, seal TEXT NOT NULL,
      PRIMARY KEY (bucket, key, stored_tag)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS s3_uploads (
      upload_id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, seal TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS s3_parts (
      upload_id TEXT NOT NULL, part_number INTEGER NOT NULL, record TEXT NOT NULL, seal TEXT NOT NULL,
      PRIMARY KEY (upload_id, part_number)
    ) STRICT`)
}

/** What the local S3 keeps for itself: its root key, and what stands for AWS managed keys. */
export type Settings = { get(name: string): string | null; set(name: string, value: string): void }

export function settingsIn(db: DatabaseSync): Settings {
  const select = db.prepare('SELECT value FROM s3_settings WHERE name = ?')
  const insert = db.prepare('INSERT OR REPLACE INTO s3_settings (name, value) VALUES (?, ?)')
  return {
    get: (name) => {
      const value = select.get(name)?.['value']
      return typeof value === 'string' ? value : null
    },
    set: (name, value) => void insert.run(name, value),
  }
}

const ROOT_KEY = 'root-key'
const ROOT_KEY_BYTES = 32

/** The key that SSE-S3 and records stand under; made at the first start. */
export function rootKey(settings: Settings): Buffer {
  const kept = settings.get(ROOT_KEY)
  if (kept !== null) return Buffer.from(kept, 'base64')
  const made = randomBytes(ROOT_KEY_BYTES)
  settings.set(ROOT_KEY, made.toString('base64'))
  return made
}

/** What is kept of buckets, as JSON. A bucket without a value was never told otherwise. */
export type BucketSettings = {
  get(bucket: string, name: BucketSetting): unknown
  set(bucket: string, name: BucketSetting, value: unknown): void
  unset(bucket: string, name: BucketSetting): void
  forget(bucket: string): void
}

export function bucketSettingsIn(db: DatabaseSync): BucketSettings {
  const select = db.prepare('SELECT value FROM s3_bucket_settings WHERE bucket = ? AND name = ?')
  const insert = db.prepare('INSERT OR REPLACE INTO s3_bucket_settings (bucket, name, value) VALUES (?, ?, ?)')
  const remove = db.prepare('DELETE FROM s3_bucket_settings WHERE bucket = ? AND name = ?')
  const removals = ['s3_bucket_settings', 's3_objects', 's3_uploads'].map((table) => db.prepare(`DELETE FROM ${table} WHERE bucket = ?`))
  return {
    get: (bucket, name) => {
      const value = select.get(bucket, name)?.['value']
      return typeof value === 'string' ? (JSON.parse(value) as unknown) : null
    },
    set: (bucket, name, value) => void insert.run(bucket, name, JSON.stringify(value)),
    unset: (bucket, name) => void remove.run(bucket, name),
    forget: (bucket) => {
      for (const each of removals) each.run(bucket)
    },
  }
}

/** Null for a bucket that was made before its Region was kept. */
export function regionOf(settings: BucketSettings, bucket: string): string | null {
  const region = settings.get(bucket, 'region')
  return typeof region === 'string' ? region : null
}

/** A record and the seal that shows that nobody changed it. */
export type SealedRecord = { readonly record: string; readonly seal: string }

/** Seals records, each for one place. */
export type Sealer = {
  seal(place: readonly (string | number)[], record: JsonObject): SealedRecord
  /** Null for a record that was changed or stands in another's place. */
  open(place: readonly (string | number)[], sealed: Readonly<Record<string, unknown>>): JsonObject | null
}

export function sealerOf(root: Buffer): Sealer {
  const sealOf = (place: readonly (string | number)[], record: string): Buffer =>
    createHmac('sha256', root)
      .update(JSON.stringify([...place, record]))
      .digest()
  return {
    seal(place, value) {
      const record = JSON.stringify(value)
      return { record, seal: sealOf(place, record).toString('base64') }
    },
    open(place, { record, seal }) {
      if (typeof record !== 'string' || typeof seal !== 'string') return null
      const given = Buffer.from(seal, 'base64')
      const right = sealOf(place, record)
      if (given.length !== right.length || !timingSafeEqual(given, right)) return null
      const value: unknown = JSON.parse(record)
      return isJsonObject(value) ? value : null
    },
  }
}
