import type { CachePolicy, KeyRequest } from './policy.ts'
import type { Counters, EvictionCause } from './statistics.ts'

/** What a cache keeps: a data key in the clear, and what belongs to it. The cache owns the bytes from the moment it has them. */
export type Keyed = { readonly dataKey: { readonly bytes: Uint8Array; readonly wrappedBy: string } }

/** Something held for one operation. After `release` the data key may be overwritten at any time; a second release does nothing. */
export type KeyLease<Materials> = { readonly materials: Materials; release(): void }

/** What a finished fetch brought, and where its key's numbers stand. */
export type Landed = { readonly materials: Keyed; readonly counters: Counters }

/**
 * One data key from the request that asks for it to the last operation that uses it.
 * Requests hold it from before it is there, so that nothing overwrites it between its arrival and their turn.
 */
export type CachedKey = {
  readonly id: string
  readonly policy: CachePolicy
  readonly bornMs: number
  /** Reserved so far: the requests that wait for the key included. */
  messages: number
  bytes: number
  /** Operations that hold the key, or wait for it. */
  holders: number
  /** Why it is in the cache no more, or that it never was (`bypass`); null while it may serve. */
  retired: EvictionCause | 'bypass' | null
  readonly flight: PromiseWithResolvers<Landed>
  /** What the flight brought; null while it is under way, and where it failed. */
  landed: Landed | null
  /** Plaintext bytes of each request that waits for the flight: the one that started it first. */
  readonly waiting: number[]
}

/** A key that is on its way for one request. */
export function newCachedKey(request: KeyRequest & { readonly id: string; readonly policy: CachePolicy }, bornMs: number): CachedKey {
  const { id, policy } = request
  const bytes = countedBytes(request)
  const flight = Promise.withResolvers<Landed>()
  return { id, policy, bornMs, messages: 1, bytes, holders: 1, retired: null, flight, landed: null, waiting: [bytes] }
}

/** The plaintext bytes of a request, as far as it knows them. */
export function countedBytes({ operation, plaintextBytes }: KeyRequest): number {
  const isKnown = operation === 'GenerateDataKey' && plaintextBytes !== null && Number.isSafeInteger(plaintextBytes) && plaintextBytes >= 0
  return isKnown ? plaintextBytes : 0
}

/** Hands out what a request had reserved: the count of holders does not change. */
export function leaseOf<Materials extends Keyed>(key: CachedKey, landed: Landed): KeyLease<Materials> {
  let isHeld = true
  return {
    // An entry's id names the operation and the keyring, so one id has materials of one type.
    materials: landed.materials as Materials,
    release() {
      if (!isHeld) return
      isHeld = false
      key.holders--
      wipeIfUnused(key)
    },
  }
}

/** Writes zeros over a key that left the cache and that no operation holds or waits for. */
export function wipeIfUnused(key: CachedKey): void {
  if (key.retired !== null && key.holders === 0) key.landed?.materials.dataKey.bytes.fill(0)
}
