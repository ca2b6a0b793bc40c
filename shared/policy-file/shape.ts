import { isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml'
import type { JsonObject } from '../json.ts'
import { nearest } from '../nearest.ts'
import { type EpochS, parseEventTime } from '../time.ts'
import { type Place, placeOf, quoted, type Reading, written } from './reading.ts'

/** What may stand at a place: how it is read, and the same for editors (JSON Schema, draft 07). */
export type Shape<Value> = {
  readonly schema: JsonObject
  /** Undefined: it was refused, and the reading knows why. */
  read(place: Place, reading: Reading): Value | undefined
}

export type ValueOf<Some> = Some extends Shape<infer Value> ? Value : never
/** So many words are named where none is near. */
const NAMED_MAX = 10

type Shapes = Readonly<Record<string, Shape<unknown>>>
type Members<All extends Shapes, Needed extends keyof All> = { readonly [Name in Needed]: ValueOf<All[Name]> } & {
  readonly [Name in Exclude<keyof All, Needed>]?: ValueOf<All[Name]>
}

function reads<Value>(schema: JsonObject, read: (node: Place['node'], place: Place, reading: Reading) => Value | undefined): Shape<Value> {
  return {
    schema,
    read(place, reading) {
      const node = reading.resolve(place)
      return node === undefined ? undefined : read(node, place, reading)
    },
  }
}

/** A text of a form. `what` says what it is and gives an example, such as `an alias, such as alias/app`. */
export function text(form: { readonly what: string; readonly pattern: RegExp; readonly lengthMax: number }): Shape<string> {
  const { what, pattern, lengthMax } = form
  return reads({ type: 'string', description: what, pattern: pattern.source, maxLength: lengthMax }, (node, place, reading) => {
    if (isScalar(node) && typeof node.value === 'number' && pattern.test(node.source ?? '')) {
      reading.refuse(place, `${written(node)} is a number here: write it in quotes, '${node.source ?? ''}'`)
      return undefined
    }
    const isLong = isScalar(node) && typeof node.value === 'string' && lengthOf(node.value) > lengthMax
    if (isScalar(node) && typeof node.value === 'string' && !isLong && pattern.test(node.value)) return node.value
    reading.refuse(place, `${written(node)} stands here: write ${what}${isLong ? `, ${lengthMax} characters at most` : ''}`)
    return undefined
  })
}

/** In characters of Unicode, as JSON Schema counts. https://json-schema.org/draft-07/draft-handrews-json-schema-validation-01#rfc.section.6.3.1 */
function lengthOf(value: string): number {
  return Array.from(value).length
}

/** One of these words. */
export function choice<const Word extends string>(what: string, words: readonly Word[]): Shape<Word> {
  return reads({ type: 'string', description: what, enum: words }, (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined
    const found = words.find((word) => word === value)
    if (found === undefined) reading.refuse(place, `${written(node)} stands here: ${advice(value, words) ?? `write ${what}`}`)
    return found
  })
}

export function wholeNumber(what: string, { min, max }: { readonly min: number; readonly max: number }): Shape<number> {
  return reads({ type: 'integer', description: what, minimum: min, maximum: max }, (node, place, reading) => {
    if (isScalar(node) && typeof node.value === 'number' && Number.isInteger(node.value) && node.value >= min && node.value <= max)
      return node.value
    reading.refuse(place, `${written(node)} stands here: write ${what}, a whole number from ${min} to ${max}`)
    return undefined
  })
}

export function yesOrNo(what: string): Shape<boolean> {
  return reads({ type: 'boolean', description: what }, (node, place, reading) => {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    reading.refuse(place, `${written(node)} stands here: write true or false`)
    return undefined
  })
}

const DAY = /^\d{4}-\d\d-\d\d$/

/** A day, as its first second (UTC). */
export function day(what: string): Shape<EpochS> {
  return reads({ type: 'string', description: what, pattern: DAY.source, format: 'date' }, (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined
    const instant = typeof value === 'string' && DAY.test(value) ? parseEventTime(`${value}T00:00:00Z`) : null
    if (instant !== null) return instant
    reading.refuse(place, `${written(node)} stands here: write ${what}`)
    return undefined
  })
}

/** What was refused is left out of the list: the whole file is refused then. */
export function list<Value>(what: string, each: Shape<Value>, countMax: number): Shape<readonly Value[]> {
  return reads({ type: 'array', description: what, items: each.schema, maxItems: countMax }, (node, place, reading) => {
    if (!isSeq(node)) {
      reading.refuse(place, `${written(node)} stands here: write ${what}, as a list ("- …" on lines of their own, or [])`)
      return undefined
    }
    if (node.items.length > countMax) reading.refuse(place, `this list has ${node.items.length} entries: ${countMax} at most`)
    return node.items.slice(0, countMax).flatMap((item) => {
      const value = each.read(placeOf(item as Place['node'], place.offset), reading)
      return value === undefined ? [] : [value]
    })
  })
}

/** The same, with a look at what was read: `judge` refuses, or warns of, what its form does not tell. `schema`: what editors know of it. */
export function judged<Value>(
  shape: Shape<Value>,
  judge: (value: Value, place: Place, reading: Reading) => void,
  { schema }: Pick<Shape<Value>, 'schema'> = shape,
): Shape<Value> {
  return {
    schema,
    read(place, reading) {
      const refusedBefore = reading.problems.length
      const value = shape.read(place, reading)
      // Of what was refused in part, the rest says nothing.
      if (value !== undefined && reading.problems.length === refusedBefore) judge(value, place, reading)
      return value
    },
  }
}

/** A mapping with these members, of which some are needed. */
export function members<All extends Shapes, const Needed extends keyof All & string = never>(
  what: string,
  shapes: All,
  needed: readonly Needed[] = [],
): Shape<Members<All, Needed>> {
  const properties = Object.fromEntries(Object.entries(shapes).map(([name, { schema }]) => [name, schema]))
  const required = needed.length === 0 ? {} : { required: needed }
  return reads({ type: 'object', description: what, additionalProperties: false, ...required, properties }, (node, place, reading) => {
    if (!isMap(node)) {
      reading.refuse(place, `${written(node)} stands here: write ${what}, as a mapping with ${Object.keys(shapes).join(', ')}`)
      return undefined
    }
    const values = readMembers(node, place, reading, shapes)
    const missing = needed.filter((name) => !values.has(name))
    if (missing.length > 0) reading.refuse(place, `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`)
    return Object.fromEntries([...values].filter(([, value]) => value !== undefined)) as Members<All, Needed>
  })
}

/** Members that are there, those that were refused as undefined. */
function readMembers(map: YAMLMap, place: Place, reading: Reading, shapes: Shapes): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>()
  const seen = new Set<string>()
  for (const pair of map.items as readonly Pair<Place['node'], Place['node']>[]) {
    const keyPlace = placeOf(pair.key, place.offset)
    const key = isScalar(pair.key) ? pair.key.value : undefined
    const shape = typeof key === 'string' && Object.hasOwn(shapes, key) ? shapes[key] : undefined
    if (typeof key !== 'string' || shape === undefined) {
      const instead = advice(key, Object.keys(shapes))
      reading.refuse(keyPlace, `${written(pair.key)} is unknown here${instead === null ? '' : `: ${instead}`}`)
    } else if (seen.has(key)) {
      reading.refuse(keyPlace, `${quoted(key)} is written twice: keep one`)
    } else {
      seen.add(key)
      values.set(key, shape.read(placeOf(pair.value, keyPlace.offset), reading))
    }
  }
  return values
}

/** Null: there are too many words to name, and none is near. */
function advice(value: unknown, words: readonly string[]): string | null {
  const near = typeof value === 'string' ? nearest(value, words) : null
  if (near !== null) return `did you mean ${near}?`
  return words.length <= NAMED_MAX ? `write ${words.length === 1 ? '' : 'one of '}${words.join(', ')}` : null
}
