import type { DatabaseSync } from 'node:sqlite'

/** Times are milliseconds since 1970. A deleted key leaves its ARN behind: its ciphertexts are sound, and can never be read again. */
export function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS kms_keys (
      key_arn TEXT PRIMARY KEY,
      key_id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      region TEXT NOT NULL,
      description TEXT NOT NULL,
      spec TEXT NOT NULL,
      usage TEXT NOT NULL,
      origin TEXT NOT NULL,
      primary_arn TEXT,
      state TEXT NOT NULL,
      policy TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      deletion_ms INTEGER,
      pending_window_days INTEGER,
      rotation_period_days INTEGER,
      next_rotation_ms INTEGER,
      on_demand_rotations INTEGER NOT NULL DEFAULT 0,
      on_demand_started_ms INTEGER,
      settles_ms INTEGER,
      material_id TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS kms_keys_deletion ON kms_keys (deletion_ms) WHERE deletion_ms IS NOT NULL;
    CREATE INDEX IF NOT EXISTS kms_keys_rotation ON kms_keys (next_rotation_ms) WHERE next_rotation_ms IS NOT NULL;
    CREATE INDEX IF NOT EXISTS kms_keys_on_demand ON kms_keys (on_demand_started_ms) WHERE on_demand_started_ms IS NOT NULL;
    CREATE INDEX IF NOT EXISTS kms_keys_settling ON kms_keys (settles_ms) WHERE settles_ms IS NOT NULL;
    CREATE INDEX IF NOT EXISTS kms_keys_place ON kms_keys (account_id, region, key_id);
    CREATE INDEX IF NOT EXISTS kms_keys_related ON kms_keys (account_id, key_id);
    CREATE TABLE IF NOT EXISTS kms_materials (
      key_arn TEXT NOT NULL,
      material_id TEXT NOT NULL,
      secret BLOB,
      state TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      rotation_type TEXT,
      rotated_ms INTEGER,
      expires_ms INTEGER,
      description TEXT,
      PRIMARY KEY (key_arn, material_id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS kms_materials_expiry ON kms_materials (expires_ms) WHERE expires_ms IS NOT NULL;
    CREATE TABLE IF NOT EXISTS kms_last_uses (
      key_arn TEXT PRIMARY KEY,
      operation TEXT NOT NULL,
      used_ms INTEGER NOT NULL,
      event_id TEXT NOT NULL,
      request_id TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS kms_tags (
      key_arn TEXT NOT NULL,
      tag_key TEXT NOT NULL,
      tag_value TEXT NOT NULL,
      PRIMARY KEY (key_arn, tag_key)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS kms_aliases (
      account_id TEXT NOT NULL,
      region TEXT NOT NULL,
      alias_name TEXT NOT NULL,
      key_arn TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL,
      PRIMARY KEY (account_id, region, alias_name)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS kms_aliases_key ON kms_aliases (key_arn);
    CREATE TABLE IF NOT EXISTS kms_grants (
      grant_id TEXT PRIMARY KEY,
      key_arn TEXT NOT NULL,
      grant_name TEXT,
      grantee TEXT NOT NULL,
      retiring TEXT,
      operations TEXT NOT NULL,
      constraints TEXT NOT NULL,
      issuing_account TEXT NOT NULL,
      created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS kms_grants_key ON kms_grants (key_arn, grantee);
    CREATE INDEX IF NOT EXISTS kms_grants_retiring ON kms_grants (retiring) WHERE retiring IS NOT NULL;
    CREATE TABLE IF NOT EXISTS kms_deleted_keys (key_arn TEXT PRIMARY KEY) STRICT;
  `)
}

/** Runs the work as a whole or not at all, also within a transaction of somebody else's. */
export function atomically<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('SAVEPOINT kms')
  try {
    const result = work()
    db.exec('RELEASE kms')
    return result
  } catch (error) {
    db.exec('ROLLBACK TO kms; RELEASE kms')
    throw error
  }
}
