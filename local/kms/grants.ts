import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { GrantOperation } from './grant-rules.ts'

/** Pairs that an encryption context has to have: these and no others, or these among others. */
export type GrantConstraint = {
  readonly type: 'EncryptionContextEquals' | 'EncryptionContextSubset'
  readonly context: Readonly<Record<string, string>>
}

export type Grant = {
  /** 64 hexadecimal digits. */
  readonly grantId: string
  readonly keyArn: string
  readonly name: string | null
  readonly grantee: string
  readonly retiring: string | null
  readonly operations: readonly GrantOperation[]
  readonly constraints: readonly GrantConstraint[]
  readonly issuingAccount: string
  readonly createdMs: number
}

/** The grants of all keys. They go with their key. */
export type Grants = {
  create(grant: Grant): void
  find(grantId: string): Grant | null
  named(keyArn: string, name: string): readonly Grant[]
  /** Of one key, in the order of grant IDs, from the first past `after`; those of one grantee only if one is given. */
  page(keyArn: string, grantee: string | null, after: string, limit: number): readonly Grant[]
  /** Of the keys of a Region that this principal may retire. */
  retirable(region: string, retiring: string, after: string, limit: number): readonly Grant[]
  /** What a key's grants give to any of these principals. */
  ofGrantees(keyArn: string, grantees: readonly string[]): readonly Grant[]
  countOf(keyArn: string): number
  remove(grantId: string): void
}

export function grantsIn(db: DatabaseSync): Grants {
  const insert = db.prepare('INSERT INTO kms_grants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const select = db.prepare('SELECT * FROM kms_grants WHERE grant_id = ?')
  const selectNamed = db.prepare('SELECT * FROM kms_grants WHERE key_arn = ? AND grant_name = ?')
  const selectPage = db.prepare(`
    SELECT * FROM kms_grants WHERE key_arn = ? AND grantee = coalesce(?, grantee) AND grant_id > ? ORDER BY grant_id LIMIT ?`)
  const selectRetirable = db.prepare(`
    SELECT * FROM kms_grants WHERE retiring = ? AND key_arn LIKE ? AND grant_id > ? ORDER BY grant_id LIMIT ?`)
  const selectOfGrantee = db.prepare('SELECT * FROM kms_grants WHERE key_arn = ? AND grantee = ?')
  const selectCount = db.prepare('SELECT count(*) AS grants FROM kms_grants WHERE key_arn = ?')
  const remove = db.prepare('DELETE FROM kms_grants WHERE grant_id = ?')

  return {
    create({ grantId, keyArn, name, grantee, retiring, operations, constraints, issuingAccount, createdMs }) {
      const lists = [JSON.stringify(operations), JSON.stringify(constraints)] as const
      insert.run(grantId, keyArn, name, grantee, retiring, ...lists, issuingAccount, Math.round(createdMs))
    },
    find(grantId) {
      const row = select.get(grantId)
      return row === undefined ? null : grantOf(row)
    },
    named: (keyArn, name) => selectNamed.all(keyArn, name).map(grantOf),
    page: (keyArn, grantee, after, limit) => selectPage.all(keyArn, grantee, after, limit).map(grantOf),
    retirable: (region, retiring, after, limit) => selectRetirable.all(retiring, `arn:%:kms:${region}:%`, after, limit).map(grantOf),
    ofGrantees: (keyArn, grantees) => grantees.flatMap((grantee) => selectOfGrantee.all(keyArn, grantee)).map(grantOf),
    countOf: (keyArn) => Number(selectCount.get(keyArn)?.['grants']),
    remove: (grantId) => void remove.run(grantId),
  }
}

function grantOf(row: Record<string, SQLOutputValue>): Grant {
  const text = (column: string): string => String(row[column])
  const textOrNull = (column: string): string | null => (row[column] === null ? null : text(column))
  return {
    grantId: text('grant_id'),
    keyArn: text('key_arn'),
    name: textOrNull('grant_name'),
    grantee: text('grantee'),
    retiring: textOrNull('retiring'),
    operations: JSON.parse(text('operations')) as GrantOperation[],
    constraints: JSON.parse(text('constraints')) as GrantConstraint[],
    issuingAccount: text('issuing_account'),
    createdMs: Number(row['created_ms']),
  }
}
