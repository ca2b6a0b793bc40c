import type { EpochS } from '../time.ts'
import type { FindingStatus } from './finding.ts'
import type { FindingStore, KeptFinding } from './finding-store.ts'
import type { Announcing } from './news.ts'
import { sendFindings, updateTime } from './send.ts'
import type { Fault, SendPorts } from './send-ports.ts'

/** Security Hub forgets what was not updated for 90 days. https://docs.aws.amazon.com/securityhub/latest/userguide/ocsf-findings.html */
const REIMPORT_S = 30 * 86_400
const OPEN: readonly FindingStatus[] = ['failing', 'unknown', 'exempt']
const BATCH_MAX = 100

/** Open findings of an account that its Security Hub does not know, or would forget. Those in the outbox are on their way there. */
export async function* dueForReimport(store: FindingStore, { now, hub }: Pick<Announcing, 'now' | 'hub'>): AsyncIterable<KeptFinding> {
  for (const status of OPEN) {
    for await (const kept of store.withStatus(status)) {
      const { finding, unannounced, importedAt } = kept
      const isDue = importedAt === null || importedAt + REIMPORT_S <= now
      if (isDue && unannounced.length === 0 && finding.resource.accountId === hub.accountId) yield kept
    }
  }
}

export type Reimported = {
  readonly imported: number
  readonly isHubEnabled: boolean
  readonly refused: readonly string[]
  readonly faults: readonly Fault[]
}

/**
 * Imports again what is due. The time of an import is noted before it: what is announced meanwhile bears a later one, and an import that
 * comes late does not undo it. One that is noted and did not come is made up for at the next: Security Hub forgets later than that.
 */
export async function reimport(store: FindingStore, ports: Pick<SendPorts, 'importFindings'>, announcing: Announcing): Promise<Reimported> {
  const [refused, faults] = [new Array<string>(), new Array<Fault>()]
  let imported = 0
  const write = async ({ revision, ...kept }: KeptFinding, importedAt: EpochS | null): Promise<KeptFinding | null> => {
    try {
      const written = await store.write({ ...kept, importedAt }, revision)
      return written === 'conflict' ? null : written
    } catch (error) {
      faults.push({ what: 'finding', id: kept.finding.id, error })
      return null
    }
  }
  const importBatch = async (batch: readonly KeptFinding[]): Promise<boolean> => {
    const noted: { readonly before: KeptFinding; readonly kept: KeptFinding }[] = []
    for (const before of batch) {
      const kept = await write(before, updateTime(before, announcing.now))
      if (kept !== null) noted.push({ before, kept })
    }
    const sent = await sendFindings(
      ports,
      noted.map(({ before }) => ({ kept: before })),
      announcing,
    )
    refused.push(...sent.refused)
    faults.push(...sent.faults)
    imported += sent.importedAt.size
    for (const { before, kept } of noted) if (!sent.importedAt.has(kept.finding.id)) await write(kept, before.importedAt)
    return sent.isEnabled
  }
  let batch: KeptFinding[] = []
  for await (const kept of dueForReimport(store, announcing)) {
    batch.push(kept)
    if (batch.length < BATCH_MAX) continue
    if (!(await importBatch(batch))) return { imported, isHubEnabled: false, refused, faults }
    batch = []
  }
  const isHubEnabled = batch.length === 0 || (await importBatch(batch))
  return { imported, isHubEnabled, refused, faults }
}
