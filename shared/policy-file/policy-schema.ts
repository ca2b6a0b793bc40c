import type { JsonObject } from '../json.ts'
import type { Rule } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import { policyShape } from './policy-shape.ts'

/** JSON Schema of `keytrail.yml`, for editors. The order of `rules` does not matter. */
export function policySchema(rules: readonly Rule[]): JsonObject {
  const sorted = rules.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'keytrail.yml',
    ...policyShape(sorted, NO_TIME).schema,
  }
}

/** What has ended is no matter of the form. */
const NO_TIME = 0 as EpochS
