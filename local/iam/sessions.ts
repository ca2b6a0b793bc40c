import { randomInt } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { RoleSession } from '../principals.ts'

export type AssumedSession = RoleSession & { readonly startedMs: number; readonly expiresMs: number }

/** Sessions that AssumeRole began. They live in the database and outlast a restart. */
export type Sessions = {
  /** Also one that is over, for a day. */
  find(accessKeyId: string): AssumedSession | null
  /** Null when there are 1,000 that are not over. */
  begin(session: Omit<AssumedSession, 'accessKeyId'>): AssumedSession | null
}

const LIVE_SESSIONS_MAX = 1000
/** How long a caller is told that its session is over, rather than that there never was one. */
const KEPT_MS = 86_400_000
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** What access key IDs of temporary credentials begin with. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
export const TEMPORARY_PREFIX = 'ASIA'
const ID_LETTERS = 16

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS iam_sessions (
    access_key_id TEXT PRIMARY KEY,
    role_name TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    session_name TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS iam_sessions_expiry ON iam_sessions (expires_ms);
`

export function sessionsIn(db: DatabaseSync): Sessions {
  db.exec(SCHEMA)
  const select = db.prepare('SELECT * FROM iam_sessions WHERE access_key_id = ?')
  const insert = db.prepare('INSERT INTO iam_sessions VALUES (?, ?, ?, ?, ?, ?)')
  const countLive = db.prepare('SELECT count(*) AS sessions FROM iam_sessions WHERE expires_ms > ?')
  const prune = db.prepare('DELETE FROM iam_sessions WHERE expires_ms < ?')

  return {
    find(accessKeyId) {
      const row = select.get(accessKeyId)
      if (row === undefined) return null
      return {
        accessKeyId,
        roleName: String(row['role_name']),
        roleArn: String(row['role_arn']),
        sessionName: String(row['session_name']),
        startedMs: Number(row['started_ms']),
        expiresMs: Number(row['expires_ms']),
      }
    },
    begin(session) {
      prune.run(Math.round(session.startedMs) - KEPT_MS)
      if (Number(countLive.get(Math.round(session.startedMs))?.['sessions']) >= LIVE_SESSIONS_MAX) return null
      const letters = Array.from({ length: ID_LETTERS }, () => LETTERS.charAt(randomInt(LETTERS.length)))
      const accessKeyId = `${TEMPORARY_PREFIX}${letters.join('')}`
      const { roleName, roleArn = '', sessionName, startedMs, expiresMs } = session
      insert.run(accessKeyId, roleName, roleArn, sessionName, Math.round(startedMs), Math.round(expiresMs))
      return { ...session, accessKeyId }
    },
  }
}
