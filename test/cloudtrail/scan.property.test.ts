import { isUtf8 } from 'node:buffer'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTrailReader } from '../../shared/cloudtrail/scan/trail-reader.ts'
import { createDice, type Dice, type Json, writeJson } from '../support/arbitrary-trail.ts'
import { linesOf } from '../support/text-lines.ts'

const LISTS = ['Records', 'Events'] as const
const FIELDS = ['eventName', 'errorCode', 'userIdentity', 'constructor', '__proto__']
/** Sets of fields whose values are remembered together, a bit a field. */
const REMEMBERED = [0b1, 0b110, 0b11111]

type Item = { readonly position: number; readonly json: string; readonly isPlain: boolean; readonly spans: readonly (string | null)[] }
type Problem = { readonly position: number; readonly reason: string }
type Heard = Item | Problem

let heard: Heard[] = []
/** What a remembered number stands for. */
const remembered = new Map<number, string>()
/** One reader for all: what a file leaves behind in it must not show in the next. */
const reader = createTrailReader(
  { lists: LISTS, fields: FIELDS },
  {
    item(item) {
      const spans = FIELDS.map((_, field) =>
        item.start(field) === 0 ? null : item.bytes.toString('utf8', item.start(field), item.end(field)),
      )
      heard.push({ position: item.position, json: JSON.stringify(item.json()), isPlain: item.isPlain, spans })
      for (const fields of REMEMBERED)
        checkRemembered(item.remember(fields), JSON.stringify([fields, spans.map((span, field) => ((fields >> field) & 1) === 1 && span)]))
    },
    problem: (position, reason) => void heard.push({ position, reason }),
  },
)

function checkRemembered(number: number, values: string): void {
  if (number < 0) remembered.set(~number, values)
  else expect(remembered.get(number), 'values that share a number').toBe(values)
}

/** Everything the reader says of a file that comes in pieces of at most so many bytes. */
function read(bytes: Uint8Array, dice: Dice, most: number): readonly Heard[] {
  heard = []
  for (let from = 0, to = 0; from < bytes.length; from = to) {
    to = Math.min(bytes.length, from + 1 + dice.below(most))
    reader.feed(bytes.subarray(from, to))
  }
  reader.end()
  return heard
}

function itemsOf(said: readonly Heard[]): readonly Item[] {
  return said.filter((one): one is Item => 'json' in one)
}

const anySeed = fc.nat({ max: 2 ** 31 })
const anyMost = fc.constantFrom(1, 2, 9, 64, 1000, 1 << 20)
const anyName = fc.oneof(
  fc.constantFrom(...FIELDS, ...LISTS, 'eventNam', 'eventNames', 'a"}', ''),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
)
const anyValue: fc.Arbitrary<Json> = fc.oneof(
  fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }),
  fc.dictionary(anyName, fc.jsonValue({ maxDepth: 1, stringUnit: 'grapheme' }), { maxKeys: 5 }),
)
const NUMBERS = ['1e5', '-0.1', '-0', '0', '1E+2', '0.0e-0', '123456789012345678901234567890', '1e400', '-1.5E-9']
const anyDepth = fc.oneof({ arbitrary: fc.nat({ max: 40 }), weight: 4 }, { arbitrary: fc.nat({ max: 450 }), weight: 1 })
const deepText = fc
  .tuple(anyDepth, fc.constantFrom('x', 'eventName', 'Records'))
  .map(([depth, name]) => `${`{"${name}":[`.repeat(depth)}{}${']}'.repeat(depth)}`)
const valueText = fc.tuple(anyValue, anySeed).map(([value, seed]) => writeJson(value, createDice(seed)))
const itemText = fc.oneof(
  { arbitrary: valueText, weight: 8 },
  { arbitrary: fc.constantFrom(...NUMBERS), weight: 1 },
  { arbitrary: deepText, weight: 1 },
)
const anyDocument = fc.record({
  kind: fc.constantFrom('alone', 'alone', 'list', ...LISTS),
  items: fc.array(itemText, { maxLength: 4 }),
  beside: fc.array(valueText, { maxLength: 2 }),
})
type Document = typeof anyDocument extends fc.Arbitrary<infer Value> ? Value : never

/** The text of documents, and what reading them must give. */
function write(documents: readonly Document[], dice: Dice): { readonly text: string; readonly values: readonly unknown[] } {
  let text = ''
  const values: unknown[] = []
  for (const { kind, items, beside } of documents) {
    const parsed = items.map((item) => JSON.parse(item) as unknown)
    // A list by itself, and what has a list of records, is no item but holds them.
    const isAlone = kind === 'alone' && !parsed.some((value) => Array.isArray(value) || listsOf(value).length > 0)
    text += dice.pick(['\n', ' ', '\r\n', '\n \n\t', separatorAfter(text)])
    text += isAlone ? items.join(' ') : writeList(kind === 'alone' ? 'list' : kind, items, beside, dice)
    values.push(...parsed)
  }
  return { text: text.trimStart(), values }
}

function separatorAfter(text: string): string {
  return /[\]}"]$/.test(text) ? '' : ' '
}

function listsOf(value: unknown): readonly unknown[] {
  return Object.entries(Object(value) as object)
    .flatMap(([name, member]) => (name === LISTS[0] || name === LISTS[1] ? [member] : []))
    .filter(Array.isArray)
}

function writeList(kind: string, items: readonly string[], beside: readonly string[], dice: Dice): string {
  const gap = (): string => dice.pick(['', '', ' ', '\n  ', '\t\r\n'])
  const list = `[${gap()}${items.map((item) => `${item}${gap()}`).join(`,${gap()}`)}]`
  if (kind === 'list') return list
  const [before = '', behind = ''] = beside.map((value) => `"beside"${gap()}:${gap()}${value}${gap()}`)
  return `{${gap()}${before && `${before},`}"${kind}"${gap()}:${gap()}${list}${gap()}${behind && `,${behind}`}}`
}

describe('reading valid documents', () => {
  it('gives every item as JSON.parse would, at its place, and its members where they stand, whatever the container and the pieces', () => {
    let plain = 0
    fc.assert(
      fc.property(fc.array(anyDocument, { minLength: 1, maxLength: 4 }), anySeed, anyMost, (documents, seed, most) => {
        const dice = createDice(seed)
        const { text, values } = write(documents, dice)
        const said = read(Buffer.from(text), dice, most)
        expect(said.map((one) => ('json' in one ? one.json : one.reason))).toEqual(values.map((value) => JSON.stringify(value)))
        expect(said.map(({ position }) => position)).toEqual(values.map((_, index) => index + 1))
        for (const [index, item] of itemsOf(said).entries()) {
          plain += Number(item.isPlain)
          expect(item.isPlain || text.includes('\\'), 'an item without escapes is plain').toBe(true)
          const spans = item.isPlain ? item.spans.map((span) => span && JSON.stringify(JSON.parse(span))) : membersOf(values[index])
          expect(spans).toEqual(membersOf(values[index]))
        }
      }),
      { numRuns: 200 },
    )
    expect(plain, 'plain items').toBeGreaterThan(100)
  })
})

/** The wanted members as JSON; null for those that are not there. */
function membersOf(value: unknown): readonly (string | null)[] {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return FIELDS.map((field) => (isObject && Object.hasOwn(value, field) ? JSON.stringify((value as Record<string, unknown>)[field]) : null))
}

/** Damage that chance would seldom do, and what it aims at. */
const AIMED = new Map([
  ['remove comma', ','],
  ['remove brace', '}'],
  ['insert comma', ']'],
])
/** One byte flipped, replaced, removed or inserted, or the end cut off. */
const anyDamage = fc.record({
  kind: fc.constantFrom('flip', 'replace', 'remove', 'insert', 'cut', ...AIMED.keys()),
  // Doubles would be small ones nearly always.
  part: fc.nat({ max: 9999 }).map((part) => part / 10_000),
  byte: fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\/\n\r\t\f 0-.e\u0000tx')), fc.integer({ min: 1, max: 255 })),
})
type Damage = typeof anyDamage extends fc.Arbitrary<infer Value> ? Value : never

function damaged(bytes: Buffer, { kind, part, byte }: Damage): Buffer {
  const aim = AIMED.get(kind)?.charCodeAt(0)
  const places = [...bytes.keys()].filter((place) => aim === undefined || bytes[place] === aim)
  const at = places[Math.floor(part * places.length)] ?? 0
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)]
  if (kind === 'cut') return before
  if (kind.startsWith('insert')) return Buffer.concat([before, Buffer.of(kind === 'insert' ? byte : COMMA), behind])
  if (kind.startsWith('remove') || behind.length === 0) return Buffer.concat([before, behind.subarray(1)])
  return Buffer.concat([before, Buffer.of(kind === 'flip' ? (behind[0] ?? 0) ^ byte : byte), behind.subarray(1)])
}

const COMMA = 0x2c

/** JSON values one after the other, lists entered, as JSON.parse reads them; null if that is not all there is in the text. */
function readStrictly(text: string): readonly string[] | null {
  const values: string[] = []
  for (let rest = text.replace(SPACE, ''); rest !== ''; rest = rest.replace(SPACE, '')) {
    const one = rest.slice(0, valueLength(rest))
    const inside = valuesIn(one)
    if (inside === null) return null
    values.push(...inside)
    rest = rest.slice(one.length)
  }
  return values
}

const SPACE = /^[ \t\r\n]+/
const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\d)|true|false|null)/

/** How long the value is that the text begins with, if it begins with one. */
function valueLength(text: string): number {
  let depth = 0
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (index > 0 && depth === 0) break
    depth += token === '[' || token === '{' ? 1 : token === ']' || token === '}' ? -1 : 0
    if (depth === 0) return index + token.length
  }
  return SCALAR.exec(text)?.[0].length ?? text.length
}

/** The items of one document as JSON; null if it is none. */
function valuesIn(document: string): readonly string[] | null {
  try {
    const value = JSON.parse(document) as unknown
    const lists = Array.isArray(value) ? [value] : listsOf(value)
    return (lists.length > 0 ? lists.flat() : [value]).map((item) => JSON.stringify(item))
  } catch {
    return null
  }
}

const isShort = (text: string): boolean => text.length < 60
/** Short ones: in long ones damage hits the long texts in them. */
const shortDocument = anyDocument.map(({ kind, items, beside }) => ({ kind, items: items.filter(isShort), beside: beside.filter(isShort) }))

/** Whether a comma is all that is wrong with a text of these items, one too many, one that lacks, or one that became an item. */
function lacksCommaOnly(text: string, items: readonly string[]): boolean {
  const places = Array.from({ length: text.length }, (_, at) => at)
  const others = places.flatMap((at) => {
    const [before, one = '', behind] = [text.slice(0, at), text[at], text.slice(at + 1)]
    return [`${before},${one}${behind}`, `${before},${one},${behind}`, ...(one === ',' ? [before + behind] : [])]
  })
  return others.some((other) => JSON.stringify(readStrictly(other)) === JSON.stringify(items))
}

const anyObject = fc.tuple(
  fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), fc.string()), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  anySeed,
)
const anyLine = anyObject.map(([value, seed]) => writeJson(value, createDice(seed)))

describe('reading a document with one byte damaged', () => {
  it('ends, says so unless the text is still JSON but for a comma between items, and says the same whatever the pieces', () => {
    const seen = { whole: 0, comma: 0, broken: 0 }
    fc.assert(
      fc.property(fc.array(shortDocument, { minLength: 1, maxLength: 3 }), anyDamage, anySeed, anyMost, (documents, damage, seed, most) => {
        const dice = createDice(seed)
        const bytes = damaged(Buffer.from(write(documents, dice).text), damage)
        const said = read(bytes, dice, 1 << 20)
        expect(read(bytes, dice, most)).toEqual(said)
        // Whether a byte that is no UTF-8 hurts depends on where it stands.
        if (!isUtf8(bytes)) return
        const items = itemsOf(said).map(({ json }) => json)
        const isSilent = items.length === said.length
        const expected = readStrictly(bytes.toString())
        const story = expected !== null ? 'whole' : isSilent ? 'comma' : 'broken'
        seen[story]++
        expect(isSilent, 'nothing is said').toBe(story !== 'broken')
        expect(items).toEqual(story === 'whole' ? expected : items)
        expect(story !== 'comma' || lacksCommaOnly(bytes.toString(), items), 'only a comma is wrong').toBe(true)
      }),
      { numRuns: 400 },
    )
    expect(Math.min(seen.whole, seen.comma, seen.broken), JSON.stringify(seen)).toBeGreaterThan(0)
  })

  it('loses no line of a JSON lines file but the damaged one', () => {
    let unclosed = 0
    fc.assert(
      fc.property(fc.array(anyLine, { minLength: 2, maxLength: 6 }), anyDamage, anySeed, anyMost, (lines, damage, seed, most) => {
        const dice = createDice(seed)
        const bytes = damaged(Buffer.from(lines.join(dice.pick(['\n', '\r\n']))), damage)
        const texts = linesOf(bytes)
        const values = texts.map(valuesIn)
        // It is the next line that cannot be what it is.
        unclosed += texts.slice(0, -1).filter((line, index) => values[index] === null && valuesIn(`${line}}`) !== null).length
        let left = itemsOf(read(bytes, dice, most)).map(({ json }) => json)
        const lost = values
          .flatMap((inside) => inside ?? [])
          .filter((json) => {
            const at = left.indexOf(json)
            left = left.slice(at + 1)
            return at === -1
          })
        expect(lost).toEqual([])
      }),
      { numRuns: 400 },
    )
    expect(unclosed, 'lines that lack their last bracket').toBeGreaterThan(0)
  })
})

describe('reading a file that is larger than memory for it', () => {
  it('gives every item', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), (seed) => {
        const dice = createDice(seed)
        const names = Array.from({ length: 150 }, (_, index) => `${index}${dice.pick(['', '€', '"', '\\'])}`)
        const texts = names.map((name) =>
          JSON.stringify({ pad: 'x]}"\\'.repeat(dice.below(dice.pick([10, 1000, 100_000]))), eventName: name }),
        )
        const said = read(Buffer.from(`{"Records":[${texts.join(',')}]}`), dice, 1 << dice.pick([16, 22]))
        expect(said.map((one) => 'json' in one && one.json)).toEqual(texts)
      }),
      { numRuns: 2 },
    )
  })
})
