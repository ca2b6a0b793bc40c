import type { EventName, EventSource } from '../cloudtrail/catalogue.ts'
import type { Observed, Unread } from '../observed.ts'
import type { EpochS } from '../time.ts'
import type { ControlId } from './controls.ts'
import type { Expectations } from './expectations.ts'
import type { FactName, FactsOf, ResourceKind } from './facts.ts'
import type { Verdict } from './verdict.ts'

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** A resource as it is found: where it is, and how AWS and people name it. */
export type Resource<Kind extends ResourceKind = ResourceKind> = {
  readonly kind: Kind
  readonly arn: string
  readonly accountId: string
  readonly region: string
}

/** What a rule is judged by besides the facts. */
export type Surroundings<Kind extends ResourceKind = ResourceKind> = {
  readonly resource: Resource<Kind>
  readonly expectations: Expectations
  readonly now: EpochS
}

/** Events that may change what a rule says, of one source: names as CloudTrail writes them. */
export type Watch = {
  readonly [Source in EventSource]: { readonly source: Source; readonly names: readonly EventName<Source>[] }
}[EventSource]

/** How Keytrail puts right what fails; absent from rules that only people can answer. */
export type Remediation = { readonly summary: string; readonly writes: readonly string[] }

/** A rule as everybody but its author sees it. */
export type Rule = {
  /** `<service>-<resource>-<desired state>`; the name of its file. */
  readonly id: string
  readonly title: string
  readonly severity: Severity
  readonly kind: ResourceKind
  readonly controls: readonly ControlId[]
  /** What it rests on. */
  readonly source: string
  readonly watches: readonly Watch[]
  /** What is left out of scope, for its page. */
  readonly outOfScope: readonly string[]
  /** Facts that decide whether it applies. */
  readonly scopeFacts: readonly string[]
  /** The same, and those it judges. */
  readonly facts: readonly string[]
  readonly remediation: Remediation | null
  /** What to do by hand, in one or two sentences. */
  readonly advice: string
  /** Whether it applies, as far as the facts of its scope tell; `null`: it does. */
  exclude(facts: AnyFacts, surroundings: Surroundings): Verdict | null
  /** @throws if a fact it needs is neither read nor said to be unread */
  judge(facts: AnyFacts, surroundings: Surroundings): Verdict
}

/** Facts of whatever kind of resource, by name. */
export type AnyFacts = Readonly<Record<string, Observed<unknown> | undefined>>

type Values<Kind extends ResourceKind, Name extends FactName<Kind>> = { readonly [Each in Name]: FactsOf[Kind][Each] }

type Definition<Kind extends ResourceKind, Scope extends FactName<Kind>, Judged extends FactName<Kind>> = {
  readonly id: string
  readonly title: string
  readonly severity: Severity
  readonly resource: Kind
  readonly controls: readonly ControlId[]
  readonly source: string
  readonly watches: readonly Watch[]
  readonly advice: string
  readonly scope: {
    readonly facts: readonly Scope[]
    readonly outOfScope: readonly string[]
    /** Why the rule has nothing to say of this resource; null: it has. */
    exclude(facts: Values<Kind, Scope>, surroundings: Surroundings<Kind>): string | null
  }
  readonly facts: readonly Judged[]
  evaluate(facts: Values<Kind, Scope | Judged>, surroundings: Surroundings<Kind>): Verdict
  readonly remediation?: Remediation
}

/**
 * Makes a rule: scope before facts, so that what does not apply needs no reading; what was not read is unknown before `evaluate` is asked.
 */
export function defineRule<Kind extends ResourceKind, const Scope extends FactName<Kind>, const Judged extends FactName<Kind>>(
  definition: Definition<Kind, Scope, Judged>,
): Rule {
  const { scope, facts, resource, remediation = null, evaluate, ...described } = definition
  const needed = [...new Set<string>([...scope.facts, ...facts])]
  const exclude = (observed: AnyFacts, surroundings: Surroundings): Verdict | null => {
    const scoping = read(scope.facts, observed)
    if ('unread' in scoping) return { kind: 'unknown', unread: scoping.unread }
    const reason = scope.exclude(scoping.values as Values<Kind, Scope>, surroundings as Surroundings<Kind>)
    return reason === null ? null : { kind: 'not_applicable', reason }
  }
  return {
    ...described,
    kind: resource,
    outOfScope: scope.outOfScope,
    scopeFacts: scope.facts,
    facts: needed,
    remediation,
    exclude,
    judge(observed, surroundings) {
      const excluded = exclude(observed, surroundings)
      if (excluded !== null) return excluded
      const judged = read(needed, observed)
      return 'unread' in judged
        ? { kind: 'unknown', unread: judged.unread }
        : evaluate(judged.values as Values<Kind, Scope | Judged>, surroundings as Surroundings<Kind>)
    },
  }
}

/** @throws if a fact is neither read nor said to be unread: the reader was not asked for it */
function read(names: readonly string[], facts: AnyFacts): { readonly values: object } | { readonly unread: readonly Unread[] } {
  const values: Record<string, unknown> = {}
  const unread: Unread[] = []
  for (const name of names) {
    const fact = facts[name]
    if (fact === undefined) throw new Error(`the fact ${name} was not asked for`)
    if (fact.known) values[name] = fact.value
    else unread.push(fact)
  }
  return unread.length > 0 ? { unread } : { values }
}
