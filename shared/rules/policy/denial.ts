import { answerOfAll, type Context } from './condition.ts'
import type { PolicyDocument, PolicyStatement } from './document.ts'
import { type Asked, reachesAction, reachesResource } from './reach.ts'

/** Requests of everybody for these actions and resources, with what is known of their condition keys. */
export type Requests = Asked & { readonly context: Context }

/**
 * How many of the requests a policy denies to everybody. `some`: all of some of the actions and resources asked about.
 * `unclear`: conditions stand there on keys of which the requests say nothing, or in forms this code does not know.
 */
export type Denial = 'all' | 'some' | 'none' | 'unclear'

/**
 * Whether a policy denies requests, whoever sends them. `NotPrincipal` denies some only: whom it names is let through.
 */
export function denial(policy: PolicyDocument, { actions, resources, context }: Requests): Denial {
  const [certain, unclear]: readonly [PolicyStatement[], PolicyStatement[]] = [[], []]
  for (const statement of policy.statements) {
    if (!isForEverybody(statement)) continue
    const answer = answerOfAll(statement.conditions, context)
    if (answer === 'yes') certain.push(statement)
    else if (answer === 'unclear') unclear.push(statement)
  }
  let [isAll, isSome, isClear] = [true, false, true]
  for (const action of actions) {
    for (const resource of resources) {
      if (reachesBoth(certain, action, resource)) isSome = true
      else {
        isAll = false
        if (reachesBoth(unclear, action, resource)) isClear = false
      }
    }
  }
  if (isAll) return 'all'
  if (!isClear) return 'unclear'
  return isSome ? 'some' : 'none'
}

/** Whether a statement denies, and to everybody: `NotPrincipal` lets through whom it names. */
function isForEverybody({ effect, principals }: PolicyStatement): boolean {
  return effect === 'Deny' && !principals.negated && principals.aws.includes('*')
}

function reachesBoth(statements: readonly PolicyStatement[], action: string, resource: string): boolean {
  return statements.some((statement) => reachesAction(statement, action) && reachesResource(statement, resource))
}
