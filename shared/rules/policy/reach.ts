import { answerOfAll, type Context } from './condition.ts'
import type { PolicyDocument, PolicyStatement, Principals } from './document.ts'
import { coversPattern, overlaps } from './pattern.ts'

/** Who asks, as far as a policy can tell callers apart. */
export type Caller = {
  /** Whether a `Deny` with these principals certainly meets the caller. */
  isMetBy(principals: Principals): boolean
  /** What the caller's requests look like to an `Allow`. */
  readonly allowed: Context
  /** The same to a `Deny`. */
  readonly denied: Context
}

/** Texts or patterns of what is asked for; an answer speaks of all of them. */
export type Asked = { readonly actions: readonly string[]; readonly resources: readonly string[] }

/**
 * What an `Allow` gives, never less: `NotAction` and `NotResource` count as everything, so that nothing is missed.
 */
export function givenBy({ actions, resources }: PolicyStatement): Asked {
  return { actions: actions.negated ? ['*'] : actions.patterns, resources: resources.negated ? ['*'] : resources.patterns }
}

/** Whether the denials of a policy certainly keep the caller from all that is asked, whichever of them keeps from which part. */
export function isShut(policy: PolicyDocument, caller: Caller, { actions, resources }: Asked): boolean {
  if (!policy.statements.some(({ effect }) => effect === 'Deny')) return false
  const certain = policy.statements.filter(
    ({ effect, principals, conditions }) =>
      effect === 'Deny' && caller.isMetBy(principals) && answerOfAll(conditions, caller.denied) === 'yes',
  )
  if (certain.length === 0) return false
  return actions.every((action) =>
    resources.every((resource) => certain.some((denial) => reachesAction(denial, action) && reachesResource(denial, resource))),
  )
}

/** Names of actions know no upper and lower case. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html */
export function reachesAction({ actions: { negated, patterns } }: PolicyStatement, action: string): boolean {
  // Most are written alike.
  if (!negated && patterns.some((pattern) => reaches(pattern, action))) return true
  const asked = action.toLowerCase()
  return negated
    ? patterns.every((pattern) => !overlaps(pattern.toLowerCase(), asked))
    : patterns.some((pattern) => reaches(pattern.toLowerCase(), asked))
}

export function reachesResource({ resources }: PolicyStatement, resource: string): boolean {
  return resources.negated
    ? resources.patterns.every((pattern) => !overlaps(pattern, resource))
    : resources.patterns.some((pattern) => reaches(pattern, resource))
}

function reaches(pattern: string, asked: string): boolean {
  return coversPattern(pattern, asked) || isEveryActionOf(pattern, asked)
}

/** In a policy of one service `kms:*` is as much as `*`: no other action can be asked of its resource. */
function isEveryActionOf(pattern: string, asked: string): boolean {
  return asked === '*' && /^[a-z0-9-]+:\*$/i.test(pattern)
}
