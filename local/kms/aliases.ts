import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Place } from './key-names.ts'

export type Alias = {
  /** With its `alias/`. */
  readonly aliasName: string
  readonly keyArn: string
  readonly createdMs: number
  readonly updatedMs: number
}

export type Aliases = {
  create(place: Place, alias: Alias): void
  find(place: Place, aliasName: string): Alias | null
  /** In the order of names, from the first past `after`; those of one key only if one is given. */
  page(place: Place, keyArn: string | null, after: string, limit: number): readonly Alias[]
  countOf(keyArn: string): number
  point(place: Place, aliasName: string, keyArn: string, updatedMs: number): void
  remove(place: Place, aliasName: string): void
}

export function aliasesIn(db: DatabaseSync): Aliases {
  const insert = db.prepare(
    'INSERT INTO kms_aliases (account_id, region, alias_name, key_arn, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const select = db.prepare('SELECT * FROM kms_aliases WHERE account_id = ? AND region = ? AND alias_name = ?')
  const selectPage = db.prepare(`
    SELECT * FROM kms_aliases WHERE account_id = ? AND region = ? AND key_arn = coalesce(?, key_arn) AND alias_name > ?
    ORDER BY alias_name LIMIT ?`)
  const selectCount = db.prepare('SELECT count(*) AS aliases FROM kms_aliases WHERE key_arn = ?')
  const update = db.prepare('UPDATE kms_aliases SET key_arn = ?, updated_ms = ? WHERE account_id = ? AND region = ? AND alias_name = ?')
  const remove = db.prepare('DELETE FROM kms_aliases WHERE account_id = ? AND region = ? AND alias_name = ?')

  return {
    create: ({ accountId, region }, { aliasName, keyArn, createdMs, updatedMs }) =>
      void insert.run(accountId, region, aliasName, keyArn, createdMs, updatedMs),
    find({ accountId, region }, aliasName) {
      const row = select.get(accountId, region, aliasName)
      return row === undefined ? null : aliasOf(row)
    },
    page: ({ accountId, region }, keyArn, after, limit) => selectPage.all(accountId, region, keyArn, after, limit).map(aliasOf),
    countOf: (keyArn) => Number(selectCount.get(keyArn)?.['aliases']),
    point: ({ accountId, region }, aliasName, keyArn, updatedMs) => void update.run(keyArn, updatedMs, accountId, region, aliasName),
    remove: ({ accountId, region }, aliasName) => void remove.run(accountId, region, aliasName),
  }
}

function aliasOf(row: Record<string, SQLOutputValue>): Alias {
  return {
    aliasName: String(row['alias_name']),
    keyArn: String(row['key_arn']),
    createdMs: Number(row['created_ms']),
    updatedMs: Number(row['updated_ms']),
  }
}
