// AssemblyScript, not TypeScript: compiled to scanner-wasm.ts by `npm run build:scanner`, compared in test/generated.test.ts.
//
// A validating JSON scanner over bytes. It says where a value ends and where the members of an object that the caller asked for
// stand, without making one JavaScript object. Two passes, because a loop over string bytes is lost in mispredicted branches:
// `index` finds every quote that opens or closes a string, 64 bytes at a time; `walk` then checks the grammar and jumps from
// quote to quote. Grammar: RFC 8259. UTF-8 is not checked here (`nonAscii` tells the caller when it has to).

/** What `walk` found. The same numbers stand in scanner.ts. */
const DONE: i32 = 0
const INCOMPLETE: i32 = 1
const INVALID: i32 = 2
const ITEMS: i32 = 3
const TOO_DEEP: i32 = 4

const DEPTH_MAX: i32 = 1000
const NAME_BYTES_MAX: usize = 30
const FIELDS_MAX: usize = 32

/** Where things lie in memory. The caller writes names and window, and reads state and slots. */
export const STATE: usize = 0x400
export const SLOTS: usize = 0x800
export const NAME_OF_HASH: usize = 0x1000
export const NAMES: usize = 0x1800
const STACK: usize = 0x2000
export const WINDOW: usize = 0x4000
/** The longest window, with room for the 64 bytes that a load may reach past its end. */
export const WINDOW_BYTES_MAX: usize = 0x240000
const QUOTES: usize = WINDOW + WINDOW_BYTES_MAX + 0x100
const QUOTES_BYTES_MAX: usize = 4 * (WINDOW_BYTES_MAX + 0x100)

/** What `remember` knows: a hash table of entry numbers (0: free), the entries (hash, place, length, fields), and their bytes. */
const MEMORIES_MAX: u32 = 4096
const MEMORY_TABLE: usize = QUOTES + QUOTES_BYTES_MAX
const MEMORY_TABLE_SLOTS: u32 = 4 * MEMORIES_MAX
const MEMORIES: usize = MEMORY_TABLE + 4 * MEMORY_TABLE_SLOTS
const MEMORY_BYTES: usize = MEMORIES + 16 * MEMORIES_MAX
const MEMORY_BYTES_MAX: usize = 0x400000
/** What is longer is not worth remembering. */
const MEMORY_LENGTH_MAX: usize = 0x10000

let cursor: usize = QUOTES
let quotesEnd: usize = QUOTES
let memoryCount: u32 = 0
let memoryEnd: usize = MEMORY_BYTES

// @ts-ignore: decorator
@inline
function setAt(position: usize): void {
  store<u32>(STATE, <u32>position)
}

// @ts-ignore: decorator
@inline
function markEscaped(): void {
  store<u32>(STATE, 1, 4)
}

// @ts-ignore: decorator
@inline
function bitsOf(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | (<u32>i8x16.bitmask(b) << 16)
  const high = <u32>i8x16.bitmask(c) | (<u32>i8x16.bitmask(d) << 16)
  return <u64>low | (<u64>high << 32)
}

/**
 * Lists, for the bytes from `from` (outside any string) to `end`, the positions of unescaped quotes and, inside strings, of
 * backslashes that begin an escape and of raw control characters. Sets `nonAscii` in the state.
 */
export function index(from: usize, end: usize): void {
  const quote = i8x16.splat(0x22)
  const backslash = i8x16.splat(0x5c)
  const space = i8x16.splat(0x20)
  let out = QUOTES
  let inString: u64 = 0
  let escapeCarry: u64 = 0
  let seen: v128 = i64x2.splat(0)
  for (let p = from; p < end; p += 64) {
    const a = v128.load(p)
    const b = v128.load(p, 16)
    const c = v128.load(p, 32)
    const d = v128.load(p, 48)
    seen = v128.or(seen, v128.or(v128.or(a, b), v128.or(c, d)))
    let quotes = bitsOf(i8x16.eq(a, quote), i8x16.eq(b, quote), i8x16.eq(c, quote), i8x16.eq(d, quote))
    let trouble = bitsOf(
      v128.or(i8x16.eq(a, backslash), i8x16.lt_u(a, space)),
      v128.or(i8x16.eq(b, backslash), i8x16.lt_u(b, space)),
      v128.or(i8x16.eq(c, backslash), i8x16.lt_u(c, space)),
      v128.or(i8x16.eq(d, backslash), i8x16.lt_u(d, space)),
    )
    if (trouble | escapeCarry) {
      const backslashes = bitsOf(i8x16.eq(a, backslash), i8x16.eq(b, backslash), i8x16.eq(c, backslash), i8x16.eq(d, backslash))
      let escapes: u64 = 0
      let escaped = escapeCarry
      escapeCarry = 0
      let rest = backslashes & ~escaped
      while (rest) {
        const bit = rest & (0 - rest)
        escapes |= bit
        escaped |= bit << 1
        if (bit >> 63) escapeCarry = 1
        rest &= ~(bit | (bit << 1))
      }
      quotes &= ~escaped
      trouble = (trouble & ~backslashes) | escapes
    }
    // Prefix xor: every bit from an opening quote up to its closing quote.
    let inside = quotes
    inside ^= inside << 1
    inside ^= inside << 2
    inside ^= inside << 4
    inside ^= inside << 8
    inside ^= inside << 16
    inside ^= inside << 32
    inside ^= inString
    inString = <u64>(<i64>inside >> 63)
    let found = quotes | (trouble & inside)
    const stop = out + (<usize>popcnt(found) << 2)
    // Eight at a time, past the last one too: cheaper than a branch a bit.
    do {
      store<u32>(out, <u32>p + <u32>ctz(found), 0)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 4)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 8)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 12)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 16)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 20)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 24)
      found &= found - 1
      store<u32>(out, <u32>p + <u32>ctz(found), 28)
      found &= found - 1
      out += 32
    } while (out < stop)
    out = stop
  }
  while (out > QUOTES && <usize>load<u32>(out - 4) >= end) out -= 4
  quotesEnd = out
  // What is read past the last quote points at the end.
  for (let k: usize = 0; k < 16; k += 4) store<u32>(out + k, <u32>end)
  cursor = QUOTES
  store<u32>(STATE, i8x16.bitmask(seen) != 0, 8)
}

// @ts-ignore: decorator
@inline
function isHex(c: u32): bool {
  return c - 48 < 10 || (c | 32) - 97 < 6
}

/**
 * From the first entry after an opening quote to the entry of its closing quote, over valid escapes. 0 (and `at`) if one is not
 * valid; `quotesEnd` if the string does not close before `end`.
 */
function closingQuote(entry: usize, end: usize): usize {
  while (entry < quotesEnd) {
    const p = <usize>load<u32>(entry)
    const c = load<u8>(p)
    if (c == 0x22) return entry
    setAt(p)
    if (c != 0x5c) return 0
    const e = <u32>load<u8>(p + 1)
    if (p + (e == 0x75 ? 6 : 2) > end) return quotesEnd
    if (e == 0x75) {
      for (let k: usize = 2; k < 6; k++) if (!isHex(load<u8>(p + k))) return 0
    } else if (!(e == 0x22 || e == 0x5c || e == 0x2f || e == 0x62 || e == 0x66 || e == 0x6e || e == 0x72 || e == 0x74)) return 0
    entry += 4
  }
  return quotesEnd
}

function digits(p: usize): usize {
  while (<u32>load<u8>(p) - 48 < 10) p++
  return p
}

/** The end of the number or word at `p`; 0 if it is neither. */
function scalarEnd(p: usize): usize {
  const c = <u32>load<u8>(p)
  if (c == 0x74) return load<u32>(p) == 0x65757274 ? p + 4 : 0 // true
  if (c == 0x6e) return load<u32>(p) == 0x6c6c756e ? p + 4 : 0 // null
  if (c == 0x66) return load<u32>(p + 1) == 0x65736c61 ? p + 5 : 0 // false
  const first = c == 0x2d ? p + 1 : p
  let q = digits(first)
  if (q == first || (q - first > 1 && load<u8>(first) == 0x30)) return 0
  if (load<u8>(q) == 0x2e) {
    const fraction = q + 1
    q = digits(fraction)
    if (q == fraction) return 0
  }
  if ((load<u8>(q) | 32) == 0x65) {
    let exponent = q + 1
    const sign = load<u8>(exponent)
    if (sign == 0x2b || sign == 0x2d) exponent++
    q = digits(exponent)
    if (q == exponent) return 0
  }
  return q
}

/** The end of the run of bytes at `p` that are no space, quote, comma, colon or bracket: at `end`, more may follow. */
function wordEnd(p: usize, end: usize): usize {
  while (p < end) {
    const c = <u32>load<u8>(p)
    if (isSpace(c) || c == 0x22 || c == 0x2c || c == 0x3a || c == 0x5b || c == 0x5d || c == 0x7b || c == 0x7d) break
    p++
  }
  return p
}

/** The number of the wanted member whose name stands at `p`, or -1. Names are 4 to 30 bytes; the caller made the hash table. */
// @ts-ignore: decorator
@inline
function fieldOf(p: usize, length: usize): i32 {
  const hash = ((load<u32>(p) ^ rotl<u32>(load<u32>(p + length - 4), 5)) * 0x9e3779b1) >>> 24
  const field = load<u8>(NAME_OF_HASH + hash)
  if (field == 255) return -1
  const name = NAMES + (<usize>field << 5)
  if (load<u8>(name) != <u8>length) return -1
  const same = <u32>i8x16.bitmask(i8x16.eq(v128.load(name, 1), v128.load(p))) | (<u32>i8x16.bitmask(i8x16.eq(v128.load(name, 17), v128.load(p, 16))) << 16)
  const all = (<u32>1 << <u32>length) - 1
  return (same & all) == all ? <i32>field : -1
}

// @ts-ignore: decorator
@inline
function isSpace(c: u32): bool {
  return c == 0x20 || c - 9 < 2 || c == 0x0d
}

/**
 * Walks the value at `from`, the first one not walked since `index`. DONE: `at` is its end, and slot k holds start and end of the
 * value of wanted member k of this object (0, 0: absent; the last one counts). ITEMS (only with `top`): the value is an object whose
 * member 0 or 1 is an array, and `at` is that array's first byte after the bracket. INVALID, TOO_DEEP: `at` is where.
 * INCOMPLETE: the value does not end before `end`. `escaped`: a name or a string of the outermost object holds a backslash.
 */
export function walk(from: usize, end: usize, top: bool): i32 {
  let p = from
  let entry = cursor
  let depth: i32 = 0
  let field: i32 = -1
  let valueStart: usize = 0
  let wantsName = false
  let open: u32 = 0
  let c: u32 = 0
  store<u32>(STATE, 0, 4)
  for (let k: usize = 0; k < FIELDS_MAX * 8; k += 16) v128.store(SLOTS + k, i64x2.splat(0))
  while (true) {
    if (wantsName) {
      c = load<u8>(p)
      while (isSpace(c)) c = load<u8>(++p)
      if (p >= end) return INCOMPLETE
      if (c != 0x22) {
        setAt(p)
        return INVALID
      }
      entry += 4
      let close = <usize>load<u32>(entry)
      if (load<u8>(close) != 0x22) {
        entry = closingQuote(entry, end)
        if (entry == 0) return INVALID
        if (depth == 1) markEscaped()
        close = <usize>load<u32>(entry)
      }
      if (entry >= quotesEnd) return INCOMPLETE
      entry += 4
      if (depth == 1) {
        const length = close - p - 1
        field = length >= 4 && length <= NAME_BYTES_MAX ? fieldOf(p + 1, length) : -1
      }
      p = close + 1
      c = load<u8>(p)
      while (isSpace(c)) c = load<u8>(++p)
      if (p >= end) return INCOMPLETE
      if (c != 0x3a) {
        setAt(p)
        return INVALID
      }
      p++
    }
    c = load<u8>(p)
    while (isSpace(c)) c = load<u8>(++p)
    if (p >= end) return INCOMPLETE
    if (depth == 1) valueStart = p
    if (c == 0x22) {
      entry += 4
      let close = <usize>load<u32>(entry)
      if (load<u8>(close) != 0x22) {
        entry = closingQuote(entry, end)
        if (entry == 0) return INVALID
        if (depth == 1) markEscaped()
        close = <usize>load<u32>(entry)
      }
      if (entry >= quotesEnd) return INCOMPLETE
      entry += 4
      p = close + 1
    } else if (c == 0x7b || c == 0x5b) {
      if (top && depth == 1 && c == 0x5b && open == 0x7b && (field == 0 || field == 1)) {
        cursor = entry
        setAt(p + 1)
        return ITEMS
      }
      if (++depth > DEPTH_MAX) {
        setAt(p)
        return TOO_DEEP
      }
      store<u8>(STACK + depth, <u8>c)
      open = c
      c = load<u8>(++p)
      while (isSpace(c)) c = load<u8>(++p)
      if (p >= end) return INCOMPLETE
      // `{` and `}`, `[` and `]` are two apart.
      if (c != open + 2) {
        wantsName = open == 0x7b
        continue
      }
      p++
      depth--
      open = load<u8>(STACK + depth)
    } else {
      const q = scalarEnd(p)
      if (q == 0 || q >= end) {
        setAt(p)
        return wordEnd(p, end) < end ? INVALID : INCOMPLETE
      }
      p = q
    }
    while (true) {
      if (depth == 1 && field >= 0) {
        store<u32>(SLOTS + (<usize>field << 3), <u32>valueStart)
        store<u32>(SLOTS + (<usize>field << 3), <u32>p, 4)
        field = -1
      }
      if (depth == 0) {
        cursor = entry
        setAt(p)
        return DONE
      }
      c = load<u8>(p)
      while (isSpace(c)) c = load<u8>(++p)
      if (p >= end) return INCOMPLETE
      if (c == 0x2c) {
        p++
        wantsName = open == 0x7b
        break
      }
      if (c != open + 2) {
        setAt(p)
        return INVALID
      }
      p++
      depth--
      open = load<u8>(STACK + depth)
    }
  }
}

// @ts-ignore: decorator
@inline
function mix(hash: u64, bits: u64): u64 {
  return rotl<u64>((hash ^ bits) * 0x9e3779b97f4a7c15, 29)
}

/** The first `count` (below 8) bytes at `p`. */
// @ts-ignore: decorator
@inline
function firstBytes(p: usize, count: usize): u64 {
  return load<u64>(p) & (((<u64>1) << (8 * <u64>count)) - 1)
}

/** A hash of the bytes [p, end). The last sixteen, or eight, are read as a whole: a loop over the rest would cost a branch. */
function hashOf(p: usize, end: usize, seed: u64): u64 {
  const length = end - p
  let a = seed ^ <u64>length
  let b = seed
  if (length >= 16) {
    for (; p + 16 < end; p += 16) {
      a = mix(a, load<u64>(p))
      b = mix(b, load<u64>(p, 8))
    }
    a = mix(a, load<u64>(end - 16))
    b = mix(b, load<u64>(end - 8))
  } else if (length >= 8) {
    a = mix(a, load<u64>(p))
    b = mix(b, load<u64>(end - 8))
  } else a = mix(a, firstBytes(p, length))
  return mix(a, b)
}

function isSame(a: usize, b: usize, length: usize): bool {
  if (length < 8) return firstBytes(a, length) == firstBytes(b, length)
  if (length < 16) return load<u64>(a) == load<u64>(b) && load<u64>(a + length - 8) == load<u64>(b + length - 8)
  const last = length - 16
  for (let k: usize = 0; k < last; k += 16) {
    if (!i8x16.all_true(i8x16.eq(v128.load(a + k), v128.load(b + k)))) return false
  }
  return i8x16.all_true(i8x16.eq(v128.load(a + last), v128.load(b + last)))
}

/**
 * A number that objects share if the values of `fields` (a bit a field) have the same bytes in both, for the object walked last. Other
 * `fields` have other numbers. Negative, the number's complement: it was not known, and stands for these bytes from now on. Numbers go from 0 to MEMORIES_MAX;
 * once all are used, or the bytes' room is, everything is forgotten. MEMORIES_MAX itself is never known.
 */
export function remember(fields: u32): i32 {
  let hash: u64 = fields
  let length: usize = 0
  for (let rest = fields; rest; rest &= rest - 1) {
    const slot = SLOTS + (<usize>ctz(rest) << 3)
    const start = <usize>load<u32>(slot)
    const end = <usize>load<u32>(slot, 4)
    hash = hashOf(start, end, hash)
    length += 4 + end - start
  }
  if (length > MEMORY_LENGTH_MAX) return ~MEMORIES_MAX
  const short = <u32>(hash ^ (hash >> 32))
  let slot = short & (MEMORY_TABLE_SLOTS - 1)
  while (true) {
    const number = load<u32>(MEMORY_TABLE + (<usize>slot << 2))
    if (number == 0) break
    const entry = MEMORIES + 16 * <usize>(number - 1)
    const isLike = load<u32>(entry) == short && <usize>load<u32>(entry, 8) == length && load<u32>(entry, 12) == fields
    if (isLike && isRemembered(<usize>load<u32>(entry, 4), fields)) return number - 1
    slot = (slot + 1) & (MEMORY_TABLE_SLOTS - 1)
  }
  if (memoryCount == MEMORIES_MAX || memoryEnd + length > MEMORY_BYTES + MEMORY_BYTES_MAX) {
    memory.fill(MEMORY_TABLE, 0, 4 * MEMORY_TABLE_SLOTS)
    memoryCount = 0
    memoryEnd = MEMORY_BYTES
    slot = short & (MEMORY_TABLE_SLOTS - 1)
  }
  const entry = MEMORIES + 16 * <usize>memoryCount
  store<u32>(entry, short)
  store<u32>(entry, <u32>memoryEnd, 4)
  store<u32>(entry, <u32>length, 8)
  store<u32>(entry, fields, 12)
  for (let rest = fields; rest; rest &= rest - 1) {
    const from = SLOTS + (<usize>ctz(rest) << 3)
    const bytes = <usize>load<u32>(from, 4) - <usize>load<u32>(from)
    store<u32>(memoryEnd, <u32>bytes)
    memory.copy(memoryEnd + 4, <usize>load<u32>(from), bytes)
    memoryEnd += 4 + bytes
  }
  store<u32>(MEMORY_TABLE + (<usize>slot << 2), ++memoryCount)
  return ~(memoryCount - 1)
}

/** The values of `fields` are those remembered at `p`, each behind its length. */
function isRemembered(p: usize, fields: u32): bool {
  for (let rest = fields; rest; rest &= rest - 1) {
    const slot = SLOTS + (<usize>ctz(rest) << 3)
    const start = <usize>load<u32>(slot)
    const length = <usize>load<u32>(slot, 4) - start
    if (<usize>load<u32>(p) != length || !isSame(start, p + 4, length)) return false
    p += 4 + length
  }
  return true
}
