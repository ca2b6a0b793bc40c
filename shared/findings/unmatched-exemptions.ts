import { matchesPattern } from '../text-pattern.ts'
import type { EpochS } from '../time.ts'
import type { Exemption } from './exemption.ts'

/** An exemption that does nothing, and why: it is over, or nothing that it covers fails. */
export type UnmatchedExemption = { readonly exemption: Exemption; readonly because: 'expired' | 'nothing_fails' }

/** Exemptions without effect, by what a sweep of everything saw failing, exempt or not. In their order. */
export function unmatchedExemptions(
  exemptions: readonly Exemption[],
  failures: Iterable<{ readonly ruleId: string; readonly arn: string }>,
  now: EpochS,
): readonly UnmatchedExemption[] {
  const idle = new Set(exemptions.filter(({ until }) => now < until))
  for (const { ruleId, arn } of failures) {
    for (const exemption of idle) if (exemption.ruleId === ruleId && matchesPattern(exemption.resource, arn)) idle.delete(exemption)
  }
  return exemptions.flatMap((exemption): readonly UnmatchedExemption[] => {
    if (now >= exemption.until) return [{ exemption, because: 'expired' }]
    return idle.has(exemption) ? [{ exemption, because: 'nothing_fails' }] : []
  })
}
