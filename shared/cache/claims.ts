import { isDeepStrictEqual } from 'node:util'
import type { EpochS } from '../time.ts'
import type { DataKeyCache } from './data-key-cache.ts'
import type { CacheStatistics, KeyStatistics } from './statistics.ts'

/**
 * What one process says its cache did. Numbers are cumulative since `startedAt`: of several claims of an instance the latest about a key
 * holds all the others, so that lost, repeated and reordered ones do no harm.
 */
export type Claim = {
  readonly format: 'keytrail.claims/1'
  readonly instanceId: string
  /** When counting began; this and the next two are UTC with whole seconds, such as `2026-10-01T12:00:00Z`. */
  readonly startedAt: string
  /** What is new happened after this: the `to` of the last claim that is known to have arrived. */
  readonly from: string
  readonly to: string
  /** Keys of which there is something new; what earlier claims say of others holds still. */
  readonly keys: readonly KeyStatistics[]
}

/** How one flush went. A failed one loses nothing: the next says it all. */
export type FlushResult =
  | { readonly kind: 'sent'; readonly keys: number }
  | { readonly kind: 'nothingNew' }
  | { readonly kind: 'failed'; readonly error: unknown }

export type Claims = {
  /**
   * Sends what is new. One send at a time: who comes meanwhile waits for one more, which is of everything up to its start.
   * Never rejects.
   */
  flush(): Promise<FlushResult>
  /** Ends the interval and flushes once more. */
  close(): Promise<FlushResult>
}

export type ClaimsOptions = {
  readonly cache: Pick<DataKeyCache, 'snapshot'>
  /** Delivers a claim or rejects. It must give up on its own: a flush waits for it. */
  readonly send: (claim: Claim) => Promise<void>
  /** A text that was never used before: two caches must not claim under one name. */
  readonly instanceId: string
  readonly now: () => EpochS
  /** Is told of each send that failed. */
  readonly onFailure: (error: unknown) => void
  /** Flushes so often while the process lives; an interval keeps no process alive. Without it only when told. At least 1,000. */
  readonly intervalMs?: number
}

const INTERVAL_MS_MIN = 1000
/** The longest time a timer waits: https://nodejs.org/api/timers.html#setintervalcallback-delay-args */
const INTERVAL_MS_MAX = 2 ** 31 - 1

/** What is new in `current` beside what was sent, as a claim; null: nothing. */
export function claimOf(
  current: CacheStatistics,
  sent: CacheStatistics | null,
  origin: { readonly instanceId: string; readonly startedAt: EpochS; readonly from: EpochS; readonly to: EpochS },
): Claim | null {
  const sentKeys = new Map(sent?.keys.map((key) => [`${key.operation} ${key.keyArn}`, key]))
  const keys = current.keys.filter((key) => !isDeepStrictEqual(key, sentKeys.get(`${key.operation} ${key.keyArn}`)))
  if (keys.length === 0) return null
  const { instanceId, startedAt, from, to } = origin
  return { format: 'keytrail.claims/1', instanceId, startedAt: utcText(startedAt), from: utcText(from), to: utcText(to), keys }
}

/** Keeps the claims of one cache. To be made together with it. @throws RangeError for an interval or an instance ID that is none */
export function createClaims({ cache, send, instanceId, now, onFailure, intervalMs }: ClaimsOptions): Claims {
  if (instanceId === '') throw new RangeError('instanceId must be a text of at least one character')
  if (intervalMs !== undefined && !(intervalMs >= INTERVAL_MS_MIN && intervalMs <= INTERVAL_MS_MAX))
    throw new RangeError(`intervalMs must be a number from ${INTERVAL_MS_MIN} to ${INTERVAL_MS_MAX}`)
  const startedAt = now()
  let sent: CacheStatistics | null = null
  let sentTo = startedAt
  let running: Promise<FlushResult> | null = null
  let waiting: Promise<FlushResult> | null = null

  async function sendNew(): Promise<FlushResult> {
    try {
      const current = cache.snapshot()
      // The time of day can run back; a span cannot.
      const to = Math.max(now(), sentTo) as EpochS
      const claim = claimOf(current, sent, { instanceId, startedAt, from: sentTo, to })
      if (claim === null) return { kind: 'nothingNew' }
      await send(claim)
      sent = current
      sentTo = to
      return { kind: 'sent', keys: claim.keys.length }
    } catch (error) {
      tellFailure(error)
      return { kind: 'failed', error }
    }
  }

  function tellFailure(error: unknown): void {
    try {
      onFailure(error)
    } catch {
      // The result says it, too; a report that fails must not fail an invocation that went well.
    }
  }

  function run(): Promise<FlushResult> {
    waiting = null
    running = sendNew().finally(() => (running = null))
    return running
  }

  function flush(): Promise<FlushResult> {
    // Somebody waits until the instant the next send begins, when `running` may be over already.
    if (waiting !== null) return waiting
    if (running === null) return run()
    waiting = running.then(run)
    return waiting
  }

  const interval = intervalMs === undefined ? null : setInterval(() => void flush(), intervalMs).unref()
  return {
    flush,
    close() {
      if (interval !== null) clearInterval(interval)
      return flush()
    },
  }
}

/**
 * Flushes at the end of each invocation, whether it went well or not, and changes nothing of its outcome: after the answer Lambda may
 * stop the process for good. A middleware for `@middy/core`.
 */
export function claimsMiddleware(claims: Pick<Claims, 'flush'>): { after(): Promise<void>; onError(): Promise<void> } {
  async function flush(): Promise<void> {
    await claims.flush()
  }
  return { after: flush, onError: flush }
}

function utcText(instant: EpochS): string {
  return new Date(instant * 1000).toISOString().replace('.000Z', 'Z')
}
