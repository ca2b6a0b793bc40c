import type { Unread } from '../observed.ts'
import type { Expectations } from '../rules/expectations.ts'
import type { AnyFacts, Resource } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { Aspect, AspectState, StateOf } from './aspect.ts'
import type { GuardPort } from './ports.ts'

/** What a change is planned from, all of it read just now: `facts` are those of the rule, which fails by them, and of the planner. */
export type Ground<Name extends Aspect = Aspect> = {
  readonly resource: Resource
  readonly state: StateOf<Name>
  readonly facts: AnyFacts
  readonly expectations: Expectations
  readonly now: EpochS
}

export type Planned<Name extends Aspect = Aspect> =
  | {
      readonly kind: 'change'
      readonly after: StateOf<Name>
      /** What it does, for people, such as `switches automatic rotation on, every 365 days`. */
      readonly summary: string
    }
  /** What the rule wants stands there already. */
  | { readonly kind: 'nothing' }
  /** It cannot be put right without taking away what somebody may want. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Whether writing it would break readers or writers. Reasons are for people. */
export type Guarded =
  | { readonly kind: 'clear' }
  | { readonly kind: 'held'; readonly reasons: readonly string[] }
  | { readonly kind: 'unread'; readonly unread: readonly Unread[] }

/** How what one rule finds is put right. */
export type Planner = {
  readonly aspect: Aspect
  /** What it needs to know besides what its rule does: names of facts of the same kind of resource. */
  readonly facts: readonly string[]
  /** Pure: the same answer for the same ground. */
  plan(ground: Ground): Planned
  guard(after: AspectState, ground: Ground, ports: GuardPort): Promise<Guarded>
}
