import type { BypassReason, KeyOperation } from './policy.ts'

export type EvictionCause = 'age' | 'messages' | 'bytes' | 'capacity' | 'cleared'

export const EVICTION_CAUSES = ['age', 'messages', 'bytes', 'capacity', 'cleared'] as const satisfies readonly EvictionCause[]
export const BYPASS_REASONS = ['identityKdf', 'unknownLength', 'overMaxBytes'] as const satisfies readonly BypassReason[]

/** Upper bounds of the latency histogram, each inclusive; one bucket more holds what took longer. */
export const LATENCY_BOUNDS_MS: readonly number[] = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]

/** Stands for the wrapping key of requests that failed: nobody learnt which it would have been. */
export const UNKNOWN_KEY = 'unknown'
/** Stands for the wrapping keys beyond those that are counted one by one. */
export const OTHER_KEYS = 'other'

/**
 * What the cache did for one wrapping key and operation since it was made. `hits + misses + bypasses` are the requests,
 * and all of them but `failures` got a data key: `messages`.
 */
export type KeyStatistics = {
  /** `DataKey.wrappedBy`, `unknown` or `other`. */
  readonly keyArn: string
  readonly operation: KeyOperation
  /** Requests served without a call of their own. */
  readonly hits: number
  /** Those hits that waited for a call that another request had made. */
  readonly sharedFlights: number
  /** Requests that the cache could not serve: each made a call, or shared the failure of one. */
  readonly misses: number
  /** Requests that must not be cached, each with a call of its own. */
  readonly bypasses: Readonly<Record<BypassReason, number>>
  /** Requests that got an error in place of a key. */
  readonly failures: number
  readonly evictions: Readonly<Record<EvictionCause, number>>
  readonly messages: number
  /** Plaintext bytes of what was encrypted, as far as their number was known. */
  readonly bytes: number
  /**
   * Calls of the keyring and how long they took. A KMS keyring with one key makes one KMS call each; with several keys it also calls
   * Encrypt for the others, and tries Decrypt until one works.
   */
  readonly calls: {
    readonly succeeded: number
    readonly failed: number
    readonly sumMs: number
    readonly maxMs: number
    /** One number for each of `LATENCY_BOUNDS_MS`, and one more. */
    readonly histogram: readonly number[]
  }
}

/** The cumulative state of one cache: a plain value that does not change any more. */
export type CacheStatistics = {
  readonly entries: number
  readonly capacity: number
  /** Listeners that threw or rejected. */
  readonly listenerFailures: number
  readonly keys: readonly KeyStatistics[]
}

/** One thing that befell one key. `hit`, `miss` and `bypass` come when the request has its data key. */
export type CacheEvent = { readonly keyArn: string; readonly operation: KeyOperation } & (
  | { readonly kind: 'hit'; readonly bytes: number; readonly shared: boolean }
  | { readonly kind: 'miss'; readonly bytes: number }
  | { readonly kind: 'bypass'; readonly bytes: number; readonly reason: BypassReason }
  | { readonly kind: 'failure'; readonly reason: BypassReason | 'miss' }
  | { readonly kind: 'eviction'; readonly cause: EvictionCause }
  | { readonly kind: 'call'; readonly outcome: 'succeeded' | 'failed'; readonly latencyMs: number }
)

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] extends object ? Mutable<Value[Name]> : Value[Name] }
/** The running numbers of one key and operation. Whoever counts holds on to them: finding them again would cost as much as a hit. */
export type Counters = Mutable<KeyStatistics>

export function zeroCounters(keyArn: string, operation: KeyOperation): Counters {
  return {
    keyArn,
    operation,
    hits: 0,
    sharedFlights: 0,
    misses: 0,
    bypasses: { identityKdf: 0, unknownLength: 0, overMaxBytes: 0 },
    failures: 0,
    evictions: { age: 0, messages: 0, bytes: 0, capacity: 0, cleared: 0 },
    messages: 0,
    bytes: 0,
    calls: { succeeded: 0, failed: 0, sumMs: 0, maxMs: 0, histogram: [...LATENCY_BOUNDS_MS.map(() => 0), 0] },
  }
}

/** Adds what one event says to the numbers of its key: they say what all events said together. */
export function countEvent(counters: Counters, event: CacheEvent): void {
  switch (event.kind) {
    case 'hit':
      counters.hits++
      if (event.shared) counters.sharedFlights++
      counters.messages++
      counters.bytes += event.bytes
      return
    case 'miss':
      counters.misses++
      counters.messages++
      counters.bytes += event.bytes
      return
    case 'bypass':
      counters.bypasses[event.reason]++
      counters.messages++
      counters.bytes += event.bytes
      return
    case 'failure':
      if (event.reason === 'miss') counters.misses++
      else counters.bypasses[event.reason]++
      counters.failures++
      return
    case 'eviction':
      counters.evictions[event.cause]++
      return
    case 'call': {
      const { calls } = counters
      calls[event.outcome]++
      calls.sumMs += event.latencyMs
      calls.maxMs = Math.max(calls.maxMs, event.latencyMs)
      const bucket = LATENCY_BOUNDS_MS.findIndex((boundMs) => event.latencyMs <= boundMs)
      const at = bucket < 0 ? LATENCY_BOUNDS_MS.length : bucket
      calls.histogram[at] = (calls.histogram[at] ?? 0) + 1
    }
  }
}

/** The sum over all keys and both operations. */
export function totalStatistics(statistics: CacheStatistics): Omit<KeyStatistics, 'keyArn' | 'operation'> {
  const { keyArn: _, operation: __, ...total } = zeroCounters('', 'Decrypt')
  for (const key of statistics.keys) {
    total.hits += key.hits
    total.sharedFlights += key.sharedFlights
    total.misses += key.misses
    total.failures += key.failures
    total.messages += key.messages
    total.bytes += key.bytes
    for (const reason of BYPASS_REASONS) total.bypasses[reason] += key.bypasses[reason]
    for (const cause of EVICTION_CAUSES) total.evictions[cause] += key.evictions[cause]
    total.calls.succeeded += key.calls.succeeded
    total.calls.failed += key.calls.failed
    total.calls.sumMs += key.calls.sumMs
    total.calls.maxMs = Math.max(total.calls.maxMs, key.calls.maxMs)
    for (const [at, count] of key.calls.histogram.entries()) total.calls.histogram[at] = (total.calls.histogram[at] ?? 0) + count
  }
  return total
}
