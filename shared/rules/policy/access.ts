import { memberOf, STRANGER } from './callers.ts'
import { answerOf, answerOfAll } from './condition.ts'
import { namedBy } from './condition-keys.ts'
import type { Condition, PolicyDocument, PolicyStatement } from './document.ts'
import { namesEveryone, principalsOf } from './principal.ts'
import { givenBy, isShut } from './reach.ts'

/** A statement that lets anybody in. */
export type OpenStatement = {
  /** Counted from 1: a `Sid` is text that its author chose. */
  readonly number: number
  /** `unclear`: under conditions of which this code cannot tell whether they keep strangers out. */
  readonly kind: 'open' | 'unclear'
}

/** Statements that let people of any account in, whom no condition and no denial keeps out. */
export function openStatements(policy: PolicyDocument): readonly OpenStatement[] {
  return policy.statements.flatMap((statement, index) => {
    const kind = openness(policy, statement)
    return kind === 'closed' ? [] : [{ number: index + 1, kind }]
  })
}

function openness(policy: PolicyDocument, statement: PolicyStatement): OpenStatement['kind'] | 'closed' {
  if (statement.effect !== 'Allow' || !namesEveryone(statement.principals)) return 'closed'
  const answer = answerOfAll(statement.conditions, STRANGER.allowed)
  if (answer === 'no' || isShut(policy, STRANGER, givenBy(statement))) return 'closed'
  return answer === 'unclear' ? 'unclear' : 'open'
}

/** Who besides an account's own people is let in. */
export type Outsiders = {
  /** Account IDs and organization IDs, sorted. */
  readonly named: readonly string[]
  readonly isOpenToEveryone: boolean
  /** Numbers of statements that let in people whose accounts are not to be seen: by network, address or canonical user. */
  readonly unnamed: readonly number[]
}

/** Accounts and organizations besides `ownAccountId` that a policy lets in. */
export function outsidersOf(policy: PolicyDocument, ownAccountId: string): Outsiders {
  const named = new Set<string>()
  const unnamed = new Set<number>()
  let isOpenToEveryone = false
  let number = 0
  for (const statement of policy.statements) {
    number++
    if (statement.effect !== 'Allow') continue
    for (const principal of principalsOf(statement.principals)) {
      switch (principal.kind) {
        case 'account':
          if (principal.accountId !== ownAccountId && isLetIn(policy, statement, principal)) named.add(principal.accountId)
          break
        case 'everyone': {
          const confined = openness(policy, statement) === 'closed' ? confinedTo(policy, statement) : 'everyone'
          if (confined === 'everyone') isOpenToEveryone = true
          else if (confined === 'unnamed') unnamed.add(number)
          else for (const id of confined) if (id !== ownAccountId) named.add(id)
          break
        }
        case 'unrecognised':
          unnamed.add(number)
          break
        case 'service':
        case 'gone':
          break
      }
    }
  }
  return { named: named.size === 0 ? [] : [...named].toSorted(), isOpenToEveryone, unnamed: [...unnamed] }
}

function isLetIn(
  policy: PolicyDocument,
  statement: PolicyStatement,
  principal: { readonly accountId: string; readonly arn: string | null },
): boolean {
  const member = memberOf(principal, true)
  return answerOfAll(statement.conditions, member.allowed) !== 'no' && !isShut(policy, member, givenBy(statement))
}

/** To whom a statement for everyone is confined: by a condition of its own, else by the conditions that denials make exceptions for. */
function confinedTo(policy: PolicyDocument, statement: PolicyStatement): readonly string[] | 'unnamed' {
  const own = statement.conditions.filter((condition) => answerOf(condition, STRANGER.allowed) === 'no')
  if (own.length > 0) return own.map(namesIn).find((names) => names !== null) ?? 'unnamed'
  const given = givenBy(statement)
  const shutting = policy.statements.filter((denial) => denial.effect === 'Deny' && isShut({ statements: [denial] }, STRANGER, given))
  // Denied to everybody without exception: nobody is let in. What only several denials together shut is left unnamed.
  if (shutting.some(({ conditions }) => conditions.length === 0)) return []
  const exceptions = shutting.map(({ conditions }) => conditions.map(namesIn))
  const named = exceptions.find((each) => each.every((names) => names !== null))
  return named?.flatMap((names) => names ?? []) ?? 'unnamed'
}

function namesIn({ key, values }: Condition): readonly string[] | null {
  return namedBy(key, values)
}
