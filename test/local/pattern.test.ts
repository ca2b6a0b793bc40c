import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesPattern, parsePattern } from '../../local/events/pattern.ts'
import { isJsonObject } from '../../shared/json.ts'

/**
 * A pattern | what it matches | what it does not ; the next row. All as JSON, so that members like `__proto__` are own ones.
 * A pattern that is a list is the leaf of a field `a`, and what it is compared with are values of that field.
 */
const TABLE = String.raw`
# members of the envelope
{"account":["1"],"resources":["x"],"detail":{"readOnly":[true]}} | {"account":"1","resources":["x"],"detail":{"readOnly":true}} |
{"time":[{"prefix":"2026-"}]} | {"time":"2026-10-02"} | {"detail":{"time":"2026-10-02"}}
# equal values
["x"] | "x" | "X" ; ["x","y"] | "y" | ; {"a":["x"]} | | {"b":"x"}, {"A":"x"} ; [""] | "" | null, "(absent)" ; [true] | true | "true", false
[null] | null | "", "null", "(absent)" ; [false] | false | 0 ; ["\u00e9"] | "\u00e9" | "e\u0301" ; [{"exactly":"x"}] | "x" | "xx"
# equal numbers
[300] | 300.0 | "300", 300.000001 ; [300.0] | 3e2 | ; ["300"] | | 300 ; [0] | -0 | ; [0.1] | 0.1 | ; [-1] | -1 | ; [1] | | true
[111122223333] | 111122223333 | 111122223334 ; [4999999999.999999] | 4999999999.999999 | 4999999999.999998
# exists
[{"exists":true}] | "x", null, "", false, [1] | "(absent)", [], {"b":1}, [{"b":1}] ; ["x",{"exists":false}] | "(absent)", "x" | "y"
[{"exists":false}] | "(absent)", [], {}, {"b":1} | null, "x" ; {"detail":{"a":[{"exists":false}]}} | {}, {"detail":"x"} |
{"a":[{"exists":true}],"b":[{"exists":false}]} | {"a":1} | {"a":1,"b":2}
# prefix and suffix
[{"prefix":"us-"}] | "us-east-1", "us-", ["eu","us-x"] | "US-east-1", "us", "(absent)" ; [{"prefix":"1"}] | | 12 ; [{"suffix":"2"}] | | 12
[{"prefix":""}] | "" | 1, null ; [{"suffix":".png"}] | "x.png" | "x.PNG", "x.png.txt", "png" ; [{"suffix":""}] | "x" |
# without case
[{"equals-ignore-case":"alice"}] | "ALICE" | "alice2", "alic" ; [{"equals-ignore-case":"ALICE"}] | "aLiCe" |
[{"equals-ignore-case":""}] | "" | ; [{"equals-ignore-case":"1"}] | | 1 ; [{"equals-ignore-case":"Ⱥ"}] | "ⱥ" |
[{"equals-ignore-case":"straße"}] | "STRASSE" | ; [{"prefix":{"equals-ignore-case":"EventB"}}] | "eventbridge", "EVENTB" | "an eventbridge"
[{"prefix":{"equals-ignore-case":""}}] | "x" | ; [{"suffix":{"equals-ignore-case":".png"}}] | "X.PnG" | "x.png.gz", "png"
[{"suffix":{"equals-ignore-case":"ß"}}] | "GROSS" |
# wildcard
[{"wildcard":"*"}] | "", "anything" | 1, "(absent)" ; [{"wildcard":""}] | "" | "x" ; [{"wildcard":"abc"}] | "abc" | "xabc"
[{"wildcard":"dir/*.png"}] | "dir/a/b.png", "dir/.png" | "dir.png", "DIR/x.png" ; [{"wildcard":"aa*aa"}] | "aaaa" | "aaa"
[{"wildcard":"*a*b*"}] | "xbxaxbx" | "xbxax" ; [{"wildcard":"*ab*b"}] | | "ab" ; [{"wildcard":"*:stack/*/x"}] | "arn:aws:stack/name/x" |
[{"wildcard":"a\\*b"}] | "a*b" | "axb" ; [{"wildcard":"a\\\\*"}] | "a\\x" | "a*" ; [{"wildcard":"*\\**"}] | "x*y" | "xy"
[{"wildcard":"a?c.[x]"}] | "a?c.[x]" | ; [{"wildcard":"a?c"}] | | "abc" ; [{"wildcard":"a*c"}] | "a\n\nc" |
# anything-but
[{"anything-but":"x"}] | "y", "X", null, 1, ["x","y"] | "x", "(absent)", [], {"b":"y"}, ["x","x"] ; ["x",{"anything-but":"x"}] | "x" |
[{"anything-but":["x","y"]}] | "z" | "y" ; [{"anything-but":123}] | 124, "123" | 123, 123.0 ; [{"anything-but":[100,200]}] | 300 | 200
[{"anything-but":"10.0.0.1"}] | "10.0.0.01" | ; [{"anything-but":{"prefix":"init"}}] | "done", 7 | "initializing", "(absent)"
[{"anything-but":{"prefix":["init","err"]}}] | "run" | "error" ; [{"anything-but":{"suffix":".png"}}] | "x.PNG" | "x.png"
[{"anything-but":{"suffix":[".png",".jpg"]}}] | | "x.jpg" ; [{"anything-but":{"equals-ignore-case":"x"}}] | | "X"
[{"anything-but":{"equals-ignore-case":["x","y"]}}] | "Z" | "Y" ; [{"anything-but":{"wildcard":"*/lib/*"}}] | "/usr/bin/x" | "/usr/lib/x"
[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}] | | "/usr/bin/x"
# numeric
[{"numeric":["=",5]}] | 5 | "5" ; [{"numeric":["=",301.8]}] | 3.018e2 | ; [{"numeric":["<",10]}] | 9.999999, -5000000000 | 10
[{"numeric":["<=",10]}] | 10 | 10.000001 ; [{"numeric":[">",0]}] | 0.000001, 5000000000 | 0, null, "(absent)", 5000000001, 0.1234567
[{"numeric":[">=",0]}] | -0 | ; [{"numeric":[">=",-1]}] | | -1.000001 ; [{"numeric":[">",0,"<=",5]}] | 5 | 0
[{"numeric":[">=",0,"<",5]}] | 0 | 5 ; [{"numeric":[">",0,"<",5]}] | [9,3] | ; [{"numeric":["<",1]}] | | 1e-7
# IP addresses
[{"cidr":"10.0.0.0/24"}] | "10.0.0.255" | ; [{"cidr":"0.0.0.0/0"}] | "255.255.255.255" | "::1" ; [{"cidr":"10.0.0.5/24"}] | | "10.0.0.4"
[{"cidr":"10.0.0.0/24"}] | | "10.0.1.0", "9.255.255.255", "10.0.0.256", "10.0.0.1 ", "kms.amazonaws.com", 10, "(absent)"
[{"cidr":"10.0.0.5/31"}] | "10.0.0.5" | ; [{"cidr":"::/0"}] | "::" | ; [{"cidr":"10.0.0.0/8"}] | "::ffff:a00:1" |
[{"cidr":"2001:db8::/32"}] | "2001:DB8:ffff::1" | "2001:db9::", "2001:db8::1::2", "2001:db8:12345::", "2001:db8:0:0:0:0:0:0:0"
["::1"] | "0:0:0:0:0:0:0:1" | ; ["10.0.0.1"] | "10.0.0.1" | "10.0.0.2" ; ["10.0.0.999"] | "10.0.0.999" |
# $or
{"$or":[{"a":["x"]},{"b":["y"]}]} | {"a":"x"}, {"b":"y"} | {"a":"y","b":"x"} ; {"$or":[{"a":["x"]},{"a":["y"]}]} | {"a":"y"} |
{"c":[1],"$or":[{"a":["x"]},{"b":["y"]}]} | {"b":"y","c":1} | {"b":"y"} ; {"$or":[{"a":["x"],"b":["y"]},{"c":["z"]}]} | | {"a":"x"}
{"detail":{"$or":[{"a":["x"]},{"b":{"c":["y"]}}]}} | {"detail":{"b":{"c":"y"}}} | {"b":{"c":"y"}} ; {"$or":["x","y"]} | {"$or":"y"} |
{"$or":[{"a":["x"],"$or":[{"b":[1]},{"c":[1]}]},{"d":[1]}]} | {"a":"x","c":1} | {"a":"x","d":2}
{"$or":[{"a":[{"exists":false}]},{"b":[1]}]} | {} | ; {"a":["x"],"$or":[{"a":["y"]},{"b":["z"]}]} | {"a":"y"} | {"a":"x"}
{"$or":[{"a":["x"]},{"a":["y"]}],"detail":{"$or":[{"b":[1]},{"b":[2]}]}} | {"a":"y","detail":{"b":2}} |
{"$or":[{"a":["y"]},{"b":["z"]}],"a":["x"]} | | {"a":"y"} ; {"$or":{"a":["x"]}} | {"$or":{"a":"x"}} | {"a":"x"}
{"$or":[{"prefix":"x"},{"numeric":["=",3]}]} | {"$or":3} |
# nested and unknown fields
{"a":{"b":{"c":["x"]}}} | {"a":{"b":{"c":"x"}}} | {"a":{"b":{"d":"x"}}} ; {"a":["x"],"b":["y"]} | {"b":"y","a":"x","c":1} | {"a":"x"}
{"a":{"b":["x"]}} | {"a.b":"x"} | {"a":{"b":{"c":"x"}}}, {"a":"x"}, {"b":"x"}, {"a.c":"x"} ; {"a.b":["x"]} | {"a":{"b":"x"}} |
{"":{"x":[1]}} | {"":{"x":1}} | {"x":1}
# arrays in the event
["x"] | ["y","x"], [["y"],[["x"]]] | [], [{"b":"x"}] ; ["x","y"] | ["z","y"] | ; [null] | [null] |
{"a":["x"],"b":["y"]} | {"a":["q","x"],"b":["y","q"]} |
{"a":{"b":["x"]}} | {"a":[{"b":"y"},{"b":"x"}]}, {"a":[{"b":["y","x"]}]} | {"a":[]}
# array consistency
{"d":{"a":[1],"b":[2]}} | {"d":[{"a":1,"b":2}]}, {"d":[{"a":1},{"b":2},{"a":1,"b":2}]}, {"d":[[{"a":1,"b":2}],[]]} |
{"d":{"a":[1],"b":[2]}} | | {"d":[{"a":1},{"b":2}]}, {"d":[[{"a":1}],[{"b":2}]]} ; {"d":{"a":[{"exists":false}]}} | {"d":[]} |
{"d":{"a":[1],"b":[2],"c":[3]}} | | {"d":[{"a":1,"b":2},{"b":2,"c":3},{"a":1,"c":3}]}
{"d":{"a":[1],"e":{"b":[2]}}} | {"d":[{"a":1,"e":[{"b":1},{"b":2}]}]} | {"d":[{"a":1},{"e":{"b":2}}]}
{"u":{"t":{"k":["color"],"v":["blue"]}}} | {"u":[{"t":[{"k":"color","v":"blue"}]}]} |
{"u":{"t":{"k":["color"],"v":["blue"]}}} | | {"u":[{"t":[{"k":"color"},{"v":"blue"}]}]}, {"u":[{"t":[{"k":"color"}]},{"t":[{"v":"blue"}]}]}
{"u":{"n":[1],"t":{"k":[1],"v":[2]}}} | | {"u":[{"n":1,"t":[{"k":1}]},{"n":2,"t":[{"k":1,"v":2}]}]}
{"d":{"a":[1]},"e":{"a":[2]}} | {"d":[{"a":0},{"a":1}],"e":[{"a":2},{"a":0}]} |
{"u":{"s":[{"anything-but":"banned"}],"n":["alice"]}} | | {"u":[{"n":"alice","s":"banned"},{"n":"bob","s":"ok"}]}
{"d":{"a":[1],"b":[{"exists":false}]}} | {"d":[{"a":1},{"b":2}]}, {"d":[{"a":1,"b":2},{"a":1}]} | {"d":[{"a":1,"b":2}]}
{"d":{"a":[{"exists":false}],"b":[2]}} | | {"d":[{"b":2},{"a":1}]}
{"$or":[{"d":{"a":[1],"b":[2]}},{"d":{"a":[1],"c":[3]}}]} | {"d":[{"a":1},{"b":2},{"a":1,"c":3}]} |
# names that every object inherits
{"constructor":[{"exists":true}]} | | {} ; {"constructor":[{"exists":false}]} | {} | ; {"constructor":{"name":["Object"]}} | | {}
{"constructor":{"name":["x"]}} | {"constructor":{"name":"x"}} | ; {"toString":[{"anything-but":"x"}]} | | {}
{"__proto__":["x"]} | {"__proto__":"x"} | {} ; {"__proto__":{"a":["x"]}} | {"__proto__":{"a":"x"}} | {"a":"x"}
{"a":["x"]} | | {"__proto__":{"a":"x"}} ; {"a":{"length":[2]}} | | {"a":"xx"}, {"a":[1,2]} ; {"a":{"0":["x"]}} | | {"a":["x"]}
`

/** A part of the reason | the patterns refused for it ; the next row. A list is the leaf of a field again. */
const REFUSED = String.raw`
Empty objects | {}, {"detail":{}}, {"$or":[{"a":["x"]},{}]} ; Empty arrays | [], [{"anything-but":{"prefix":[]}}]
must be an object or an array | {"a":"x"}, {"a":null}, {"a":1}, {"detail":{"a":true}}, {"$or":[{"a":["x"]},{"b":"y"}]}
Match value must be | [[]], [["x"]] ; expression name not found | [{}], [{"prefix":{}}], [{"anything-but":{}}]
Unrecognized match type | [{"contains":"x"}], [{"constructor":"x"}], [{"__proto__":"x"}] ; must be an array | [{"numeric":">"}]
Only one key | [{"prefix":"x","suffix":"y"}], [{"exists":false,"prefix":"x"}] ; exact match pattern must be a string | [{"exactly":1}]
Only one key | [{"prefix":{"equals-ignore-case":"x","suffix":"y"}}], [{"anything-but":{"prefix":"x","suffix":"y"}}]
either true or false | [{"exists":"true"}], [{"exists":null}] ; prefix match pattern must be a string | [{"prefix":1}], [{"prefix":["x"]}]
suffix match pattern must be a string | [{"suffix":null}] ; Unsupported prefix pattern | [{"prefix":{"suffix":"x"}}]
must be a string | [{"suffix":{"equals-ignore-case":1}}], [{"equals-ignore-case":["x"]}], [{"wildcard":1}]
must be a string | [{"anything-but":{"prefix":1}}], [{"anything-but":{"prefix":{"equals-ignore-case":"x"}}}]
must be a string | [{"anything-but":{"equals-ignore-case":[1]}}], [{"cidr":10}] ; Bad numeric range operator | [{"numeric":[">",0,">",5]}]
Consecutive wildcard | [{"wildcard":"a**b"}], [{"wildcard":"\\***"}], [{"anything-but":{"wildcard":["x","**"]}}]
Consecutive wildcard | {"$or":[{"a":["x"]},{"b":[{"wildcard":"**"}]}]} ; mixed type | [{"anything-but":["x",1]}], [{"anything-but":[]}]
Invalid escape | [{"wildcard":"a\\b"}], [{"wildcard":"a\\"}], [{"wildcard":"\\\\\\"}] ; at most 6 decimals | [{"numeric":["=",0.1234567]}]
must be an array or single string/number | [{"anything-but":null}], [{"anything-but":true}], [{"anything-but":["x",null]}]
must be an array or single string/number | [{"anything-but":[["x"]]}], [{"anything-but":[{"wildcard":"*"}]}]
between -5.0E9 and 5.0E9 | [{"anything-but":6000000000}], [{"numeric":["<",5000000001]}], [{"numeric":["=",-5000000001]}]
Unsupported anything-but | [{"anything-but":{"numeric":["=",1]}}], [{"anything-but":{"exists":true}}]
Null prefix/suffix | [{"anything-but":{"prefix":""}}], [{"anything-but":{"suffix":["x",""]}}] ; IPv4 mask bits | [{"cidr":"10.0.0.0/32"}]
Unrecognized numeric range operator | [{"numeric":[]}], [{"numeric":["!=",1]}] ; must be an integer | [{"cidr":"10.0.0.0/x"}]
must be numeric | [{"numeric":[">"]}], [{"numeric":["=","5"]}], [{"numeric":[">",0,"<"]}] ; must not be negative | [{"cidr":"10.0.0.0/-1"}]
Too many elements | [{"numeric":["<",5,">",0]}], [{"numeric":["=",5,"<",6]}], [{"numeric":[">",0,"<",5,"<",6]}]
Bottom must be less than top | [{"numeric":[">",5,"<",5]}], [{"numeric":[">",9,"<",5]}], [{"numeric":[">=",5000000000]}]
one '/' required | [{"cidr":"10.0.0.0"}], [{"cidr":"10.0.0.0/"}], [{"cidr":"10.0.0.0/8/8"}] ; IPv6 mask bits | [{"cidr":"::/128"}]
Nonstandard IP address | [{"cidr":"10.0.0/8"}], [{"cidr":"10.0.0.256/8"}], [{"cidr":"localhost/8"}], [{"cidr":":::/8"}]
Array followed with $or | {"$or":"x"} ; at least 2 Objects | {"$or":[]}, {"$or":[{"a":["x"]}]}
Only JSON object | {"$or":[{"a":["x"]},"y"]} ; Reserved field name | {"$or":[{"a":["x"]},{"b":{"prefix":["y"]}}]}
`

type Members = { readonly [name: string]: unknown }

function jsonOf(text: string): readonly unknown[] {
  const values: unknown = JSON.parse(`[${text}]`)
  return Array.isArray(values) ? values : []
}

function matches(pattern: string | Members, event: unknown): boolean {
  const read = parsePattern(typeof pattern === 'string' ? pattern : JSON.stringify(pattern))
  if (!read.ok || !isJsonObject(event)) throw new Error(read.ok ? 'no event' : read.reason)
  return matchesPattern(read.value, event)
}

const a = (...alternatives: readonly unknown[]): Members => ({ a: alternatives })

function linesOf(table: string): readonly (readonly string[])[] {
  const lines = table.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.flatMap((line) => line.split(' ;').map((row) => row.split(' |').map((cell) => cell.trim())))
}

const rows = linesOf(TABLE).flatMap(([pattern = '', matching = '', others = '']) => {
  const leaf = pattern.startsWith('[')
  return [matching, others].flatMap((cell, index) =>
    jsonOf(cell).map((value) => ({
      pattern: leaf ? `{"a":${pattern}}` : pattern,
      event: leaf ? (value === '(absent)' ? {} : { a: value }) : value,
      expected: index === 0,
    })),
  )
})

test.each(rows)('$pattern on $event: $expected', ({ pattern, event, expected }) => {
  expect(matches(pattern, event)).toBe(expected)
})

test('the table is read whole', () => {
  expect(rows.length).toBeGreaterThan(250)
})

describe('the rule of Keytrail', () => {
  const rule = {
    source: ['aws.kms'],
    'detail-type': ['AWS API Call via CloudTrail'],
    detail: { eventSource: ['kms.amazonaws.com'], eventName: ['Decrypt', 'GenerateDataKey'] },
  }
  const detail = { eventSource: 'kms.amazonaws.com', eventName: 'Decrypt', readOnly: true, errorCode: null }
  const about = { version: '0', account: '111122223333', region: 'eu-central-1', time: '2026-10-02T18:43:48Z', resources: [] }
  const event = { ...about, source: 'aws.kms', 'detail-type': 'AWS API Call via CloudTrail', detail }

  test.each([
    [{}, true],
    [{ detail: { ...detail, eventName: 'GenerateDataKey' } }, true],
    [{ source: ['keytrail.test', 'aws.kms'] }, true],
    [{ source: 'keytrail.test' }, false],
    [{ source: 'aws.kms ' }, false],
    [{ source: { 'aws.kms': true } }, false],
    [{ source: undefined }, false],
    [{ 'detail-type': 'AWS Service Event via CloudTrail' }, false],
    [{ detail: { ...detail, eventName: 'Encrypt' } }, false],
    [{ detail: { ...detail, eventName: 'decrypt' } }, false],
    [{ detail: { ...detail, eventSource: 's3.amazonaws.com' } }, false],
    [{ detail: 'Decrypt' }, false],
  ])('an event with %j: %j', (changed, expected) => {
    expect(matches(rule, { ...event, ...changed })).toBe(expected)
  })
})

const refusals = linesOf(REFUSED).flatMap(([reason = '', patterns = '']) =>
  jsonOf(patterns).map((pattern) => [JSON.stringify(Array.isArray(pattern) ? { a: pattern } : pattern), reason] as const),
)

function nested(levels: number, leaf: string): string {
  return '{"a":'.repeat(levels) + leaf + '}'.repeat(levels)
}

const tenWays = { $or: Array.from({ length: 10 }, (_, index) => ({ a: [index] })) }
const thousandWays = { b: tenWays, c: tenWays, d: tenWays }

test.each<readonly [pattern: string, reason: string]>([
  ...refusals,
  ['', 'not valid JSON'],
  ['['.repeat(2_000), 'not valid JSON'],
  ['["x"]', 'not an object'],
  [nested(100, '["x"]'), 'deeper than 100 levels'],
  [JSON.stringify({ ...thousandWays, e: { $or: [a(1), a(2)] } }), 'more than 1000 rule combinations'],
  [JSON.stringify(a('x'.repeat(2_039))), 'longer than 2048 characters'],
])('%s is refused: %s', (pattern, reason) => {
  expect(parsePattern(pattern)).toEqual({ ok: false, reason: expect.stringContaining(reason) })
})

function elements(name: string): readonly Members[] {
  return Array.from({ length: 5_000 }, (_, index) => ({ [name]: index, other: index }))
}

describe('limits', () => {
  test('a pattern of 2,048 characters, of 100 levels or of 1,000 combinations is taken', () => {
    expect(matches(a('x'.repeat(2_038)), { a: 'x'.repeat(2_038) })).toBe(true)
    expect(matches(nested(99, '["x"]'), JSON.parse(nested(99, '"x"')))).toBe(true)
    expect(matches(thousandWays, { b: { a: 0 }, c: { a: 5 }, d: { a: 9 } })).toBe(true)
    expect(matches(thousandWays, { b: { a: 0 }, c: { a: 5 }, d: { a: 10 } })).toBe(false)
  })

  test('an event that nests deeper than any event can is looked at as deep as it may be', () => {
    const [open, close] = ['['.repeat(100_000), ']'.repeat(100_000)]
    expect(matches(a('x'), JSON.parse(`{"a":${open}"x"${close}}`))).toBe(false)
    expect(matches(a('x'), JSON.parse(`{"a":["x",${open}${close}]}`))).toBe(true)
  })

  test('many wildcards on a long text that never fits', () => {
    expect(matches(a({ wildcard: `${'*a'.repeat(400)}*b` }), { a: 'a'.repeat(250_000) })).toBe(false)
  })

  const anything = [{ exists: true }]

  test('large arrays side by side', () => {
    const pattern = { d: { a: anything, other: [7] }, e: { a: anything, other: [4_999] }, f: { a: ['none'], other: anything } }
    const event = { d: elements('a'), e: elements('a'), f: elements('a') }
    expect(matches(pattern, event)).toBe(false)
    expect(matches(pattern, { ...event, f: { a: 'none', other: 1 } })).toBe(true)
  })

  test('one large array whose elements all match a part', () => {
    const pattern = { d: { a: anything, b: anything, other: anything } }
    expect(matches(pattern, { d: [...elements('a'), ...elements('b')] })).toBe(false)
    expect(matches(pattern, { d: [...elements('a'), ...elements('b'), { a: 1, b: 2, other: 3 }] })).toBe(true)
    expect(matches({ d: { a: anything, b: [{ exists: false }], other: [4_998] } }, { d: elements('a') })).toBe(true)
  })
})

/** As simple as can be, and exponential. */
function fits(tokens: readonly string[], text: string): boolean {
  const [token, ...others] = tokens
  if (token === undefined) return text === ''
  if (token === '*') return fits(others, text) || (text !== '' && fits(tokens, text.slice(1)))
  return text.startsWith(token.slice(-1)) && fits(others, text.slice(1))
}

describe('properties', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '.', '1'), minLength: 1, maxLength: 4 })
  const small = fc.integer({ min: -3, max: 3 })

  test('anything-but is the complement of what it excludes, on a value that is present', () => {
    const operator = fc.constantFrom('prefix', 'suffix', 'equals-ignore-case', 'wildcard')
    const negated = fc.tuple(operator, word).map(([name, text]) => ({ [name]: text }))
    const excluded = fc.oneof(word, small, negated)
    const value = fc.oneof(word, small, fc.boolean(), fc.constant(null))
    const complement = fc.property(excluded, value, (one, held) => {
      expect(matches(a({ 'anything-but': one }), { a: held })).toBe(!matches(a(one), { a: held }))
    })
    fc.assert(complement)
  })

  test('wildcard agrees with the obvious matcher', () => {
    const tokens = fc
      .array(fc.constantFrom('*', 'a', 'b', String.raw`\*`, String.raw`\\`), { maxLength: 8 })
      .map((all) => all.filter((token, index) => token !== '*' || all[index - 1] !== '*'))
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '\\'), maxLength: 10 })
    const same = fc.property(tokens, text, (all, value) => {
      expect(matches(a({ wildcard: all.join('') }), { a: value })).toBe(fits(all, value))
    })
    fc.assert(same, { numRuns: 1_000 })
  })

  test('$or is a logical or', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const leaf = fc.uniqueArray(fc.constantFrom<unknown>(1, 2, { exists: false }, { 'anything-but': 1 }), { minLength: 1 })
    const part = fc.dictionary(name, leaf, { minKeys: 1 })
    const event = fc.dictionary(name, fc.oneof(small, fc.array(small)))
    const parts = fc.array(part, { minLength: 2, maxLength: 4 })
    const either = fc.property(parts, event, ($or, fields) => {
      expect(matches({ $or }, fields)).toBe($or.some((one) => matches(one, fields)))
    })
    fc.assert(either)
  })
})
