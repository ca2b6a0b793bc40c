import { cappedText } from '../text.ts'
import type { KeyOperation } from './policy.ts'
import { type CacheEvent, countEvent, type Counters, type KeyStatistics, OTHER_KEYS, UNKNOWN_KEY, zeroCounters } from './statistics.ts'

/** Is told what happens, right after it happened. What it throws is counted and harms nobody. */
export type CacheListener = (event: CacheEvent) => void

/** A program uses a handful of keys; one that meets more in its messages must not fill memory, or a claim's message, with them. */
const KEYS_MAX = 256
/** Longer than any key ARN. */
const KEY_NAME_BYTES_MAX = 256
const LISTENERS_MAX = 100

/** Distributes over the kinds, so that what is left of each stays together. */
type Told<Event> = Event extends CacheEvent ? Omit<Event, 'keyArn' | 'operation'> : never

export type Recorder = {
  /** The numbers of a key, or those of `other` where too many keys are counted already. */
  countersOf(keyArn: string, operation: KeyOperation): Counters
  /** A hit on an entry that stands: the only count on the fast path, it makes an event for listeners only. */
  hit(counters: Counters, bytes: number): void
  record(counters: Counters, told: Told<CacheEvent>): void
  /** Tells listeners what was recorded since. To be called when the cache is whole again: a listener may ask it for anything. */
  deliver(): void
  /** @throws RangeError for more listeners than anyone needs */
  subscribe(listener: CacheListener): () => void
  keys(): readonly KeyStatistics[]
  listenerFailures(): number
}

export function createRecorder(): Recorder {
  const ofKey = { GenerateDataKey: new Map<string, Counters>(), Decrypt: new Map<string, Counters>() }
  /** Keyed by an object of its own: one function may listen twice. */
  const listeners = new Map<object, CacheListener>()
  let undelivered: CacheEvent[] = []
  let listenerFailures = 0

  function countFailure(): void {
    listenerFailures++
  }

  function tell(listener: CacheListener, event: CacheEvent): void {
    try {
      // An async function is a listener too, as far as types go; its rejection must not end the process.
      const answer: unknown = listener(event)
      if (answer instanceof Promise) answer.catch(countFailure)
    } catch {
      countFailure()
    }
  }

  return {
    countersOf(keyArn, operation) {
      const rows = ofKey[operation]
      const capped = cappedText(keyArn, KEY_NAME_BYTES_MAX)
      const name = rows.has(capped) || rows.size < KEYS_MAX || capped === UNKNOWN_KEY ? capped : OTHER_KEYS
      const known = rows.get(name)
      if (known !== undefined) return known
      const counters = zeroCounters(name, operation)
      rows.set(name, counters)
      return counters
    },
    hit(counters, bytes) {
      counters.hits++
      counters.messages++
      counters.bytes += bytes
      if (listeners.size === 0) return
      undelivered.push({ kind: 'hit', keyArn: counters.keyArn, operation: counters.operation, bytes, shared: false })
    },
    record(counters, told) {
      const event: CacheEvent = { keyArn: counters.keyArn, operation: counters.operation, ...told }
      countEvent(counters, event)
      if (listeners.size > 0) undelivered.push(event)
    },
    deliver() {
      if (undelivered.length === 0) return
      const events = undelivered
      undelivered = []
      for (const event of events) for (const listener of listeners.values()) tell(listener, event)
    },
    subscribe(listener) {
      if (listeners.size >= LISTENERS_MAX)
        throw new RangeError(`a cache has ${LISTENERS_MAX} listeners at most: is one subscribed again and again?`)
      const token = {}
      listeners.set(token, listener)
      return () => void listeners.delete(token)
    },
    keys: () => [...ofKey.GenerateDataKey.values(), ...ofKey.Decrypt.values()].map((counters) => structuredClone(counters)),
    listenerFailures: () => listenerFailures,
  }
}
