import type { JsonObject } from '../../shared/json.ts'
import { isJsonObject } from '../../shared/json.ts'
import type { Scalar } from './pattern-values.ts'

// An event is flattened into fields with dotted names, as event-ruler does: a member called `a.b` and a member b of a are one field.
// Each value remembers the elements of arrays it was found in, for array consistency: values that match together must not come from
// different elements of one array (https://github.com/aws/event-ruler#json-array-matching; Event.java, ArrayMembership.java).

/** For each array that the way to a value leads through, by number: the element. A plain value has no place in its own array. */
export type Places = ReadonlyMap<number, number>

export type FieldValue = { readonly value: Scalar; readonly places: Places }

/** The names of a pattern's fields, and of everything on the way to them. */
export type FieldNames = { readonly leaves: ReadonlySet<string>; readonly ways: ReadonlySet<string> }

/** Jackson's limit, which the parser of event-ruler has: 1,000 levels. What lies deeper is not found. */
const levelsMax = 1_000

const nowhere: Places = new Map()

/** The values of the fields that a pattern names. */
export function fieldsOf(event: JsonObject, names: FieldNames): ReadonlyMap<string, readonly FieldValue[]> {
  const fields = new Map<string, FieldValue[]>()
  let arrays = 0

  function visit(value: unknown, name: string, places: Places, level: number): void {
    if (level > levelsMax) return
    if (Array.isArray(value)) {
      const elements: readonly unknown[] = value
      const array = arrays++
      for (const [element, item] of elements.entries()) {
        const inner = typeof item === 'object' && item !== null ? new Map(places).set(array, element) : places
        visit(item, name, inner, level + 1)
      }
    } else if (isJsonObject(value)) {
      for (const [member, item] of Object.entries(value)) enter(item, `${name}.${member}`, places, level)
    } else if (isScalar(value) && names.leaves.has(name)) {
      const found = fields.get(name)
      if (found === undefined) fields.set(name, [{ value, places }])
      else found.push({ value, places })
    }
  }

  function enter(value: unknown, name: string, places: Places, level: number): void {
    if (names.leaves.has(name) || names.ways.has(name)) visit(value, name, places, level + 1)
  }

  for (const [member, item] of Object.entries(event)) enter(item, member, nowhere, 1)
  return fields
}

function isScalar(value: unknown): value is Scalar {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** What one field of a pattern asks for: one of `matching`, or, where `absent` is allowed, none of `present`. */
export type Choice = { readonly absent: boolean; readonly matching: readonly Places[]; readonly present: readonly Places[] }

/** Steps left for one event, so that no event can hold the local cloud up. */
export type Budget = { left: number }

/**
 * Whether every field can be given a value so that no array is asked for two elements.
 * Fields come in the order of their names, and absence is judged against the elements chosen before it, both as in ACFinder.java.
 * Elements are remembered only while a later field may disagree with them, so that arrays side by side do not multiply.
 */
export function agree(choices: readonly Choice[], budget: Budget): boolean {
  const lastUse = new Map<number, number>()
  for (const [index, choice] of choices.entries()) {
    for (const places of [...choice.matching, ...(choice.absent ? choice.present : [])]) {
      for (const array of places.keys()) lastUse.set(array, index)
    }
  }

  let chosen: readonly Places[] = [nowhere]
  for (const [index, choice] of choices.entries()) {
    const next = new Map<string, Places>()
    const keep = (places: Iterable<readonly [number, number]>): void => {
      const kept = [...places].filter(([array]) => (lastUse.get(array) ?? 0) > index).toSorted(([a], [b]) => a - b)
      next.set(kept.join(' '), new Map(kept))
    }
    const tree = treeOf(chosen)
    if (choice.absent) {
      const taken = new Set<Places>()
      for (const places of choice.present) eachAgreeing(tree, places, budget, (earlier) => void taken.add(earlier))
      for (const earlier of chosen) if (!taken.has(earlier)) keep(earlier)
    }
    for (const places of choice.matching) eachAgreeing(tree, places, budget, (earlier) => keep(new Map([...earlier, ...places])))
    if (next.size === 0) return false
    chosen = [...next.values()]
  }
  return true
}

/** Choices by the elements they went through, the outer array before the inner: arrays are numbered in that order. */
type Branch = { chosen: Places | null; readonly next: Map<number, Map<number, Branch>> }

function treeOf(choices: readonly Places[]): Branch {
  const root: Branch = { chosen: null, next: new Map() }
  for (const chosen of choices) {
    let branch = root
    for (const [array, element] of chosen) {
      const elements = branch.next.get(array) ?? new Map<number, Branch>()
      branch.next.set(array, elements)
      const inner = elements.get(element) ?? { chosen: null, next: new Map() }
      elements.set(element, inner)
      branch = inner
    }
    branch.chosen = chosen
  }
  return root
}

/** Calls back for each choice that asks no array for another element than `places` does. */
function eachAgreeing(branch: Branch, places: Places, budget: Budget, found: (earlier: Places) => void): void {
  if (budget.left-- <= 0) return
  if (branch.chosen !== null) found(branch.chosen)
  for (const [array, elements] of branch.next) {
    const element = places.get(array)
    const inner = element === undefined ? undefined : elements.get(element)
    if (inner !== undefined) eachAgreeing(inner, places, budget, found)
    else if (element === undefined) for (const any of elements.values()) eachAgreeing(any, places, budget, found)
  }
}
