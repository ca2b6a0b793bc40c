import type { Rule } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { Hub } from './asff.ts'
import type { Finding, Transition } from './finding.ts'
import type { Channel, Heard, KeptFinding } from './finding-store.ts'
import { ruleOf, type ShownRule } from './shown-rule.ts'

export type Announcing = { readonly now: EpochS; readonly rules: readonly Rule[]; readonly hub: Hub }

/** A finding in hand: as the attempt was noted, and what had been tried before. */
export type Held = { readonly kept: KeptFinding; readonly triedBefore: Heard }

/** What one channel is to tell of a finding. */
export type News = {
  readonly finding: Finding
  readonly rule: ShownRule
  /** Oldest first; the last one led to `finding.version`. */
  readonly transitions: readonly Transition[]
  /** Changes before these that are not kept any more, and that nobody was told of. */
  readonly earlier: number
  /** Some of it may have been told before: an attempt to tell it began, and nobody knows how it ended. */
  readonly isRepetition: boolean
}

/** What a channel was not told yet; null: it was told all. */
export function newsFor(channel: Channel, { kept, triedBefore }: Held, rules: readonly Rule[]): News | null {
  const { finding, unannounced, told } = kept
  const missing = finding.version - told[channel]
  if (missing <= 0) return null
  const transitions = unannounced.slice(-missing)
  return {
    finding,
    rule: ruleOf(rules, finding),
    transitions,
    earlier: missing - transitions.length,
    isRepetition: triedBefore[channel] > told[channel],
  }
}
