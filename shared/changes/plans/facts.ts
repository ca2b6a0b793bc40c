import type { FactsOf } from '../../rules/facts.ts'
import type { AnyFacts } from '../../rules/rule.ts'
import type { Observed } from '../../observed.ts'

type BucketFacts = FactsOf['s3_bucket']

/** A fact of a bucket. @throws if it was not asked for: the planner does not name it */
export function bucketFact<Name extends keyof BucketFacts>(facts: AnyFacts, name: Name): Observed<BucketFacts[Name]> {
  const fact = facts[name]
  if (fact === undefined) throw new Error(`the fact ${name} was not asked for`)
  // What stands under a fact's name is that fact of the kind of resource that the rule is about.
  return fact as Observed<BucketFacts[Name]>
}
