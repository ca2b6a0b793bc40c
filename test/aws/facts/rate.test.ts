import { array, assert, double, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRate, type Rate } from '../../../shared/aws/rate.ts'

function rateWithClock(perSecond: number): { readonly rate: Rate; pass(ms: number): void } {
  const clock = { ms: 1000 }
  return {
    rate: createRate({ perSecond, elapsedMs: () => clock.ms }),
    pass(ms) {
      clock.ms += ms
    },
  }
}

const take = (rate: Rate, count: number): readonly number[] => Array.from({ length: count }, () => rate.take())

describe('a rate', () => {
  it('lets a second’s worth go at once, and the rest one after the other', () => {
    const { rate, pass } = rateWithClock(4)
    expect(take(rate, 6)).toEqual([0, 0, 0, 0, 250, 500])
    pass(500)
    expect(rate.take()).toBe(250)
    pass(60_000)
    expect(take(rate, 5)).toEqual([0, 0, 0, 0, 250])
  })

  it('below one a second lets one go at once', () => {
    const { rate, pass } = rateWithClock(0.5)
    expect(take(rate, 2)).toEqual([0, 2000])
    pass(2000)
    expect(rate.take()).toBe(2000)
  })

  it('is halved where calls are refused, once for those that were under way together, and never to nothing', () => {
    const { rate, pass } = rateWithClock(10)
    rate.throttled()
    rate.throttled()
    expect(rate.take()).toBe(200)
    for (let second = 0; second < 20; second++) {
      pass(1000)
      rate.throttled()
    }
    expect(rate.take()).toBeLessThanOrEqual(3200)
  })

  it('recovers within a minute', () => {
    const { rate, pass } = rateWithClock(10)
    rate.throttled()
    pass(60_000)
    expect(take(rate, 12)).toEqual([...take(rateWithClock(10).rate, 12)])
  })

  it('never lets more go in any time than its tokens and what that time gives', () => {
    assert(
      property(double({ min: 0.5, max: 50, noNaN: true }), array(nat(2000), { maxLength: 60 }), (perSecond, pauses) => {
        const { rate, pass } = rateWithClock(perSecond)
        const startedMs: number[] = []
        let nowMs = 0
        for (const pauseMs of pauses) {
          pass(pauseMs)
          nowMs += pauseMs
          startedMs.push(nowMs + rate.take())
        }
        for (const [index, from] of startedMs.entries()) {
          for (const [until, at] of startedMs.entries()) {
            if (until < index) continue
            const most = Math.max(1, perSecond) + ((at - from) * perSecond) / 1000
            expect(until - index).toBeLessThanOrEqual(most + 1e-6)
          }
        }
      }),
      { numRuns: 50 },
    )
  })
})
