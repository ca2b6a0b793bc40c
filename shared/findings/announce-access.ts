import type { EpochS } from '../time.ts'
import type { Finding } from './finding.ts'
import type { AccessNote, FindingStore } from './finding-store.ts'
import { type MissingAccess, missingAccess } from './missing-access.ts'

/** How long an attempt may still run: as long as a Lambda function can. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html */
export const ATTEMPT_S_MAX = 900
/** People hear of an action again if it still is missing for findings that turn up so much later. */
const SILENCE_S = 7 * 86_400

/** An action that findings are unknown for, and whether it is to be told now. */
export type ClaimedAccess = {
  readonly access: Omit<MissingAccess, 'isRepetition'>
  /** Ours to tell; null: it was told, or another announcer is about to. */
  readonly note: AccessNote | null
  /** Channels to tell it by, and whether it may be a repetition there. */
  readonly mail: 'tell' | 'told' | 'elsewhere'
  readonly events: 'tell' | 'told' | 'elsewhere'
  readonly isRepetition: { readonly mail: boolean; readonly events: boolean }
}

type Claiming = { readonly now: EpochS; /** Whether a mail is sent that tells of it. */ readonly isMailed: boolean }

/** Notes each missing action that was not told lately before anybody is told: two announcers do not tell it both as new. */
export async function claimAccess(
  store: FindingStore,
  findings: readonly Finding[],
  claiming: Claiming,
): Promise<readonly ClaimedAccess[]> {
  const claimed: ClaimedAccess[] = []
  for (const access of missingAccess(findings)) claimed.push(await claim(store, access, claiming))
  return claimed
}

async function claim(store: FindingStore, access: ClaimedAccess['access'], { now, isMailed }: Claiming): Promise<ClaimedAccess> {
  const { accountId, action } = access
  const before = await store.access(accountId, action)
  const { tried, told } = before ?? { tried: NEVER, told: NEVER }
  const isDue = (at: EpochS | null): boolean => at === null || at + SILENCE_S <= now
  const due = { mail: isMailed && isDue(told.mail), events: isDue(told.events) }
  const isRepetition = { mail: isLater(tried.mail, told.mail), events: isLater(tried.events, told.events) }
  const rest = (word: 'tell' | 'elsewhere'): Pick<ClaimedAccess, 'mail' | 'events'> => ({
    mail: due.mail ? word : 'told',
    events: due.events ? word : 'told',
  })
  if (!due.mail && !due.events) return { access, note: null, ...rest('elsewhere'), isRepetition }
  const isElsewhere = before !== null && before.attemptedAt !== null && before.attemptedAt + ATTEMPT_S_MAX > now
  const note = isElsewhere
    ? 'conflict'
    : await store.noteAccess(
        {
          accountId,
          action,
          attemptedAt: now,
          tried: { mail: due.mail ? now : tried.mail, events: due.events ? now : tried.events },
          told,
        },
        before?.revision ?? null,
      )
  return note === 'conflict' ? { access, note: null, ...rest('elsewhere'), isRepetition } : { access, note, ...rest('tell'), isRepetition }
}

const NEVER: AccessNote['told'] = { mail: null, events: null }

function isLater(tried: EpochS | null, told: EpochS | null): boolean {
  return tried !== null && (told === null || tried > told)
}

/** Notes what was told. Whoever noted something since took over an attempt that lasted too long. */
export async function settleAccess(
  store: FindingStore,
  { note }: ClaimedAccess,
  told: { readonly mail: boolean; readonly events: boolean },
): Promise<void> {
  if (note === null) return
  const { accountId, action, tried } = note
  const after = { mail: told.mail ? tried.mail : note.told.mail, events: told.events ? tried.events : note.told.events }
  await store.noteAccess({ accountId, action, attemptedAt: null, tried, told: after }, note.revision)
}
