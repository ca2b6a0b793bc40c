import type { ClaimedAccess } from './announce-access.ts'
import { isMailed, type MailPlan } from './announce-digest.ts'
import type { Finding } from './finding.ts'
import { criticalMail, digestMail, type Mail } from './mail.ts'
import { byWeight } from './mail-lines.ts'
import { type Announcing, type Held, newsFor } from './news.ts'
import type { Fault, SendPorts, SentAccess } from './send-ports.ts'

type SentMails = SentAccess & { readonly isDigestSent: boolean }

/** Critical findings that fail by themselves, the rest as one mail, if one is due. @param access null: it is not known what was told of it */
export async function sendMails(
  ports: SendPorts,
  { held, access, plan }: { readonly held: readonly Held[]; readonly access: readonly ClaimedAccess[] | null; readonly plan: MailPlan },
  { rules, hub }: Announcing,
): Promise<SentMails> {
  const [told, faults] = [new Set<string>(), new Array<Fault>()]
  let count = 0
  const send = async (mail: Mail, ids: readonly string[]): Promise<boolean> => {
    try {
      await ports.mail(mail)
      count++
      for (const id of ids) told.add(id)
      return true
    } catch (error) {
      faults.push({ what: 'mail', id: ids.length === 1 ? (ids[0] ?? null) : null, error })
      return false
    }
  }
  const waiting = access === null ? null : access.filter(({ mail }) => mail === 'elsewhere')
  const news = held
    .filter(({ kept }) => isMailed(plan, kept) && !waitsFor(kept.finding, waiting))
    .flatMap((each) => newsFor('mail', each, rules) ?? [])
    .toSorted((one, other) => byWeight(one.finding, other.finding))
  const critical = news.filter(({ finding }) => plan.critical.has(finding.id))
  for (const each of critical) await send(criticalMail(each, hub.accountId), [each.finding.id])
  const rest = news.filter((each) => !critical.includes(each))
  const due = (access ?? []).filter(({ mail }) => mail === 'tell')
  const missing = due.map(({ access: missed, isRepetition }) => ({ ...missed, isRepetition: isRepetition.mail }))
  const digest = digestMail({ news: rest, access: missing, hubAccountId: hub.accountId })
  const ids = rest.map(({ finding }) => finding.id)
  // With nothing that people have not heard of, all are told.
  const isTold = digest === null || (await send(digest, ids))
  if (digest === null) for (const id of ids) told.add(id)
  return { told, refused: new Set(), faults, count, access: new Set(isTold ? due : []), isDigestSent: digest !== null && isTold }
}

/** A finding whose missing action another announcer is about to tell is told when that was. */
function waitsFor({ denied, resource }: Finding, waiting: readonly ClaimedAccess[] | null): boolean {
  if (denied.length === 0) return false
  return waiting === null || waiting.some(({ access }) => access.accountId === resource.accountId && denied.includes(access.action))
}
