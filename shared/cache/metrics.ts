import { BYPASS_REASONS, type CacheStatistics, EVICTION_CAUSES, totalStatistics } from './statistics.ts'

/** A value for a metric without dimensions: keys and callers stay out, as every combination would be a metric that is paid for. */
export type MetricPoint = { readonly name: string; readonly unit: 'Count' | 'Bytes' | 'Milliseconds'; readonly value: number }

/**
 * What happened between two states of one cache (null: since it was made), for CloudWatch's embedded metric format.
 * The mean latency of the keyring is `KeyringCallTime / (KeyringCalls + KeyringCallFailures)`. Causes and reasons come only where there
 * were any; all others always, so that alarms see zeros.
 */
export function cacheMetrics(current: CacheStatistics, previous: CacheStatistics | null): readonly MetricPoint[] {
  const now = totalStatistics(current)
  const then = totalStatistics(previous ?? { ...current, keys: [] })
  return [
    count('CacheHits', now.hits - then.hits),
    count('CacheSharedFlights', now.sharedFlights - then.sharedFlights),
    count('CacheMisses', now.misses - then.misses),
    count('CacheBypasses', sum(BYPASS_REASONS.map((reason) => now.bypasses[reason] - then.bypasses[reason]))),
    count('CacheFailures', now.failures - then.failures),
    count('CacheEvictions', sum(EVICTION_CAUSES.map((cause) => now.evictions[cause] - then.evictions[cause]))),
    count('CacheMessages', now.messages - then.messages),
    { name: 'CacheBytes', unit: 'Bytes', value: now.bytes - then.bytes },
    count('CacheEntries', current.entries),
    count('KeyringCalls', now.calls.succeeded - then.calls.succeeded),
    count('KeyringCallFailures', now.calls.failed - then.calls.failed),
    { name: 'KeyringCallTime', unit: 'Milliseconds', value: now.calls.sumMs - then.calls.sumMs },
    ...BYPASS_REASONS.map((reason) => count(`CacheBypasses${capitalised(reason)}`, now.bypasses[reason] - then.bypasses[reason])).filter(
      isNews,
    ),
    ...EVICTION_CAUSES.map((cause) => count(`CacheEvictions${capitalised(cause)}`, now.evictions[cause] - then.evictions[cause])).filter(
      isNews,
    ),
  ]
}

function count(name: string, value: number): MetricPoint {
  return { name, unit: 'Count', value }
}

function isNews({ value }: MetricPoint): boolean {
  return value !== 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function capitalised(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}
