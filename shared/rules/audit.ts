import type { AnyFacts, Resource, Rule, Surroundings } from './rule.ts'
import type { Verdict } from './verdict.ts'

/** What a rule said of a resource. */
export type Judgement = { readonly rule: Rule; readonly verdict: Verdict }

/** What was found of one resource. `gone`: it is not there. `unready`: it is being made or changed; to be judged again later. */
export type Audit =
  | { readonly kind: 'judged'; readonly resource: Resource; readonly judgements: readonly Judgement[]; readonly facts: AnyFacts }
  | { readonly kind: 'gone'; readonly resource: Resource }
  | { readonly kind: 'unready'; readonly resource: Resource }

/** Reads facts by name: each is in the answer, read or not. */
export type ReadFacts = (names: readonly string[]) => Promise<AnyFacts | 'gone' | 'unready'>
/** Begins to read a resource for one audit, in which nothing is read twice. */
export type FactReader = (resource: Resource) => ReadFacts

/**
 * Judges one resource by all rules of its kind: reads what decides whether they apply, then what those need that do. One rule that throws
 * is a fault of the program and ends the audit of this resource only.
 */
export async function auditResource(rules: readonly Rule[], reader: FactReader, surroundings: Surroundings): Promise<Audit> {
  const { resource } = surroundings
  const read = reader(resource)
  const own = rules.filter(({ kind }) => kind === resource.kind)
  const scoping = await read(distinct(own.flatMap(({ scopeFacts }) => scopeFacts)))
  if (scoping === 'gone' || scoping === 'unready') return { kind: scoping, resource }
  const applicable = own.filter((rule) => rule.exclude(scoping, surroundings) === null)
  const missing = distinct(applicable.flatMap(({ facts }) => facts)).filter((name) => scoping[name] === undefined)
  const more = missing.length === 0 ? {} : await read(missing)
  if (more === 'gone' || more === 'unready') return { kind: more, resource }
  const facts = { ...scoping, ...more }
  const judgements = own.map((rule) => ({
    rule,
    verdict: applicable.includes(rule)
      ? rule.judge(facts, surroundings)
      : (rule.exclude(facts, surroundings) ?? rule.judge(facts, surroundings)),
  }))
  return { kind: 'judged', resource, judgements, facts }
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted()
}
