import type { DatabaseSync } from 'node:sqlite'
import type { JsonObject } from '../../shared/json.ts'

export type FindingName = { readonly region: string; readonly productArn: string; readonly id: string }

export type StoredFinding = {
  readonly finding: JsonObject
  /** The members that a customer gave other values than the provider's. */
  readonly customerFields: readonly string[]
}

export type Findings = {
  /** When Security Hub was enabled; null: it is not. */
  enabledMs(region: string): number | null
  enable(region: string, nowMs: number): void
  find(name: FindingName): StoredFinding | null
  /** False: there is no room for one more. */
  put(name: FindingName, stored: StoredFinding, nowMs: number): boolean
  all(region: string): readonly JsonObject[]
  /** Drops what was not updated for 90 days. */
  prune(nowMs: number): void
}

/** Findings "are automatically deleted if they aren't updated in 90 days". https://docs.aws.amazon.com/securityhub/latest/userguide/ocsf-findings.html */
const RETENTION_MS = 90 * 86_400_000
/** All of a Region are read to answer a question. */
const FINDINGS_MAX = 20_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS security_hub_hubs (region TEXT PRIMARY KEY, enabled_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS security_hub_findings (
    region TEXT NOT NULL, product_arn TEXT NOT NULL, id TEXT NOT NULL, finding TEXT NOT NULL, customer_fields TEXT NOT NULL,
    updated_ms INTEGER NOT NULL, PRIMARY KEY (region, product_arn, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS security_hub_findings_by_update ON security_hub_findings (updated_ms);
`

export function findingsIn(db: DatabaseSync): Findings {
  db.exec(SCHEMA)
  const selectHub = db.prepare('SELECT enabled_ms FROM security_hub_hubs WHERE region = ?')
  const insertHub = db.prepare('INSERT INTO security_hub_hubs VALUES (?, ?)')
  const select = db.prepare('SELECT finding, customer_fields FROM security_hub_findings WHERE region = ? AND product_arn = ? AND id = ?')
  const selectAll = db.prepare('SELECT finding FROM security_hub_findings WHERE region = ? ORDER BY product_arn, id')
  const count = db.prepare('SELECT count(*) AS count FROM security_hub_findings')
  const replace = db.prepare('INSERT OR REPLACE INTO security_hub_findings VALUES (?, ?, ?, ?, ?, ?)')
  const prune = db.prepare('DELETE FROM security_hub_findings WHERE updated_ms <= ?')
  const find: Findings['find'] = ({ region, productArn, id }) => {
    const row = select.get(region, productArn, id)
    if (row === undefined) return null
    return {
      finding: JSON.parse(String(row['finding'])) as JsonObject,
      customerFields: JSON.parse(String(row['customer_fields'])) as readonly string[],
    }
  }
  return {
    enabledMs: (region) => {
      const row = selectHub.get(region)
      return row === undefined ? null : Number(row['enabled_ms'])
    },
    enable: (region, nowMs) => void insertHub.run(region, Math.floor(nowMs)),
    find,
    put: (name, { finding, customerFields }, nowMs) => {
      if (Number(count.get()?.['count']) >= FINDINGS_MAX && find(name) === null) return false
      const { region, productArn, id } = name
      replace.run(region, productArn, id, JSON.stringify(finding), JSON.stringify(customerFields), Math.floor(nowMs))
      return true
    },
    all: (region) => selectAll.all(region).map((row) => JSON.parse(String(row['finding'])) as JsonObject),
    prune: (nowMs) => void prune.run(Math.floor(nowMs - RETENTION_MS)),
  }
}
