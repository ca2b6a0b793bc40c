import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { NamedPolicy } from './evaluator.ts'

export type Role = {
  readonly roleName: string
  /** With a slash at both ends; only a slash if there is none. */
  readonly path: string
  readonly roleId: string
  readonly arn: string
  /** Who may assume it, as JSON. */
  readonly trust: string
  readonly description: string
  readonly sessionSecondsMax: number
  readonly createdMs: number
  readonly tags: Readonly<Record<string, string>>
}

/** Roles and their inline policies. Names have no case. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
export type Roles = {
  create(role: Role): void
  find(roleName: string): Role | null
  /** In the order of names, from the first past `after`. */
  page(pathPrefix: string, after: string, limit: number): readonly Role[]
  count(): number
  setTrust(roleName: string, trust: string): void
  setTags(roleName: string, tags: Readonly<Record<string, string>>): void
  remove(roleName: string): void
  /** In the order of names. */
  policiesOf(roleName: string): readonly NamedPolicy[]
  putPolicy(roleName: string, policy: NamedPolicy): void
  removePolicy(roleName: string, policyName: string): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS iam_roles (
    name_key TEXT PRIMARY KEY,
    role_name TEXT NOT NULL,
    path TEXT NOT NULL,
    role_id TEXT NOT NULL,
    arn TEXT NOT NULL,
    trust TEXT NOT NULL,
    description TEXT NOT NULL,
    session_seconds_max INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    tags TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS iam_role_policies (
    name_key TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (name_key, policy_name)
  ) STRICT;
`

export function rolesIn(db: DatabaseSync): Roles {
  db.exec(SCHEMA)
  const insert = db.prepare('INSERT INTO iam_roles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const select = db.prepare('SELECT * FROM iam_roles WHERE name_key = ?')
  const selectPage = db.prepare(
    'SELECT * FROM iam_roles WHERE substr(path, 1, length($prefix)) = $prefix AND name_key > $after ORDER BY name_key LIMIT $limit',
  )
  const selectCount = db.prepare('SELECT count(*) AS roles FROM iam_roles')
  const updateTrust = db.prepare('UPDATE iam_roles SET trust = ? WHERE name_key = ?')
  const updateTags = db.prepare('UPDATE iam_roles SET tags = ? WHERE name_key = ?')
  const remove = db.prepare('DELETE FROM iam_roles WHERE name_key = ?')
  const selectPolicies = db.prepare('SELECT policy_name, document FROM iam_role_policies WHERE name_key = ? ORDER BY policy_name')
  const upsertPolicy = db.prepare(`
    INSERT INTO iam_role_policies VALUES (?, ?, ?) ON CONFLICT (name_key, policy_name) DO UPDATE SET document = excluded.document`)
  const deletePolicy = db.prepare('DELETE FROM iam_role_policies WHERE name_key = ? AND policy_name = ?')

  return {
    create({ roleName, path, roleId, arn, trust, description, sessionSecondsMax, createdMs, tags }) {
      const texts = [keyOf(roleName), roleName, path, roleId, arn, trust, description] as const
      insert.run(...texts, sessionSecondsMax, Math.round(createdMs), JSON.stringify(tags))
    },
    find(roleName) {
      const row = select.get(keyOf(roleName))
      return row === undefined ? null : roleOf(row)
    },
    page: (prefix, after, limit) => selectPage.all({ prefix, after: keyOf(after), limit }).map(roleOf),
    count: () => Number(selectCount.get()?.['roles']),
    setTrust: (roleName, trust) => void updateTrust.run(trust, keyOf(roleName)),
    setTags: (roleName, tags) => void updateTags.run(JSON.stringify(tags), keyOf(roleName)),
    remove: (roleName) => void remove.run(keyOf(roleName)),
    policiesOf: (roleName) =>
      selectPolicies.all(keyOf(roleName)).map((row) => ({ name: String(row['policy_name']), document: String(row['document']) })),
    putPolicy: (roleName, { name, document }) => void upsertPolicy.run(keyOf(roleName), name, document),
    removePolicy: (roleName, policyName) => void deletePolicy.run(keyOf(roleName), policyName),
  }
}

function keyOf(roleName: string): string {
  return roleName.toLowerCase()
}

function roleOf(row: Record<string, SQLOutputValue>): Role {
  const text = (column: string): string => String(row[column])
  return {
    roleName: text('role_name'),
    path: text('path'),
    roleId: text('role_id'),
    arn: text('arn'),
    trust: text('trust'),
    description: text('description'),
    sessionSecondsMax: Number(row['session_seconds_max']),
    createdMs: Number(row['created_ms']),
    tags: JSON.parse(text('tags')) as Record<string, string>,
  }
}
