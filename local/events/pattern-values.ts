/** What a leaf of an event may hold. */
export type Scalar = string | number | boolean | null

/** A letter in both cases, each as long as that case is written: `ß` is `SS` in capitals. */
type Letter = { readonly lower: string; readonly upper: string }

/** IP addresses from `lowest` to `highest`, both included. */
export type AddressRange = { readonly kind: 'addresses'; readonly bits: 32 | 128; readonly lowest: bigint; readonly highest: bigint }

/** One alternative of a leaf of a pattern. Bounds of `numeric` are in millionths, both included. */
export type ValueTest =
  | { readonly kind: 'exists' }
  | { readonly kind: 'exactly'; readonly value: Scalar }
  | { readonly kind: 'prefix' | 'suffix'; readonly text: string }
  | { readonly kind: 'anyCase' | 'prefixAnyCase' | 'suffixAnyCase'; readonly letters: readonly Letter[] }
  | { readonly kind: 'wildcard'; readonly parts: readonly [string, ...string[]] }
  | { readonly kind: 'numeric'; readonly lowest: number; readonly highest: number }
  | AddressRange
  | { readonly kind: 'anythingBut'; readonly tests: readonly ValueTest[] }

/** Whether a value that is present passes. Texts are compared case-sensitively and not normalized. */
export function passes(test: ValueTest, value: Scalar): boolean {
  switch (test.kind) {
    case 'exists':
      return true
    case 'exactly':
      return test.value === value
    case 'prefix':
      return typeof value === 'string' && value.startsWith(test.text)
    case 'suffix':
      return typeof value === 'string' && value.endsWith(test.text)
    case 'anyCase':
      return typeof value === 'string' && endOfLetters(test.letters, value) === value.length
    case 'prefixAnyCase':
      return typeof value === 'string' && endOfLetters(test.letters, value) !== null
    case 'suffixAnyCase':
      return typeof value === 'string' && endsWithLetters(test.letters, value)
    case 'wildcard':
      return typeof value === 'string' && matchesParts(test.parts, value)
    case 'numeric':
      return inRange(test.lowest, test.highest, typeof value === 'number' ? millionthsOf(value) : null)
    case 'addresses':
      return inAddresses(test, value)
    case 'anythingBut':
      return !test.tests.some((inner) => passes(inner, value))
  }
}

/**
 * EventBridge compares numbers from -5,000,000,000 to 5,000,000,000 with at most six decimals; any other number is no number to it
 * (https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/ComparableNumber.java). Null for those.
 * The digits are read as written: multiplying by a million is off by one near the bounds.
 */
export function millionthsOf(value: number): number | null {
  const size = Math.abs(value)
  if (!(size <= numberMax)) return null
  const [whole = '', decimals = ''] = String(size).split('.')
  if (whole.includes('e') || decimals.includes('e') || decimals.length > 6) return null
  const millionths = Number(whole) * 1_000_000 + Number(decimals.padEnd(6, '0'))
  // Adding zero makes one zero of both.
  return (value < 0 ? -millionths : millionths) + 0
}

/** The largest number that EventBridge compares, and the smallest without its sign. */
export const numberMax = 5_000_000_000

/**
 * Case is per UTF-16 unit, each written in lower case or in capitals, as event-ruler builds it
 * (https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/input/EqualsIgnoreCaseParser.java).
 */
export function lettersOf(text: string): readonly Letter[] {
  return text.split('').map((unit) => ({ lower: unit.toLowerCase(), upper: unit.toUpperCase() }))
}

function endOfLetters(letters: readonly Letter[], text: string): number | null {
  let end = 0
  for (const { lower, upper } of letters) {
    if (text.startsWith(lower, end)) end += lower.length
    else if (text.startsWith(upper, end)) end += upper.length
    else return null
  }
  return end
}

function endsWithLetters(letters: readonly Letter[], text: string): boolean {
  let start = text.length
  for (const { lower, upper } of letters.toReversed()) {
    if (text.endsWith(lower, start)) start -= lower.length
    else if (text.endsWith(upper, start)) start -= upper.length
    else return false
  }
  return true
}

/** Each part at its leftmost place: with `*` as the only wildcard that finds a match wherever there is one, without going back. */
function matchesParts(parts: readonly [string, ...string[]], text: string): boolean {
  const [first, ...middle] = parts
  const last = middle.pop()
  if (last === undefined) return text === first
  const end = text.length - last.length
  let at = first.length
  if (end < at || !text.startsWith(first) || !text.endsWith(last)) return false
  for (const part of middle) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return at <= end
}

function inRange(lowest: number, highest: number, value: number | null): boolean {
  return value !== null && value >= lowest && value <= highest
}

function inAddresses(range: AddressRange, value: Scalar): boolean {
  const address = typeof value === 'string' ? addressOf(value) : null
  return address !== null && address.bits === range.bits && address.value >= range.lowest && address.value <= range.highest
}

/** An IP address as a number, null for any other text. */
export function addressOf(text: string): { readonly bits: 32 | 128; readonly value: bigint } | null {
  // The longest IPv6 address in hexadecimal; everything an event holds passes here.
  if (text.length > 39) return null
  const value = text.includes(':') ? ipv6Of(text) : null
  if (value === null) {
    const short = ipv4Of(text)
    return short === null ? null : { bits: 32, value: short }
  }
  // Java reads an IPv4-mapped address (::ffff:0:0/96) as IPv4, and event-ruler leaves addresses to Java (CIDR.java, ipToBytes).
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value }
}

/** Four decimal numbers; zeros in front are allowed, as Java does. */
function ipv4Of(text: string): bigint | null {
  if (text.length > 15 || !/^\d+\.\d+\.\d+\.\d+$/.test(text)) return null
  const numbers = text.split('.').map(Number)
  return numbers.every((number) => number <= 255) ? numbers.reduce((sum, number) => sum * 256n + BigInt(number), 0n) : null
}

function ipv6Of(text: string): bigint | null {
  const halves = text.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const [left = [], right] = halves
  if (halves.length > 2) return null
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...(right ?? [])]
  return groups.every((group) => /^[\da-fA-F]{1,4}$/.test(group))
    ? BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`)
    : null
}
