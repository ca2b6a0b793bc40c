import { memberOf, STRANGER } from './callers.ts'
import { answerOf, answerOfAll } from './condition.ts'
import { callersNamedBy, namedBy } from './condition-keys.ts'
import type { PolicyDocument, PolicyStatement } from './document.ts'
import { namesEveryone, type Principal, principalsOf } from './principal.ts'
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
  const open: OpenStatement[] = []
  let number = 0
  for (const statement of policy.statements) {
    number++
    const kind = openness(policy, statement)
    if (kind !== 'closed') open.push({ number, kind })
  }
  return open
}

function openness(policy: PolicyDocument, statement: PolicyStatement): OpenStatement['kind'] | 'closed' {
  if (statement.effect !== 'Allow' || !namesEveryone(statement.principals)) return 'closed'
  const answer = answerOfAll(statement.conditions, STRANGER.allowed)
  if (answer === 'no' || isShut(policy, STRANGER, givenBy(statement))) return 'closed'
  return answer === 'unclear' ? 'unclear' : 'open'
}

/** Who is let in besides those who belong here. */
export type Outsiders = {
  /** Account IDs and organization IDs, sorted. */
  readonly named: readonly string[]
  readonly isOpenToEveryone: boolean
  /** Numbers of statements that let in people whose accounts are not to be seen: by network, address or canonical user. */
  readonly unnamed: readonly number[]
}

/**
 * Whom a policy lets in besides these accounts and organizations. Conditions hold together: one that lets in nobody but these is enough,
 * whatever accounts are named beside it.
 */
export function outsidersOf(policy: PolicyDocument, insiders: ReadonlySet<string>): Outsiders {
  const named: string[] = []
  const unnamed: number[] = []
  let isOpenToEveryone = false
  let number = 0
  for (const statement of policy.statements) {
    number++
    if (statement.effect !== 'Allow') continue
    for (const principal of principalsOf(statement.principals)) {
      switch (principal.kind) {
        case 'account':
          if (!insiders.has(principal.accountId) && isOutsiderLetIn(policy, statement, { principal, insiders }))
            named.push(principal.accountId)
          break
        case 'everyone': {
          if (openness(policy, statement) !== 'closed') {
            isOpenToEveryone = true
            break
          }
          const confinements = confinementsOf(policy, statement, namedBy)
          const [first] = confinements
          if (isAmong(confinements, insiders)) break
          if (first === undefined) unnamed.push(number)
          else named.push(...first.filter((id) => !insiders.has(id)))
          break
        }
        case 'unrecognised':
          unnamed.push(number)
          break
        case 'service':
        case 'gone':
          break
      }
    }
  }
  return {
    named: named.length === 0 ? named : [...new Set(named)].toSorted(),
    isOpenToEveryone,
    unnamed: unnamed.length === 0 ? unnamed : [...new Set(unnamed)],
  }
}

type Named = {
  readonly principal: { readonly accountId: string; readonly arn: string | null }
  readonly insiders: ReadonlySet<string>
}

function isOutsiderLetIn(policy: PolicyDocument, statement: PolicyStatement, { principal, insiders }: Named): boolean {
  const member = memberOf(principal, true)
  if (answerOfAll(statement.conditions, member.allowed) === 'no' || isShut(policy, member, givenBy(statement))) return false
  return !isAmong(confinementsOf(policy, statement, callersNamedBy), insiders)
}

function isAmong(confinements: readonly (readonly string[])[], insiders: ReadonlySet<string>): boolean {
  return confinements.some((names) => names.every((id) => insiders.has(id)))
}

/** What values of a key name; null: nobody. */
type NamesIn = (key: string, values: readonly string[]) => readonly string[] | null

/** To whom a statement is confined: by each condition of its own, and to whom each denial makes exceptions for. */
function confinementsOf(policy: PolicyDocument, statement: PolicyStatement, namesIn: NamesIn): readonly (readonly string[])[] {
  const own = statement.conditions.filter((condition) => answerOf(condition, STRANGER.allowed) === 'no')
  const given = givenBy(statement)
  // What only several denials together shut is left unnamed.
  const shutting = policy.statements.filter((denial) => denial.effect === 'Deny' && isShut({ statements: [denial] }, STRANGER, given))
  return [...own.map(({ key, values }) => namesIn(key, values)), ...shutting.map((denial) => exceptionsOf(denial, namesIn))].filter(
    (names) => names !== null,
  )
}

/** Whom a denial lets through: who misses one of its conditions, and whom `NotPrincipal` names. Null: not to be seen. */
function exceptionsOf({ principals, conditions }: PolicyStatement, namesIn: NamesIn): readonly string[] | null {
  const names = conditions.map(({ key, values }) => namesIn(key, values))
  if (principals.negated) names.push(...principalsOf({ ...principals, negated: false }).map(accountsOf))
  return names.every((each) => each !== null) ? names.flat() : null
}

function accountsOf(principal: Principal): readonly string[] | null {
  switch (principal.kind) {
    case 'account':
      return [principal.accountId]
    case 'service':
    case 'gone':
      return []
    case 'everyone':
    case 'unrecognised':
      return null
  }
}
