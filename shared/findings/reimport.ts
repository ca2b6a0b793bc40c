import { inLanes } from './batches.ts'
import { FINDING_STATUSES, type FindingStatus } from './finding.ts'
import type { FindingStore, KeptFinding } from './finding-store.ts'
import type { Announcing } from './news.ts'
import { sendFindings, updateTime } from './send.ts'
import type { Fault, SendPorts } from './send-ports.ts'

/** Security Hub forgets what was not updated for 90 days. https://docs.aws.amazon.com/securityhub/latest/userguide/ocsf-findings.html */
const REIMPORT_S = 30 * 86_400
const OPEN: readonly FindingStatus[] = ['failing', 'unknown', 'exempt']
/** Open ones first: of the others Security Hub needs to hear only where it refused their last change. */
const STATUSES = [...OPEN, ...FINDING_STATUSES.filter((status) => !OPEN.includes(status))]
const BATCH_MAX = 100
const LANES_MAX = 16
/** No batch is begun later than this: the writes of one and a call of Security Hub, tried again, take less. */
const RESERVE_MS = 30_000

/**
 * Findings of an account that its Security Hub does not know as they are, or would forget: open ones, and those that it took when they were
 * open and not since. Those in the outbox are on their way there. Ends when the time is up.
 */
export async function* dueForReimport(
  store: FindingStore,
  { now, hub }: Pick<Announcing, 'now' | 'hub'>,
  isTimeUp: () => boolean,
): AsyncIterable<KeptFinding> {
  for (const status of STATUSES) {
    for await (const kept of store.withStatus(status)) {
      if (isTimeUp()) return
      const { finding, unannounced, importedAt, importedVersion } = kept
      const isOpen = OPEN.includes(status)
      const isOld = isOpen && (importedAt === null || importedAt + REIMPORT_S <= now)
      const isOther = importedVersion < finding.version && (isOpen || importedAt !== null)
      if ((isOld || isOther) && unannounced.length === 0 && finding.resource.accountId === hub.accountId) yield kept
    }
  }
}

export type Reimported = {
  readonly imported: number
  readonly isHubEnabled: boolean
  /** The time was up before everything was looked at: the rest comes in the next run. */
  readonly isCut: boolean
  readonly refused: readonly string[]
  readonly faults: readonly Fault[]
}

/**
 * Imports again what is due. The time of an import is noted before it: what is announced meanwhile bears a later one, and an import that
 * comes late does not undo it. That it came is noted after it: one that nobody knows of is made again.
 */
export async function reimport(
  store: FindingStore,
  ports: Pick<SendPorts, 'importFindings'>,
  announcing: Announcing,
  remainingMs: () => number,
): Promise<Reimported> {
  const [refused, faults] = [new Array<string>(), new Array<Fault>()]
  const isTimeUp = (): boolean => remainingMs() < RESERVE_MS
  let imported = 0
  const write = async ({ revision, ...kept }: KeptFinding, changes: Partial<KeptFinding>): Promise<KeptFinding | null> => {
    try {
      const written = await store.write({ ...kept, ...changes }, revision)
      return written === 'conflict' ? null : written
    } catch (error) {
      faults.push({ what: 'finding', id: kept.finding.id, error })
      return null
    }
  }
  const importBatch = async (batch: readonly KeptFinding[]): Promise<boolean> => {
    const tried = await inLanes(batch, LANES_MAX, async (before) => {
      const kept = await write(before, { importedAt: updateTime(before, announcing.now) })
      return kept === null ? [] : [{ before, kept }]
    })
    const noted = tried.flat()
    const sent = await sendFindings(
      ports,
      noted.map(({ before }) => ({ kept: before })),
      announcing,
    )
    refused.push(...sent.refused)
    faults.push(...sent.faults)
    imported += sent.importedAt.size
    await inLanes(noted, LANES_MAX, async ({ before, kept }) => {
      const { id, version } = kept.finding
      if (!sent.importedAt.has(id)) await write(kept, { importedAt: before.importedAt })
      else if (kept.importedVersion !== version) await write(kept, { importedVersion: version })
    })
    return sent.isEnabled
  }
  let batch: KeptFinding[] = []
  for await (const kept of dueForReimport(store, announcing, isTimeUp)) {
    batch.push(kept)
    if (batch.length < BATCH_MAX) continue
    if (!(await importBatch(batch))) return { imported, isHubEnabled: false, isCut: false, refused, faults }
    batch = []
  }
  const isHubEnabled = batch.length === 0 || (await importBatch(batch))
  return { imported, isHubEnabled, isCut: isTimeUp(), refused, faults }
}
