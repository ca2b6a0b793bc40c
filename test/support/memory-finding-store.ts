import type { AccessNote, DigestNote, FindingStore, KeptFinding, OutboxMarker } from '../../shared/findings/finding-store.ts'
import type { EpochS } from '../../shared/time.ts'

/** The promises of the port of findings in the plainest way. */
export function createMemoryFindingStore(): FindingStore {
  const findings = new Map<string, KeptFinding>()
  const markers = new Map<string, OutboxMarker>()
  const notes = new Map<string, AccessNote>()
  let digest: DigestNote | null = null
  let revisions = 0
  return {
    ofResource: async ({ accountId, region, arn }) =>
      [...findings.values()].filter(
        ({ finding: { resource } }) => resource.accountId === accountId && resource.region === region && resource.arn === arn,
      ),
    find: async (id) => findings.get(id) ?? null,
    write: async (kept, over) => {
      const { id, judgedAt, since } = kept.finding
      const revision = `revision ${revisions++}`
      if (isOther(findings.get(id), over)) return 'conflict'
      const writtenAt = Math.max(judgedAt, kept.attemptedAt ?? 0) as EpochS
      if (kept.unannounced.length > 0) markers.set(id, { id, token: revision, waitingSince: kept.unannounced[0]?.at ?? since, writtenAt })
      findings.set(id, { ...kept, revision })
      return { ...kept, revision }
    },
    outbox: async (countMax) =>
      [...markers.values()]
        .toSorted((one, other) => one.waitingSince - other.waitingSince || (one.id < other.id ? -1 : 1))
        .slice(0, countMax),
    unmark: async ({ id, token }) => void (markers.get(id)?.token === token && markers.delete(id)),
    announced: async (kept) => {
      const { id } = kept.finding
      if (isOther(findings.get(id), kept.revision)) return 'conflict'
      findings.set(id, { ...kept, unannounced: [], attemptedAt: null, revision: `revision ${revisions++}` })
      if (markers.get(id)?.token === kept.revision) markers.delete(id)
      return 'done'
    },
    async *withStatus(status) {
      for (const kept of Array.from(findings.values())) if (kept.finding.status === status) yield kept
    },
    access: async (accountId, action) => notes.get(`${accountId}#${action}`) ?? null,
    noteAccess: async (note, over) => {
      const key = `${note.accountId}#${note.action}`
      if (isOther(notes.get(key), over)) return 'conflict'
      const written = { ...note, revision: `revision ${revisions++}` }
      notes.set(key, written)
      return written
    },
    digest: async () => digest,
    noteDigest: async (note, over) => {
      if (isOther(digest ?? undefined, over)) return 'conflict'
      digest = { ...note, revision: `revision ${revisions++}` }
      return digest
    },
  }
}

function isOther(there: { readonly revision: string } | undefined, over: string | null): boolean {
  return (there?.revision ?? null) !== over
}
