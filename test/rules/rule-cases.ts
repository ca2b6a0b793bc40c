import { observed, unread } from '../../shared/observed.ts'
import { DEFAULT_EXPECTATIONS, type Expectations } from '../../shared/rules/expectations.ts'
import type { FactName, FactsOf, ResourceKind } from '../../shared/rules/facts.ts'
import type { AnyFacts, Resource, Rule, Surroundings } from '../../shared/rules/rule.ts'
import type { Verdict } from '../../shared/rules/verdict.ts'
import { DAY_S, type EpochS } from '../../shared/time.ts'

/** A Sunday in November 2026. */
export const NOW = 1_795_338_000 as EpochS

export function daysAgo(days: number): EpochS {
  return (NOW - days * DAY_S) as EpochS
}

export function inDays(days: number): EpochS {
  return daysAgo(-days)
}

/** One row of a rule's table: what differs from the ordinary resource, and what the rule says. */
export type RuleCase<Kind extends ResourceKind> = {
  readonly title: string
  readonly facts?: Partial<FactsOf[Kind]>
  /** Facts that were not read. */
  readonly unread?: readonly FactName<Kind>[]
  readonly expectations?: Partial<Expectations>
  readonly verdict: Verdict['kind']
  /** The reason of `fail` and `not_applicable`; the code of an unread fact where nothing but its value was at fault. */
  readonly says?: string
}

/** What a cases file exports as `cases`. `facts` are those of an ordinary resource with which nothing is wrong. */
export type RuleCases<Kind extends ResourceKind = ResourceKind> = {
  readonly resource: Resource<Kind>
  readonly facts: FactsOf[Kind]
  readonly rows: readonly RuleCase<Kind>[]
}

export type AnyRuleCases = {
  readonly resource: Resource
  readonly facts: Readonly<Record<string, unknown>>
  readonly rows: readonly (Omit<RuleCase<ResourceKind>, 'facts' | 'unread'> & {
    readonly facts?: Readonly<Record<string, unknown>>
    readonly unread?: readonly string[]
  })[]
}
export type AnyRow = AnyRuleCases['rows'][number]

/** A rule's file and its cases are named like its ID, without the service: `kms-key-in-use` is `kms/key-in-use`. */
export function pathOf({ id }: Pick<Rule, 'id'>): string {
  return id.replace('-', '/')
}

/** @throws if the rule has no cases */
export async function casesOf(rule: Rule): Promise<AnyRuleCases> {
  const file = new URL(`${pathOf(rule)}.cases.ts`, import.meta.url).href
  const { cases } = (await import(file)) as { readonly cases: AnyRuleCases }
  return cases
}

/** The facts of a row as they are read. */
export function factsOf(cases: AnyRuleCases, row: AnyRow): AnyFacts {
  const values = { ...cases.facts, ...row.facts }
  return withUnread(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, observed(value)])), row.unread ?? [])
}

export function withUnread(facts: AnyFacts, names: readonly string[]): AnyFacts {
  return { ...facts, ...Object.fromEntries(names.map((name) => [name, unread(`read:${name}`, 'denied', 'AccessDeniedException')])) }
}

export function surroundingsOf(cases: AnyRuleCases, row: AnyRow): Surroundings {
  return { resource: cases.resource, expectations: { ...DEFAULT_EXPECTATIONS, ...row.expectations }, now: NOW }
}

/** What a verdict says, in one text: its reason, or what was not read and why. */
export function saidBy(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'pass':
      return ''
    case 'fail':
    case 'not_applicable':
      return verdict.reason
    case 'unknown':
      return verdict.unread.map(({ code }) => code).join(' ')
  }
}
