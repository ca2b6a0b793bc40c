import type { EpochS } from '../time.ts'
import { ATTEMPT_S_MAX } from './announce-access.ts'
import type { DigestNote, FindingStore, KeptFinding } from './finding-store.ts'
import { byWeight } from './mail-lines.ts'

/** So long after a digest what is not critical waits for the next one: two runs of the schedule. */
const DIGEST_EVERY_S = 600
/** More critical findings at once than these go into the digest: it begins with them. */
const CRITICAL_MAILS_MAX = 20

/** What is told by mail in a run. */
export type MailPlan = {
  /** IDs of findings that go by themselves. */
  readonly critical: ReadonlySet<string>
  /** Ours to send; null: all others wait for the next digest, or for another announcer's. */
  readonly digest: DigestNote | null
}

/** Whether a run tells this finding by mail. */
export function isMailed({ critical, digest }: MailPlan, { finding }: Pick<KeptFinding, 'finding'>): boolean {
  return digest !== null || critical.has(finding.id)
}

/** Notes a digest before anything is told, so that two announcers do not send one each. @param isFull there is more than one run takes */
export async function planMails(
  store: FindingStore,
  found: readonly KeptFinding[],
  { now, isFull }: { readonly now: EpochS; readonly isFull: boolean },
  onFault: (error: unknown) => void,
): Promise<MailPlan> {
  const untold = found.filter(({ finding, told }) => finding.version > told.mail).map(({ finding }) => finding)
  const urgent = untold.filter(({ status, severity }) => status === 'failing' && severity === 'critical').toSorted(byWeight)
  const critical = new Set(urgent.slice(0, CRITICAL_MAILS_MAX).map(({ id }) => id))
  if (untold.length === critical.size) return { critical, digest: null }
  try {
    // What waits must neither hold up what comes behind it nor be critical.
    return { critical, digest: await claimDigest(store, now, isFull || urgent.length > critical.size) }
  } catch (error) {
    onFault(error)
    return { critical, digest: null }
  }
}

async function claimDigest(store: FindingStore, now: EpochS, isPressing: boolean): Promise<DigestNote | null> {
  const before = await store.digest()
  const { attemptedAt, sentAt } = before ?? { attemptedAt: null, sentAt: null }
  const isElsewhere = attemptedAt !== null && attemptedAt + ATTEMPT_S_MAX > now
  const isEarly = sentAt !== null && sentAt + DIGEST_EVERY_S > now && !isPressing
  if (isElsewhere || isEarly) return null
  const note = await store.noteDigest({ attemptedAt: now, sentAt }, before?.revision ?? null)
  return note === 'conflict' ? null : note
}

/** Notes whether it was sent. Whoever noted something since took over an attempt that lasted too long. */
export async function settleDigest(store: FindingStore, { digest }: MailPlan, { isSent }: { readonly isSent: boolean }): Promise<void> {
  if (digest === null) return
  await store.noteDigest({ attemptedAt: null, sentAt: isSent ? digest.attemptedAt : digest.sentAt }, digest.revision)
}
