import { answerOfAll, type Known } from './condition.ts'
import type { PolicyDocument, PolicyStatement } from './document.ts'
import { type Asked, reachesAction, reachesResource } from './reach.ts'

/** Requests of everybody for these actions and resources, with what is known of their condition keys (lower case). */
export type Requests = Asked & { readonly context: Readonly<Record<string, Known>> }

/**
 * How many of the requests a policy denies to everybody. `some`: all of some of the actions and resources asked about.
 * `unclear`: conditions stand there on keys of which the requests say nothing, or in forms this code does not know.
 */
export type Denial = 'all' | 'some' | 'none' | 'unclear'

/**
 * Whether a policy denies requests, whoever sends them. `NotPrincipal` denies some only: whom it names is let through.
 */
export function denial(policy: PolicyDocument, { actions, resources, context }: Requests): Denial {
  const denials = policy.statements.filter(
    ({ effect, principals }) => effect === 'Deny' && !principals.negated && principals.aws.includes('*'),
  )
  const answers = denials.map((statement) => ({
    statement,
    answer: answerOfAll(statement.conditions, (key) => (Object.hasOwn(context, key) ? context[key] : undefined)),
  }))
  const parts = actions.flatMap((action) =>
    resources.map((resource) => {
      const reaching = answers.filter(({ statement }) => reachesBoth(statement, action, resource)).map(({ answer }) => answer)
      return (['yes', 'unclear'] as const).find((answer) => reaching.includes(answer)) ?? 'no'
    }),
  )
  if (parts.every((part) => part === 'yes')) return 'all'
  if (parts.includes('unclear')) return 'unclear'
  return parts.includes('yes') ? 'some' : 'none'
}

function reachesBoth(statement: PolicyStatement, action: string, resource: string): boolean {
  return reachesAction(statement, action) && reachesResource(statement, resource)
}
