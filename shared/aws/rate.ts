/** How fast calls may follow each other: a token bucket that may run into debt, so that who comes later waits longer. */
export type Rate = {
  /** Takes a token. @returns after how many milliseconds it may be used */
  take(): number
  /** The service refused a call as one too many: from now on half as many, until the rate has recovered. */
  throttled(): void
}

/** Calls that were under way together are refused together: that is one refusal. */
const CUT_AT_MOST_EVERY_MS = 1000
const SHARE_MIN = 1 / 32
/** The whole rate is back after a minute without refusals at the latest. */
const RECOVERED_SHARE_PER_MS = 1 / 60_000

/** @param perSecond more than 0; as many at once after a second of rest, at least one */
export function createRate({ perSecond, elapsedMs }: { readonly perSecond: number; elapsedMs(): number }): Rate {
  const tokensMax = Math.max(1, perSecond)
  let tokens = tokensMax
  let share = 1
  let seenMs = elapsedMs()
  let cutMs = Number.NEGATIVE_INFINITY

  function pass(): number {
    const nowMs = elapsedMs()
    const passedMs = Math.max(0, nowMs - seenMs)
    seenMs = nowMs
    tokens = Math.min(tokensMax, tokens + (passedMs * perSecond * share) / 1000)
    share = Math.min(1, share + passedMs * RECOVERED_SHARE_PER_MS)
    return nowMs
  }

  return {
    take() {
      pass()
      tokens--
      return tokens >= 0 ? 0 : Math.ceil((-tokens * 1000) / (perSecond * share))
    },
    throttled() {
      const nowMs = pass()
      if (nowMs - cutMs < CUT_AT_MOST_EVERY_MS) return
      cutMs = nowMs
      share = Math.max(SHARE_MIN, share / 2)
      tokens = Math.min(tokens, 0)
    },
  }
}
