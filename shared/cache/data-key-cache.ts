import { elapsedMs } from '../elapsed.ts'
import { type CachedKey, countedBytes, type Keyed, type KeyLease, type Landed, leaseOf, newCachedKey, wipeIfUnused } from './cached-key.ts'
import { type BypassReason, type CachePolicy, decideUse, isTooOld, type KeyRequest } from './policy.ts'
import { type CacheListener, createRecorder } from './recorder.ts'
import { type CacheStatistics, type EvictionCause, UNKNOWN_KEY } from './statistics.ts'

/** Measures the call it runs: the keyring's, without what is computed beside it. */
export type TimedCall = <Answer>(call: () => Promise<Answer>) => Promise<Answer>

/** A request for a data key: which one (`id`, see `entry-id.ts`), within which limits, and where it comes from if it is not there. */
export type CacheRequest<Materials extends Keyed> = KeyRequest & {
  readonly id: string
  readonly policy: CachePolicy
  /** Gives a key whose bytes nobody else uses: the cache will overwrite them. Called at once, or not at all. */
  fetch(timed: TimedCall): Promise<Materials>
}

export type DataKeyCache = {
  /**
   * A data key for one operation, from the cache where its policy allows it. Requests for the same id share one fetch as far as the
   * policy allows, and its failure: they reject with what the fetch rejected with, and the next request tries again.
   */
  acquire<Materials extends Keyed>(request: CacheRequest<Materials>): Promise<KeyLease<Materials>>
  /**
   * Forgets the data keys under one wrapping key (the generator, where there are several), or all of them. Operations that hold one finish;
   * those that ask from here on get a fresh one: fetches under way are shared no more. @returns how many entries went
   */
  clear(keyArn?: string): number
  /** What happened since the cache was made: a value of its own. */
  snapshot(): CacheStatistics
  /** @returns what ends the subscription. @throws RangeError for the 101st listener */
  subscribe(listener: CacheListener): () => void
}

const CAPACITY_MAX = 1_000_000
/** A miss looks at this many of the least recently used entries for keys that grew too old: the limit of what it costs. */
const PRUNED_PER_MISS = 10
/** Why a key goes that may not serve a request. */
const CAUSE = { expired: 'age', tooManyMessages: 'messages', tooManyBytes: 'bytes' } as const
/** Keys that nobody asks for again are overwritten so long after their time, at most, while the process lives. */
const SWEEP_INTERVAL_MS = 60_000

/**
 * A cache of data keys in the memory of this process: the least recently used goes when it is full, and a key that leaves is overwritten
 * with zeros as soon as no operation holds it.
 * @param options.capacity entries, from 1 to 1,000,000
 * @param options.nowMs milliseconds that only grow
 * @throws RangeError for a capacity that is none
 */
export function createDataKeyCache({
  capacity,
  nowMs = elapsedMs,
}: {
  readonly capacity: number
  readonly nowMs?: () => number
}): DataKeyCache {
  if (!Number.isSafeInteger(capacity) || capacity < 1 || capacity > CAPACITY_MAX)
    throw new RangeError(`capacity must be a whole number of entries from 1 to ${CAPACITY_MAX}`)
  const recorder = createRecorder()
  /** The least recently used first. */
  const entries = new Map<string, CachedKey>()
  let newest: CachedKey | null = null
  let isSweepDue = false

  function evict(key: CachedKey, cause: EvictionCause): void {
    entries.delete(key.id)
    if (newest === key) newest = null
    key.retired = cause
    // One that has not landed is counted when it lands: only then its wrapping key is known.
    if (key.landed !== null) recorder.record(key.landed.counters, { kind: 'eviction', cause })
    wipeIfUnused(key)
  }

  function insert(key: CachedKey): void {
    let looked = 0
    for (const old of entries.values()) {
      if (++looked > PRUNED_PER_MISS) break
      if (isTooOld(old.policy, old.bornMs, key.bornMs)) evict(old, 'age')
    }
    const [oldest] = entries.size >= capacity ? entries.values() : []
    if (oldest !== undefined) evict(oldest, 'capacity')
    entries.set(key.id, key)
    newest = key
    sweepLater()
  }

  function sweepLater(): void {
    if (isSweepDue || entries.size === 0) return
    isSweepDue = true
    setTimeout(() => {
      isSweepDue = false
      const atMs = nowMs()
      for (const key of entries.values()) if (isTooOld(key.policy, key.bornMs, atMs)) evict(key, 'age')
      sweepLater()
      recorder.deliver()
    }, SWEEP_INTERVAL_MS).unref()
  }

  function drop(key: CachedKey): void {
    if (entries.get(key.id) === key) entries.delete(key.id)
    if (newest === key) newest = null
  }

  /** Runs the fetch of a key, and writes down what can be known of it only then. */
  async function fetchKey<Materials extends Keyed>(
    key: CachedKey,
    request: CacheRequest<Materials>,
    reason: BypassReason | 'miss',
  ): Promise<Landed> {
    const calls: { readonly outcome: 'succeeded' | 'failed'; readonly latencyMs: number }[] = []
    const timed: TimedCall = async (run) => {
      const startMs = nowMs()
      let outcome: 'succeeded' | 'failed' = 'failed'
      try {
        const answer = await run()
        outcome = 'succeeded'
        return answer
      } finally {
        calls.push({ outcome, latencyMs: nowMs() - startMs })
      }
    }
    try {
      const materials = await request.fetch(timed)
      const counters = recorder.countersOf(materials.dataKey.wrappedBy, request.operation)
      key.landed = { materials, counters }
      for (const call of calls) recorder.record(counters, { kind: 'call', ...call })
      const [bytes = 0, ...joined] = key.waiting
      recorder.record(counters, reason === 'miss' ? { kind: 'miss', bytes } : { kind: 'bypass', bytes, reason })
      for (const joinedBytes of joined) recorder.record(counters, { kind: 'hit', bytes: joinedBytes, shared: true })
      if (key.retired !== null && key.retired !== 'bypass') recorder.record(counters, { kind: 'eviction', cause: key.retired })
      return key.landed
    } catch (error) {
      drop(key)
      const counters = recorder.countersOf(UNKNOWN_KEY, request.operation)
      for (const call of calls) recorder.record(counters, { kind: 'call', ...call })
      for (const _ of key.waiting) recorder.record(counters, { kind: 'failure', reason })
      throw error
    } finally {
      key.waiting.length = 0
      recorder.deliver()
    }
  }

  function start<Materials extends Keyed>(
    request: CacheRequest<Materials>,
    atMs: number,
    reason: BypassReason | 'miss',
  ): Promise<KeyLease<Materials>> {
    const key = newCachedKey(request, atMs)
    if (reason === 'miss') insert(key)
    else key.retired = 'bypass'
    recorder.deliver()
    // Called now, so that it sees what the caller gave as it is; the cache is whole, should it ask the cache for something.
    fetchKey(key, request, reason).then(key.flight.resolve, key.flight.reject)
    return key.flight.promise.then((landed) => leaseOf<Materials>(key, landed))
  }

  /** Reserves before use: requests that come while the key is on its way count as those that hold it. */
  function share<Materials extends Keyed>(key: CachedKey, bytes: number): Promise<KeyLease<Materials>> {
    key.messages++
    key.bytes += bytes
    key.holders++
    if (newest !== key) {
      entries.delete(key.id)
      entries.set(key.id, key)
      newest = key
    }
    if (key.landed === null) {
      key.waiting.push(bytes)
      return key.flight.promise.then((landed) => leaseOf<Materials>(key, landed))
    }
    recorder.hit(key.landed.counters, bytes)
    recorder.deliver()
    return Promise.resolve(leaseOf<Materials>(key, key.landed))
  }

  return {
    acquire(request) {
      const atMs = nowMs()
      const key = entries.get(request.id)
      const decision = decideUse(request.policy, key ?? null, request, atMs)
      switch (decision) {
        case 'hit':
          return key === undefined ? start(request, atMs, 'miss') : share(key, countedBytes(request))
        case 'absent':
          return start(request, atMs, 'miss')
        case 'expired':
        case 'tooManyMessages':
        case 'tooManyBytes':
          if (key !== undefined) evict(key, CAUSE[decision])
          return start(request, atMs, 'miss')
        case 'identityKdf':
        case 'unknownLength':
        case 'overMaxBytes':
          return start(request, atMs, decision)
      }
    },
    clear(keyArn) {
      let cleared = 0
      for (const key of entries.values()) {
        // Nobody knows yet whose key it is that is still on its way.
        if (keyArn !== undefined && key.landed !== null && key.landed.materials.dataKey.wrappedBy !== keyArn) continue
        evict(key, 'cleared')
        cleared++
      }
      recorder.deliver()
      return cleared
    },
    snapshot: () => ({ entries: entries.size, capacity, listenerFailures: recorder.listenerFailures(), keys: recorder.keys() }),
    subscribe: recorder.subscribe,
  }
}
