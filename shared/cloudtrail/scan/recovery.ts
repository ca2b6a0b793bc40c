import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COMMA, isOpening, LINE_FEED, QUOTE } from './bytes.ts'

// Where to go on behind bytes that are no JSON, or too much of it. One thing can be relied on: no JSON text holds a raw line feed, so
// a line that begins with a bracket begins something new (and a pretty-printed document indents what is within it).

/** Unread bytes: `memory[from, to)`. `isOver`: no more will come. */
export type Unread = { readonly memory: Buffer; readonly from: number; readonly to: number; readonly isOver: boolean }

/** Where to go on; `isLine`: at the first byte of a line that begins with a bracket. Null: not within these bytes. */
export type Resumption = { readonly position: number; readonly isLine: boolean } | null

/** The first line behind `from`, up to `last`, that begins with a bracket; -1 if there is none. */
export function lineWithBracket({ memory, from, to }: Unread, last: number): number {
  for (let at = memory.indexOf(LINE_FEED, from); at !== -1 && at < last; at = memory.indexOf(LINE_FEED, at + 1)) {
    if (at + 1 < to && isOpening(memory[at + 1])) return at + 1
  }
  return -1
}

/** Looks for the next line, or the next that begins with a bracket. Without one, all but an ending line feed is done with. */
export function createLineSeeker(wantsBracket: boolean): {
  seek(unread: Unread): { readonly doneWith: number; readonly found: Resumption }
} {
  return {
    seek({ memory, from, to, isOver }) {
      let at = memory.indexOf(LINE_FEED, from)
      while (at !== -1 && at < to) {
        const next = at + 1
        if (wantsBracket && next === to && !isOver) return { doneWith: at, found: null }
        const isLine = next < to && isOpening(memory[next])
        if (isLine || !wantsBracket) return { doneWith: next, found: { position: next, isLine } }
        at = memory.indexOf(LINE_FEED, next)
      }
      return { doneWith: to, found: null }
    },
  }
}

/** Finds the end of an item of a list, or of a document, by its brackets alone, however many pieces it comes in. */
export function createItemSkipper(): { skip(unread: Unread): { readonly doneWith: number; readonly found: Resumption } } {
  let depth = 0
  let isInString = false

  /** Takes one byte; true if the item ends before it (false: it may end behind it, or go on). */
  function endsBefore(byte: number | undefined): boolean {
    return !isInString && depth === 0 && (byte === COMMA || byte === CLOSE_BRACKET)
  }

  return {
    skip({ memory, from, to, isOver }) {
      let at = from
      for (; at < to; at++) {
        const byte = memory[at]
        if (byte === LINE_FEED) {
          if (at + 1 === to && !isOver) break
          isInString = false
          if (isOpening(memory[at + 1])) return { doneWith: at + 1, found: { position: at + 1, isLine: true } }
        } else if (endsBefore(byte)) return { doneWith: at, found: { position: at, isLine: false } }
        else if (isInString && byte === BACKSLASH) {
          if (at + 1 === to) break
          at++
        } else if (byte === QUOTE) isInString = !isInString
        else if (isInString) continue
        else if (isOpening(byte)) depth++
        else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && depth > 0) {
          depth--
          if (depth === 0) return { doneWith: at + 1, found: { position: at + 1, isLine: false } }
        }
      }
      return { doneWith: Math.min(at, to), found: null }
    },
  }
}

/** A word, a number or an escape that may go on, and a space behind it. */
const CUT_OFF = /^(\\(u[0-9a-f]{0,4})?|t(ru?)?|f(a(ls?)?)?|n(ul?)?|-?[\d.]*(e[+-]?)?) $/i
const CUT_OFF_LENGTH_MAX = 64

/** The last bytes of a file, up to the space that follows them, were cut off in the middle of a word, a number or an escape. */
export function isCutOff(rest: Buffer): boolean {
  return rest.length <= CUT_OFF_LENGTH_MAX && CUT_OFF.test(rest.toString('latin1'))
}
