/** What the resources that `npm run bench:audit` judges have in common. */
import { observed, type Observed, type Unread } from '../shared/observed.ts'
import { DEFAULT_EXPECTATIONS, type Expectations } from '../shared/rules/expectations.ts'
import type { FactsOf, ResourceKind } from '../shared/rules/facts.ts'
import type { AnyFacts, Resource, Surroundings } from '../shared/rules/rule.ts'
import { DAY_S, type EpochS } from '../shared/time.ts'

export const ACCOUNT = '111122223333'
export const REGION = 'eu-central-1'
const NOW = 1_795_338_000 as EpochS
const EXPECTATIONS: Expectations = {
  ...DEFAULT_EXPECTATIONS,
  trustedAccounts: ['222233334444', 'o-a1b2c3d4e5'],
  plannedDeletions: ['alias/retired'],
  buckets: {
    ...DEFAULT_EXPECTATIONS.buckets,
    algorithms: ['aws:kms', 'aws:kms:dsse'],
    overrides: [
      { bucket: '*-logs', algorithms: ['AES256'], requiresBucketKey: false },
      { bucket: 'website-*', algorithms: [], requiresTls: false, blocksSseC: false },
    ],
  },
}

/** A resource as it is read. `policy`: the text of its policy, that it has none, or that it was not read; null: this kind has no policies. */
export type BenchResource = {
  readonly facts: AnyFacts
  readonly surroundings: Surroundings
  readonly policy: Observed<string | null> | null
}

/** A resource with each of these values read; its policy stays a text, for who judges to read. */
export function benchResource<Kind extends ResourceKind>(
  resource: Resource<Kind>,
  values: Omit<FactsOf[Kind], 'policy'>,
  policy: BenchResource['policy'],
): BenchResource {
  const facts = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, observed(value)]))
  return { facts, surroundings: { resource, expectations: EXPECTATIONS, now: NOW }, policy }
}

export function policyText(statements: readonly unknown[]): Observed<string> {
  return observed(JSON.stringify({ Version: '2012-10-17', Id: 'bench', Statement: statements }))
}

/** A statement of a policy as people write it. */
export function statement(
  effect: 'Allow' | 'Deny',
  sid: string,
  principals: unknown,
  actions: string | readonly string[],
  on: { readonly resources: string | readonly string[]; readonly conditions?: unknown },
): unknown {
  const plain = { Sid: sid, Effect: effect, Principal: principals, Action: actions, Resource: on.resources }
  return on.conditions === undefined ? plain : { ...plain, Condition: on.conditions }
}

/** Every nineteenth is judged with something unread. */
export function isUnread(index: number): boolean {
  return index % 19 === 0
}

export function denied(action: string): Unread {
  return { known: false, action, because: 'denied', code: 'AccessDeniedException' }
}

export function daysAgo(days: number): EpochS {
  return (NOW - days * DAY_S) as EpochS
}

/** One of several, in turn. */
export function turnOf<Each>(index: number, each: readonly Each[]): Each {
  const found = each[index % each.length]
  if (found === undefined) throw new Error('nothing to take turns')
  return found
}

/** Digits that differ by `index`, in the form of a UUID. */
export function uuidOf(index: number): string {
  return `${index.toString(16).padStart(8, '0')}-172b-4057-adf6-de64be04111c`
}
