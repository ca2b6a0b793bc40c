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
  /** Those of them without which it can judge some resources. */
  readonly optionalFacts: readonly string[]
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
type Observations<Kind extends ResourceKind, Name extends FactName<Kind>> = { readonly [Each in Name]: Observed<FactsOf[Kind][Each]> }

type Definition<Kind extends ResourceKind, Scope extends FactName<Kind>, Judged extends FactName<Kind>, Optional extends FactName<Kind>> = {
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
  /** Facts without which some resources can be judged: `evaluate` gets them read or unread, and takes none that is unread for a value. */
  readonly optionalFacts?: readonly Optional[]
  evaluate(facts: Values<Kind, Scope | Judged> & Observations<Kind, Optional>, surroundings: Surroundings<Kind>): Verdict
  readonly remediation?: Remediation
}

/**
 * Makes a rule: scope before facts, so that what does not apply needs no reading; what was not read is unknown before `evaluate` is asked.
 */
export function defineRule<
  Kind extends ResourceKind,
  const Scope extends FactName<Kind>,
  const Judged extends FactName<Kind>,
  const Optional extends FactName<Kind> = never,
>(definition: Definition<Kind, Scope, Judged, Optional>): Rule {
  const { scope, facts, optionalFacts = [], resource, remediation = null, evaluate, ...described } = definition
  const needed = [...new Set<string>([...scope.facts, ...facts])]
  const besides = needed.slice(new Set<string>(scope.facts).size)
  /** Leaves the facts of the scope in `values`. */
  const excluded = (observed: AnyFacts, surroundings: Surroundings, values: FoundValues): Verdict | null => {
    const unread = read(scope.facts, observed, values)
    if (unread !== null) return { kind: 'unknown', unread }
    const reason = scope.exclude(values as Values<Kind, Scope>, surroundings as Surroundings<Kind>)
    return reason === null ? null : { kind: 'not_applicable', reason }
  }
  const judge = (observed: AnyFacts, surroundings: Surroundings): Verdict => {
    const values: FoundValues = {}
    const verdict = excluded(observed, surroundings, values)
    if (verdict !== null) return verdict
    const unread = read(besides, observed, values)
    if (unread !== null) return { kind: 'unknown', unread }
    for (const name of optionalFacts) values[name] = askedFor(name, observed)
    return evaluate(values as Values<Kind, Scope | Judged> & Observations<Kind, Optional>, surroundings as Surroundings<Kind>)
  }
  return {
    ...described,
    kind: resource,
    outOfScope: scope.outOfScope,
    scopeFacts: scope.facts,
    facts: [...needed, ...optionalFacts],
    optionalFacts,
    remediation,
    exclude(observed, surroundings) {
      const verdict = excluded(observed, surroundings, {})
      const each = byEach(verdict, scope.facts, observed, (given) => excluded(given, surroundings, {}))
      if (each === null) return verdict
      const excluding = each.filter((one) => one !== null)
      // Where it may apply it is judged.
      return excluding.length < each.length ? null : (agreed(excluding) ?? verdict)
    },
    judge(observed, surroundings) {
      const verdict = judge(observed, surroundings)
      const each = byEach(verdict, needed, observed, (given) => judge(given, surroundings))
      return each === null ? verdict : (agreed(each) ?? verdict)
    },
  }
}

/** What is said by each value that an unread fact may have; null: no such fact keeps anything from being said. */
function byEach<Said extends Verdict | null>(
  verdict: Verdict | null,
  names: readonly string[],
  facts: AnyFacts,
  say: (facts: AnyFacts) => Said,
): readonly Said[] | null {
  if (verdict?.kind !== 'unknown') return null
  for (const name of names) {
    const fact = facts[name]
    if (fact?.known === false && fact.among !== undefined)
      return fact.among.map((value) => say({ ...facts, [name]: { known: true, value } }))
  }
  return null
}

/** The verdict that all come to; of passing and not applying, which both are no failure, the latter. Null: they differ. */
function agreed(verdicts: readonly Verdict[]): Verdict | null {
  const [first, ...others] = verdicts.toSorted((left, right) => (left.kind < right.kind ? -1 : 1))
  if (first === undefined) return null
  const isAlike = ({ kind }: Verdict): boolean => kind === first.kind || (first.kind === 'not_applicable' && kind === 'pass')
  return others.every(isAlike) ? first : null
}

type FoundValues = Record<string, unknown>

/**
 * Puts what was read into `values`, and answers with what was not; null: everything was.
 * @throws if a fact is neither read nor said to be unread: the reader was not asked for it
 */
function read(names: readonly string[], facts: AnyFacts, values: FoundValues): readonly Unread[] | null {
  let unread: Unread[] | null = null
  for (const name of names) {
    const fact = askedFor(name, facts)
    if (fact.known) values[name] = fact.value
    else (unread ??= []).push(fact)
  }
  return unread
}

/** @throws if it is not there */
function askedFor(name: string, facts: AnyFacts): Observed<unknown> {
  const fact = facts[name]
  if (fact === undefined) throw new Error(`the fact ${name} was not asked for`)
  return fact
}
