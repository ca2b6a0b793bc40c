import { SCANNER_WASM } from './scanner-wasm.ts'

/** What `walk` found; the numbers stand in scanner.as.ts. */
export const Walked = { done: 0, incomplete: 1, invalid: 2, items: 3, tooDeep: 4 } as const
export type Walked = (typeof Walked)[keyof typeof Walked]

/**
 * A window of bytes and a walk over the JSON values in it.
 * `memory` and `window` are views of the same bytes: positions are offsets into `memory`, and the window is `[windowStart, windowEnd)`.
 */
export type Scanner = {
  readonly memory: Buffer
  readonly windowStart: number
  readonly windowEnd: number
  /** Prepares the bytes from `from`, which lies outside any string, to `to`. */
  index(from: number, to: number): void
  /** Walks one value from `from`; values are walked in order. With `top`, an array under one of the first two fields is entered. */
  walk(from: number, to: number, top: boolean): Walked
  /** Where the last walk ended, or failed. */
  at(): number
  /** A name or text of the outermost object had an escape: member names may be spelled otherwise than they look. */
  escaped(): boolean
  /** The indexed bytes are not all ASCII. */
  nonAscii(): boolean
  /**
   * A number that objects share if the values of `fields` (a bit a field) have the same bytes in both, for the object walked last.
   * Other `fields` have other numbers. Negative, the complement of the number: not known so far; whatever the number stood for before,
   * under any `fields`, is forgotten. 0 to 4096.
   */
  remember(fields: number): number
  /** Where the value of a field begins and ends after a finished walk; 0 if the object has no such member. */
  start(field: number): number
  end(field: number): number
}

type Exports = {
  readonly memory: WebAssembly.Memory
  readonly STATE: WebAssembly.Global
  readonly SLOTS: WebAssembly.Global
  readonly NAMES: WebAssembly.Global
  readonly NAME_OF_HASH: WebAssembly.Global
  readonly WINDOW: WebAssembly.Global
  readonly WINDOW_BYTES_MAX: WebAssembly.Global
  index(from: number, to: number): void
  walk(from: number, to: number, top: number): Walked
  remember(fields: number): number
}

const NAME_BYTES = { min: 4, max: 30 }
const FIELDS_MAX = 32
const NO_FIELD = 255

let module: WebAssembly.Module | undefined

/** A scanner that tells where the members called `fields` of an object stand. Takes 16 MiB. */
export function createScanner(fields: readonly string[]): Scanner {
  module ??= new WebAssembly.Module(Buffer.from(SCANNER_WASM, 'base64'))
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports
  const memory = Buffer.from(exports.memory.buffer)
  teachFields(memory, exports, fields)
  const state = new Uint32Array(exports.memory.buffer, exports.STATE.value, 3)
  const slots = new Uint32Array(exports.memory.buffer, exports.SLOTS.value, 2 * FIELDS_MAX)
  const windowStart = exports.WINDOW.value
  return {
    memory,
    windowStart,
    windowEnd: windowStart + exports.WINDOW_BYTES_MAX.value,
    index: exports.index,
    walk: (from, to, top) => exports.walk(from, to, top ? 1 : 0),
    remember: exports.remember,
    at: () => state[0] ?? 0,
    escaped: () => state[1] !== 0,
    nonAscii: () => state[2] !== 0,
    start: (field) => slots[2 * field] ?? 0,
    end: (field) => slots[2 * field + 1] ?? 0,
  }
}

function teachFields(memory: Buffer, exports: Exports, fields: readonly string[]): void {
  if (fields.length > FIELDS_MAX) throw new Error(`at most ${FIELDS_MAX} fields`)
  memory.fill(NO_FIELD, exports.NAME_OF_HASH.value, exports.NAME_OF_HASH.value + 256)
  for (const [field, name] of fields.entries()) {
    const bytes = Buffer.from(name, 'ascii')
    if (bytes.length < NAME_BYTES.min || bytes.length > NAME_BYTES.max) throw new Error(`${name}: 4 to 30 bytes`)
    const hash = exports.NAME_OF_HASH.value + hashOf(bytes)
    if (memory[hash] !== NO_FIELD) throw new Error(`${name} and ${fields[memory[hash] ?? 0] ?? '?'} share a hash: change the hash`)
    memory[hash] = field
    const slot = exports.NAMES.value + 32 * field
    memory[slot] = bytes.length
    bytes.copy(memory, slot + 1)
  }
}

/** The hash of `fieldOf` in scanner.as.ts: first four bytes, last four bytes, a multiplicative mix, eight bits. */
function hashOf(name: Buffer): number {
  const last = name.readUInt32LE(name.length - 4)
  return Math.imul(name.readUInt32LE(0) ^ ((last << 5) | (last >>> 27)), 0x9e37_79b1) >>> 24
}
