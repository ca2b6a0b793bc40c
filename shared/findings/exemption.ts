import { matchesPattern } from '../text-pattern.ts'
import type { EpochS } from '../time.ts'

/** Somebody answers for a resource that fails, for a while. */
export type Exemption = {
  readonly ruleId: string
  /** ARN, with `*` for any text. */
  readonly resource: string
  readonly reason: string
  readonly approver: string
  /** The first second in which it no longer holds. */
  readonly until: EpochS
}

/** The exemption that covers this, if one still holds. */
export function exemptionFor(
  exemptions: readonly Exemption[],
  { ruleId, arn, now }: { readonly ruleId: string; readonly arn: string; readonly now: EpochS },
): Exemption | null {
  return (
    exemptions.find((exemption) => exemption.ruleId === ruleId && now < exemption.until && matchesPattern(exemption.resource, arn)) ?? null
  )
}
