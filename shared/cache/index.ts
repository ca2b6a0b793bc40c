export { type Claim, type Claims, claimsMiddleware, type ClaimsOptions, createClaims, type FlushResult } from './claims.ts'
export { createDataKeyCache, type DataKeyCache } from './data-key-cache.ts'
export { cacheMetrics, type MetricPoint } from './metrics.ts'
export { type BypassReason, type CachePolicy, type CachePolicyInput, parseCachePolicy } from './policy.ts'
export type { CacheListener } from './recorder.ts'
export {
  type CacheEvent,
  type CacheStatistics,
  type EvictionCause,
  type KeyStatistics,
  LATENCY_BOUNDS_MS,
  totalStatistics,
} from './statistics.ts'
