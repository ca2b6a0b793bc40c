import type { EpochS } from '../time.ts'
import type { ClaimedAccess } from './announce-access.ts'
import { asffFinding } from './asff.ts'
import { batchesOf } from './batches.ts'
import type { Finding } from './finding.ts'
import { accessEvent, type FindingEvent, findingEvent } from './finding-event.ts'
import { criticalMail } from './mail.ts'
import type { KeptFinding } from './finding-store.ts'
import { type Announcing, type Held, newsFor } from './news.ts'
import type { Fault, SendPorts, Sent, SentAccess } from './send-ports.ts'
import { ruleOf } from './shown-rule.ts'

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html; the bytes are those of a whole call. */
export const EVENTS_MAX = { countMax: 10, bytesMax: 256_000 }
/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html; the bytes are a choice: each has far fewer than 240 KB. */
const FINDINGS_MAX = { countMax: 100, bytesMax: 1_000_000 }

/** @throws if the finding is of a form that cannot be told: somebody else wrote it */
export function rehearse(finding: Finding, { rules, hub, now }: Announcing): void {
  const rule = ruleOf(rules, finding)
  const news = { finding, rule, transitions: [], earlier: 0, isRepetition: false }
  criticalMail(news, hub.accountId)
  findingEvent(news, now)
  asffFinding(finding, rule, { hub, updatedAt: now })
}

/** An event for each finding that changed, and one for each missing action. */
export async function sendEvents(
  ports: SendPorts,
  held: readonly Held[],
  access: readonly ClaimedAccess[] | null,
  { rules, now }: Announcing,
): Promise<SentAccess> {
  const [told, refused, sentAccess, faults] = [new Set<string>(), new Set<string>(), new Set<ClaimedAccess>(), new Array<Fault>()]
  let count = 0
  const entries = [
    ...held.flatMap((each) => {
      const news = newsFor('events', each, rules)
      return news === null ? [] : [{ event: findingEvent(news, now), id: each.kept.finding.id, claimed: null }]
    }),
    ...(access ?? [])
      .filter(({ events }) => events === 'tell')
      .map((claimed) => ({
        event: accessEvent({ ...claimed.access, isRepetition: claimed.isRepetition.events }, now),
        id: null,
        claimed,
      })),
  ]
  for (const batch of batchesOf(entries, EVENTS_MAX, ({ event }) => eventBytes(event))) {
    try {
      const answer = await ports.putEvents(batch.map(({ event }) => event))
      for (const [index, { id, claimed }] of batch.entries()) {
        const isRefused = answer.refused.includes(index)
        count += isRefused ? 0 : 1
        if (id !== null) (isRefused ? refused : told).add(id)
        else if (!isRefused) sentAccess.add(claimed)
      }
    } catch (error) {
      faults.push({ what: 'events', id: null, error })
    }
  }
  return { told, refused, faults, count, access: sentAccess }
}

/** How long an event is as EventBridge counts. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
export function eventBytes({ source, detailType, resources, detail }: FindingEvent): number {
  const TIME_BYTES = 14
  return [source, detailType, detail, ...resources].reduce((sum, text) => sum + Buffer.byteLength(text), TIME_BYTES)
}

/** Strictly newer than the last import: Security Hub leaves out what is not. */
export function updateTime({ importedAt }: Pick<KeptFinding, 'importedAt'>, now: EpochS): EpochS {
  return Math.max(now, importedAt === null ? 0 : importedAt + 1) as EpochS
}

type SentFindings = Sent & { readonly importedAt: ReadonlyMap<string, EpochS>; readonly isEnabled: boolean }

/** Findings of the account whose Security Hub it is. Where it is not enabled they are told: they are imported once it is. */
export async function sendFindings(
  ports: Pick<SendPorts, 'importFindings'>,
  held: readonly Pick<Held, 'kept'>[],
  { rules, hub, now }: Announcing,
): Promise<SentFindings> {
  const [told, refused, faults, importedAt] = [new Set<string>(), new Set<string>(), new Array<Fault>(), new Map<string, EpochS>()]
  let isEnabled = true
  const own = held.filter(({ kept }) => kept.finding.resource.accountId === hub.accountId)
  const entries = own.map(({ kept }) => {
    const { finding } = kept
    const updatedAt = updateTime(kept, now)
    return { id: finding.id, updatedAt, asff: asffFinding(finding, ruleOf(rules, finding), { hub, updatedAt }) }
  })
  for (const batch of batchesOf(entries, FINDINGS_MAX, ({ asff }) => Buffer.byteLength(JSON.stringify(asff)))) {
    try {
      const answer: Awaited<ReturnType<SendPorts['importFindings']>> = isEnabled
        ? await ports.importFindings(batch.map(({ asff }) => asff))
        : 'not_enabled'
      isEnabled = answer !== 'not_enabled'
      for (const { id, asff, updatedAt } of batch) {
        if (answer !== 'not_enabled' && answer.refused.includes(asff.Id)) refused.add(id)
        else told.add(id)
        if (answer !== 'not_enabled' && !refused.has(id)) importedAt.set(id, updatedAt)
      }
    } catch (error) {
      faults.push({ what: 'hub', id: null, error })
    }
  }
  for (const { kept } of held) if (!own.some((each) => each.kept === kept)) told.add(kept.finding.id)
  return { told, refused, faults, importedAt, isEnabled }
}
