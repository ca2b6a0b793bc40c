import type { Brand } from '../../shared/brand.ts'
import type { JsonObject } from '../../shared/json.ts'
import { isJsonObject, parsedJson } from '../../shared/json.ts'
import type { Parsed } from '../../shared/parsed.ts'
import { parsed, refused } from '../../shared/parsed.ts'
import type { Budget, Choice, FieldNames, FieldValue } from './pattern-fields.ts'
import { agree, fieldsOf } from './pattern-fields.ts'
import type { LeafTests } from './pattern-operators.ts'
import { parseLeaf } from './pattern-operators.ts'
import { passes } from './pattern-values.ts'

/** One of the alternatives that `$or` spreads a pattern into: what each field, by dotted name, must hold. */
type Alternative = ReadonlyMap<string, LeafTests>

type Alternatives = readonly Alternative[]

type Compiled = { readonly alternatives: Alternatives; readonly names: FieldNames }

/** An event pattern that EventBridge would take, ready to match. Made by `parsePattern` only. */
export type EventPattern = Brand<Compiled, 'EventPattern'>

/** Characters of an event pattern: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const patternCharactersMax = 2_048

/** Of our own: AWS documents no depth, and no event that AWS sends comes near it. */
const patternLevelsMax = 100

/** Rule combinations that `$or` may make: eb-create-pattern-operators.html, "Or matching". */
const combinationsMax = 1_000

/**
 * Steps to find elements of arrays that agree, for one event; past them it does not match. A few per value in the event are needed, and
 * an event of 1 MB, EventBridge's largest, holds fewer than 500,000; only hundreds of `$or` combinations on such an event need more.
 */
const stepsMax = 5_000_000

/**
 * Reads the text of an event pattern and refuses what PutRule refuses with InvalidEventPatternException, for the same reasons.
 * Two refusals of EventBridge are missing: wildcards that are too complex (how much is too much is not documented), and numbers with
 * more digits than a double holds. Of members with one name, the last counts.
 */
export function parsePattern(text: string): Parsed<EventPattern> {
  if (text.length > patternCharactersMax) return refused(`Event pattern is longer than ${patternCharactersMax} characters`)
  const filter = parsedJson(text)
  if (filter === undefined) return refused('Filter is not valid JSON')
  if (!isJsonObject(filter)) return refused('Filter is not an object')
  if (!isWithinLevels(filter, patternLevelsMax)) return refused(`Event pattern nests deeper than ${patternLevelsMax} levels`)
  if (combinationsOf(filter) > combinationsMax) return refused(`Event pattern contains more than ${combinationsMax} rule combinations`)

  // A `$or` that is none, for instance one above a single object, is a field of that name: EventBridge falls back to the compiler it had
  // before `$or` (https://github.com/aws/event-ruler#the-backward-compatibility-of-using-or-as-filed-name-in-the-rule).
  const aware = compileObject([], null, filter, 'top')
  const compiled = aware.ok ? aware : compileObject([], null, filter, 'plain')
  if (!compiled.ok) return aware.ok ? compiled : aware

  const pattern: Compiled = { alternatives: compiled.value.map(sorted), names: namesOf(compiled.value) }
  return parsed(pattern as EventPattern)
}

/**
 * Whether a pattern matches an event, the whole envelope. Field names and texts are case-sensitive, own members only.
 * A leaf is compared with every value of its field; a field that is absent matches `exists: false` and nothing else.
 */
export function matchesPattern(pattern: EventPattern, event: JsonObject): boolean {
  const fields = fieldsOf(event, pattern.names)
  const budget: Budget = { left: stepsMax }
  const choices = new Map<LeafTests, Choice>()
  return pattern.alternatives.some((alternative) => {
    const wanted: Choice[] = []
    for (const [name, leaf] of alternative) {
      const choice = choices.get(leaf) ?? choiceOf(leaf, fields.get(name) ?? [])
      // The tests of a leaf belong to one name, so what they choose holds for every alternative.
      choices.set(leaf, choice)
      if (choice.matching.length === 0 && !choice.absent) return false
      wanted.push(choice)
    }
    return agree(wanted, budget)
  })
}

function choiceOf(leaf: LeafTests, values: readonly FieldValue[]): Choice {
  const matching = values.filter(({ value }) => leaf.tests.some((test) => passes(test, value)))
  return { absent: leaf.absent, matching: matching.map(({ places }) => places), present: values.map(({ places }) => places) }
}

function isWithinLevels(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((member) => isWithinLevels(member, levels - 1))
}

/** As AWS counts: the lengths of all `$or` arrays, multiplied. It is more than the alternatives where one stands inside another. */
function combinationsOf(object: JsonObject): number {
  let product = 1
  for (const [name, value] of Object.entries(object)) {
    const parts: readonly unknown[] = name === '$or' && Array.isArray(value) ? value : [value]
    product *= Math.max(1, parts.length)
    for (const part of parts) if (isJsonObject(part)) product *= combinationsOf(part)
  }
  return product
}

/** Names that an object in a `$or` must not have, some of them for later: event-ruler's Constants.java. */
const reservedInOr: ReadonlySet<string> = new Set(
  (
    'exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard ' +
    'not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range ip-address-in-range ' +
    'ip-address-not-in-range'
  ).split(' '),
)

/** Where an object stands: outside of any `$or`, inside one, or in a pattern in which `$or` is a field name like others. */
type Standing = 'top' | 'or' | 'plain'

/**
 * Adds what an object asks for to each alternative so far. A field that is asked for twice, beside and inside a `$or`, holds what was
 * asked last: that is how EventBridge compiles it (JsonRuleCompiler.java, writeRules).
 */
function compileObject(before: Alternatives, name: string | null, object: JsonObject, standing: Standing): Parsed<Alternatives> {
  const members = Object.entries(object)
  if (members.length === 0) return refused('Empty objects are not allowed')
  let alternatives = before
  for (const [member, value] of members) {
    const compiled = compileMember(alternatives, name, member, value, standing)
    if (!compiled.ok) return compiled
    alternatives = compiled.value
  }
  return parsed(alternatives)
}

function compileMember(
  before: Alternatives,
  name: string | null,
  member: string,
  value: unknown,
  standing: Standing,
): Parsed<Alternatives> {
  if (member === '$or' && standing !== 'plain') return compileOr(before, name, value)
  if (standing === 'or' && reservedInOr.has(member)) return refused('Reserved field name which cannot be used inside $or')
  const inner = name === null ? member : `${name}.${member}`
  if (isJsonObject(value)) return compileObject(before, inner, value, standing)
  if (!Array.isArray(value)) return refused('A field of the pattern must be an object or an array')
  const leaf = parseLeaf(value)
  if (!leaf.ok) return leaf
  return parsed(startedFrom(before).map((alternative) => new Map(alternative).set(inner, leaf.value)))
}

function compileOr(before: Alternatives, name: string | null, value: unknown): Parsed<Alternatives> {
  if (!Array.isArray(value)) return refused('It must be an Array followed with $or')
  const objects: readonly unknown[] = value
  const after: Alternative[] = []
  for (const object of objects) {
    if (!isJsonObject(object)) return refused('Only JSON object is allowed in array of $or relationship')
    const compiled = compileObject(before, name, object, 'or')
    if (!compiled.ok) return compiled
    after.push(...compiled.value)
  }
  return objects.length < 2 ? refused('There must have at least 2 Objects in $or relationship') : parsed(after)
}

function startedFrom(alternatives: Alternatives): Alternatives {
  return alternatives.length === 0 ? [new Map()] : alternatives
}

function sorted(alternative: Alternative): Alternative {
  return new Map([...alternative].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function namesOf(alternatives: Alternatives): FieldNames {
  const leaves = new Set(alternatives.flatMap((alternative) => [...alternative.keys()]))
  const ways = new Set<string>()
  for (const name of leaves) {
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) ways.add(name.slice(0, dot))
  }
  return { leaves, ways }
}
