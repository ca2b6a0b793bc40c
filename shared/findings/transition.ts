import { UNREAD_WORDS } from '../observed.ts'
import type { Resource, Rule } from '../rules/rule.ts'
import type { Verdict } from '../rules/verdict.ts'
import type { EpochS } from '../time.ts'
import type { Exemption } from './exemption.ts'
import { type Evidence, type Finding, findingId, type FindingStatus, type Transition } from './finding.ts'
import { cutText } from './plain-text.ts'

/** Reasons name what strangers called their things. */
const REASON_BYTES_MAX = 2048

/** What a verdict makes of a finding. `next` null: there is none, and none is needed. */
export type Decision = { readonly next: Finding | null; readonly transition: Transition | null }

type Judged = {
  readonly rule: Pick<Rule, 'id' | 'severity'>
  readonly resource: Resource
  readonly verdict: Verdict | { readonly kind: 'gone' }
  /** The one that covers the resource now. */
  readonly exemption: Exemption | null
  readonly now: EpochS
  readonly evidence: Evidence
}

/**
 * Decides by what stands and what was judged. A pass without a history makes no finding. What could not be judged is unknown, whatever it
 * was before: a pass of yesterday says nothing of today. Who judges waits with what may be read in a moment.
 */
export function decide(previous: Finding | null, judged: Judged): Decision {
  const { rule, resource, verdict, now, evidence } = judged
  const status = statusOf(previous, judged)
  if (status === null) return { next: null, transition: null }
  const isFailing = verdict.kind === 'fail'
  const turns = previous?.status !== status
  // What failed says nothing new of a finding that was unknown before.
  const isSilent = verdict.kind === 'unknown' && !turns && verdict.unread.every(({ because }) => because === 'failed')
  const { denied, isUnclear, reason } = isSilent ? previous : whyOf(judged, status)
  // Another action that is denied leaves it unknown, and is news; so is that it was read, and does not decide it.
  const changes = turns || denied.some((action) => !previous.denied.includes(action)) || (isUnclear && !previous.isUnclear)
  const next: Finding = {
    id: findingId(rule.id, resource),
    ruleId: rule.id,
    severity: rule.severity,
    resource,
    status,
    reason,
    denied,
    isUnclear,
    createdAt: previous?.createdAt ?? now,
    firstFailedAt: previous?.firstFailedAt ?? (isFailing ? now : null),
    lastFailedAt: isFailing ? now : (previous?.lastFailedAt ?? null),
    since: turns ? now : previous.since,
    judgedAt: now,
    version: (previous?.version ?? 0) + (changes ? 1 : 0),
    evidence,
  }
  const transition = changes ? { from: previous?.status ?? null, to: status, at: now, reason: next.reason } : null
  return { next, transition }
}

/** Null: there is nothing to keep. */
function statusOf(previous: Finding | null, { verdict, exemption }: Judged): FindingStatus | null {
  switch (verdict.kind) {
    case 'pass':
      return previous === null ? null : 'passing'
    case 'gone':
    case 'not_applicable':
      return previous === null ? null : 'gone'
    case 'fail':
      return exemption === null ? 'failing' : 'exempt'
    case 'unknown':
      return 'unknown'
  }
}

function whyOf(judged: Judged, status: FindingStatus): Pick<Finding, 'reason' | 'denied' | 'isUnclear'> {
  const unread = judged.verdict.kind === 'unknown' ? judged.verdict.unread : []
  const denied = unread.filter(({ because }) => because === 'denied').map(({ action }) => action)
  return {
    reason: cutText(reasonOf(judged, status), REASON_BYTES_MAX),
    denied: [...new Set(denied)].toSorted(),
    isUnclear: unread.some(({ because }) => because === 'unclear'),
  }
}

function reasonOf({ verdict, exemption }: Judged, status: FindingStatus): string {
  switch (verdict.kind) {
    case 'pass':
      return 'it is as the rule wants it'
    case 'gone':
      return 'the resource is gone'
    case 'not_applicable':
      return verdict.reason
    case 'fail':
      return status === 'exempt' && exemption !== null
        ? `${verdict.reason}; exempt until ${new Date(1000 * exemption.until).toISOString().slice(0, 10)}, approved by ${exemption.approver}: ${exemption.reason}`
        : verdict.reason
    case 'unknown':
      return verdict.unread
        .map(({ action, because, code }) => `${action} ${UNREAD_WORDS[because]}${because === 'denied' ? '' : ` (${code})`}`)
        .join('; ')
  }
}
