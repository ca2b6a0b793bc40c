import type { AuditPorts } from '../../shared/audit/audit-one.ts'
import type { ListedPage, SweepPorts } from '../../shared/audit/sweep.ts'
import type { SweepLog, SweepStore } from '../../shared/audit/sweep-state.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import { observed, unread } from '../../shared/observed.ts'
import type { FactReader } from '../../shared/rules/audit.ts'
import { kmsKeyRotationEnabled } from '../../shared/rules/kms/key-rotation-enabled.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import type { AnyFacts, Resource } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'

export const NOW = (Date.parse('2026-10-20T06:00:00Z') / 1000) as EpochS
export const ACCOUNT = '111122223333'
export const RULE_ID = kmsKeyRotationEnabled.id

/** How a key stands, and how it can be read. */
export type Standing = 'rotates' | 'does not rotate' | 'gone' | 'unready' | 'unread' | 'denied' | 'breaks'

export function key(name: string | number): Resource {
  return { kind: 'kms_key', arn: `arn:aws:kms:us-east-1:${ACCOUNT}:key/${name}`, accountId: ACCOUNT, region: 'us-east-1' }
}

/** Keys of an account as a reader finds them. */
export function readerOf(standings: ReadonlyMap<string, Standing>, onRead: (arn: string) => void = () => undefined): FactReader {
  return ({ arn }) => {
    onRead(arn)
    return async (names) => factsOf(standings.get(arn) ?? 'gone', names)
  }
}

function factsOf(standing: Standing, names: readonly string[]): AnyFacts | 'gone' | 'unready' {
  if (standing === 'gone' || standing === 'unready') return standing
  if (standing === 'breaks') throw new Error('a rule broke')
  const facts: AnyFacts = {
    manager: observed('CUSTOMER'),
    state: observed('Enabled'),
    spec: observed('SYMMETRIC_DEFAULT'),
    usage: observed('ENCRYPT_DECRYPT'),
    origin: observed('AWS_KMS'),
    multiRegionRole: observed(null),
    rotation:
      standing === 'unread' || standing === 'denied'
        ? unread('kms:GetKeyRotationStatus', standing === 'denied' ? 'denied' : 'failed', 'Refused')
        : observed({ isEnabled: standing === 'rotates', periodDays: 365, nextAt: null }),
  }
  return Object.fromEntries(names.map((name) => [name, facts[name]]))
}

export function auditPorts(store: FindingStore, reader: FactReader, changes: Partial<AuditPorts> = {}): AuditPorts {
  return {
    rules: [kmsKeyRotationEnabled],
    expectations: DEFAULT_EXPECTATIONS,
    exemptions: [],
    policyDigest: 'ab'.repeat(32),
    store,
    reader,
    freshReader: () => reader,
    enforced: new Set(),
    requestEnforcement: () => Promise.reject(new Error('nothing is enforced here')),
    now: () => NOW,
    ...changes,
  }
}

export function createMemorySweepStore(): SweepStore & { log(): SweepLog | null } {
  let kept: { readonly log: SweepLog; readonly revision: string } | null = null
  let revisions = 0
  return {
    log: () => kept?.log ?? null,
    read: async () => kept,
    write: async (log, over) => {
      if ((kept?.revision ?? null) !== over) return 'conflict'
      kept = { log, revision: `revision ${revisions++}` }
      return { revision: kept.revision }
    },
  }
}

/** Lists keys, so many in a page; no other kind has resources. */
export function listOf(keys: readonly Resource[], perPage = 1000): SweepPorts['list'] {
  return async (kind, cursor): Promise<ListedPage> => {
    if (kind !== 'kms_key') return { resources: [], unread: null, next: null }
    const from = Number(cursor ?? 0)
    const next = from + perPage < keys.length ? String(from + perPage) : null
    return { resources: keys.slice(from, from + perPage), unread: null, next }
  }
}
