import { memberOf } from './callers.ts'
import { answerOfAll } from './condition.ts'
import type { PolicyDocument, PolicyStatement } from './document.ts'
import { principalsOf, type Principal } from './principal.ts'
import { isShut, reachesAction, reachesResource } from './reach.ts'

/** `unclear`: only under conditions of which this code cannot tell whether anybody meets them. */
export type Ability = 'yes' | 'no' | 'unclear'

/** Whether somebody of a key's account can do this to it by what its policy says: users and roles by name, or the account as a whole. */
export function canSomebody(policy: PolicyDocument, { arn, accountId }: ManagedKey, action: string): Ability {
  let ability: Ability = 'no'
  for (const statement of policy.statements) {
    if (statement.effect !== 'Allow' || !reachesAction(statement, action) || !reachesResource(statement, arn)) continue
    for (const principal of principalsOf(statement.principals)) {
      const found = abilityOf(principal, statement, { policy, arn, accountId, action })
      if (found === 'yes') return 'yes'
      if (found === 'unclear') ability = 'unclear'
    }
  }
  return ability
}

type ManagedKey = { readonly arn: string; readonly accountId: string }
type Asked = ManagedKey & { readonly policy: PolicyDocument; readonly action: string }

function abilityOf(principal: Principal, statement: PolicyStatement, { policy, arn: keyArn, accountId, action }: Asked): Ability {
  const arn = arnIn(principal, accountId)
  if (arn === undefined) return 'no'
  // Keys are managed by people and roles, not by services on their behalf.
  const member = memberOf({ accountId, arn }, false)
  if (isShut(policy, member, { actions: [action], resources: [keyArn] })) return 'no'
  const answer = answerOfAll(statement.conditions, member.allowed)
  return answer === 'either' ? 'yes' : answer
}

/** Null: anybody of the account; undefined: nobody of it. */
function arnIn(principal: Principal, accountId: string): string | null | undefined {
  switch (principal.kind) {
    case 'everyone':
      return null
    case 'account':
      return principal.accountId === accountId ? principal.arn : undefined
    case 'service':
    case 'gone':
    case 'unrecognised':
      return undefined
  }
}
