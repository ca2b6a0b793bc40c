import type { Stop } from '../../shared/changes/control.ts'
import type { AdoptCandidate } from '../../shared/changes/retire/adopt.ts'
import type { Protection } from '../../shared/changes/retire/protections.ts'
import type { KeyReport } from '../../shared/changes/retire/report.ts'
import type { Unread } from '../../shared/observed.ts'
import { plain, reportText, stopJson, type Target, targetJson, timeJson } from './target-json.ts'

/** What a run of the clean-up came to; or would, where nothing was written. */
export type CleanedUp = {
  readonly target: Target
  readonly policyDigest: string
  /** Null: there is none, and the defaults hold. */
  readonly policyFile: string | null
  /** Those that were asked for; none: all. */
  readonly only: readonly string[]
  readonly isApplied: boolean
  /** Null: nobody stopped Keytrail. */
  readonly stop: Stop | null
  /** Sorted by ARN. */
  readonly keys: readonly KeyReport[]
}

/** What a pattern found, and what of it was registered. */
export type Adoption = {
  readonly target: Target
  readonly policyDigest: string
  /** Null: there is none, and the defaults hold. */
  readonly policyFile: string | null
  readonly pattern: string
  readonly candidates: readonly AdoptCandidate[]
  /** Null: nobody agreed. Else key ARNs, aliases and buckets that have an entry now. */
  readonly registered: readonly string[] | null
  readonly unread: readonly Unread[]
}

const FORMAT = 'keytrail.clean-up/1'

export function cleanUpJson({ target, policyDigest, isApplied, stop, keys }: CleanedUp): string {
  return reportText({
    format: FORMAT,
    target: targetJson(target),
    policyDigest,
    applied: isApplied,
    stopped: stopJson(stop),
    keys: keys.map(({ keyArn, aliases, useCase, owner, before, after, done, next, protections, isUnread, failure }) => ({
      keyArn,
      aliases: aliases.toSorted(),
      useCase,
      owner: plain(owner),
      stage: { before, after },
      done: done.map((step) => plain(step)),
      next: { what: plain(next.what), at: next.at === null ? null : timeJson(next.at) },
      protections: protections.map(protectionJson),
      unread: isUnread,
      failure: failure === null ? null : plain(failure),
    })),
    adoption: null,
  })
}

export function adoptionJson({ target, policyDigest, pattern, candidates, registered, unread }: Adoption): string {
  return reportText({
    format: FORMAT,
    target: targetJson(target),
    policyDigest,
    applied: registered !== null,
    stopped: null,
    keys: [],
    adoption: {
      pattern: plain(pattern),
      candidates: candidates.map(({ name, aliases, against, entries }) => ({
        name: plain(name),
        aliases,
        adoptable: entries.length > 0,
        against: against.map(protectionJson),
      })),
      registered: registered?.toSorted().map((name) => plain(name)) ?? [],
      unread: unread.map(({ action, because, code }) => ({ action, because, code })),
    },
  })
}

function protectionJson({ kind, words }: Protection): object {
  return { kind, words: plain(words) }
}
