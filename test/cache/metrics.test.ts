import { Metrics } from '@aws-lambda-powertools/metrics'
import { describe, expect, it, vi } from 'vitest'
import { createDataKeyCache } from '../../shared/cache/data-key-cache.ts'
import { cacheMetrics } from '../../shared/cache/metrics.ts'
import { createKeySource } from '../support/key-source.ts'

describe('metrics of a cache', () => {
  it('say what happened since the last time, over all keys', async () => {
    const clock = { ms: 0 }
    const cache = createDataKeyCache({ capacity: 1, nowMs: () => clock.ms })
    const source = createKeySource()
    source.beforeAnswer = async () => void (clock.ms += 12)
    await cache.acquire(source.request({ id: 'a' }))
    const before = cache.snapshot()
    await cache.acquire(source.request({ id: 'a' }))
    await cache.acquire(source.request({ id: 'b', plaintextBytes: 5 }))
    await cache.acquire(source.request({ id: 'b', plaintextBytes: null }))

    const points = cacheMetrics(cache.snapshot(), before)
    expect(Object.fromEntries(points.map(({ name, value }) => [name, value]))).toEqual({
      CacheHits: 1,
      CacheSharedFlights: 0,
      CacheMisses: 1,
      CacheBypasses: 1,
      CacheFailures: 0,
      CacheEvictions: 1,
      CacheMessages: 3,
      CacheBytes: 15,
      CacheEntries: 1,
      KeyringCalls: 2,
      KeyringCallFailures: 0,
      KeyringCallTime: 24,
      CacheBypassesUnknownLength: 1,
      CacheEvictionsCapacity: 1,
    })
    expect(points.filter(({ unit }) => unit !== 'Count').map(({ unit }) => unit)).toEqual(['Bytes', 'Milliseconds'])
  })

  it('hold zeros where nothing happened, and name no key', async () => {
    const cache = createDataKeyCache({ capacity: 1, nowMs: () => 0 })
    const source = createKeySource()
    expect(cacheMetrics(cache.snapshot(), null).map(({ value }) => value)).toEqual(Array.from({ length: 12 }, () => 0))
    await cache.acquire(source.request({ keyArn: 'arn:named' }))
    expect(JSON.stringify(cacheMetrics(cache.snapshot(), null))).not.toContain('arn:named')
  })

  it('are what the embedded metric format takes', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const metrics = new Metrics({ namespace: 'test', serviceName: 'test', logger: console })
    const cache = createDataKeyCache({ capacity: 1, nowMs: () => 0 })
    for (const { name, unit, value } of cacheMetrics(cache.snapshot(), null)) metrics.addMetric(name, unit, value)
    const { _aws } = metrics.serializeMetrics()
    expect(_aws.CloudWatchMetrics[0]?.Metrics).toHaveLength(12)
    log.mockRestore()
  })
})
