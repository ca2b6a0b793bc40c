import { isUtf8 } from 'node:buffer'
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, isOpening, isSpace, LINE_FEED, OPEN_BRACE, OPEN_BRACKET, SPACE } from './bytes.ts'
import { createItemSkipper, createLineSeeker, isCutOff, lineWithBracket, type Resumption, type Unread } from './recovery.ts'
import { createScanner, type Scanner, Walked } from './scanner.ts'
import type { TrailItem, TrailVisitor } from './trail-item.ts'

/**
 * Reads JSON documents from a stream of bytes, item by item, in bounded memory: the elements of a log file's `Records`, of a
 * LookupEvents answer's `Events` or of a plain array, and every other JSON value one after the other (JSON lines, concatenated JSON).
 * What is no JSON is reported with its position, and reading goes on behind it.
 */
export type TrailReader = {
  /** Takes the next bytes; they are copied. */
  feed(bytes: Uint8Array): void
  /** Says that the file has no more bytes; what comes next is another file. */
  end(): void
  /** Says why the rest of the file, or all of it (position 0), cannot be had; what comes next is another file. */
  fail(reason: string): void
}

/** A CloudTrail event is 256 KB, or 1 MB in an event data store. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html */
const ITEM_BYTES_MAX = 1 << 20
const TOO_LARGE = `a record larger than ${ITEM_BYTES_MAX} bytes`
/** After bytes that are no JSON the next are prepared in small steps: they may be no JSON either. */
const CAUTIOUS_BYTES = 1 << 14
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Where the reader is: between documents, among the items of a list, behind a list that is a member of an object, or at its others. */
type Mode = 'documents' | 'items' | 'afterList' | 'otherMembers'

/** Where member k of `fields` stands is told for every item; `lists` are the two members that hold items. */
export function createTrailReader(
  options: { readonly lists: readonly [string, string]; readonly fields: readonly string[] },
  visitor: TrailVisitor,
): TrailReader {
  const listFields = options.lists.length
  const scanner: Scanner = createScanner([...options.lists, ...options.fields])
  const { memory } = scanner

  let mode: Mode = 'documents'
  /** Unread bytes: [from, to). The bytes before `indexed` are prepared for walking. */
  let from = scanner.windowStart
  let to = scanner.windowStart
  let indexed = scanner.windowStart
  let isFirstByte = true
  let isOver = false
  let count = 0
  /** The list being read is a document of its own, no member of an object. */
  let isBareList = false
  /** An item was read from the list: a comma or the list's end comes next. */
  let wantsSeparator = false
  /** What comes next may be a new document although the list before it never ended. */
  let mayBeDocument = false
  /** Looks for the end of what is no JSON, or too much of it. */
  let recovery: ((unread: Unread) => { readonly doneWith: number; readonly found: Resumption }) | null = null

  let itemStart = 0
  let itemEnd = 0
  const item: TrailItem & { position: number; isPlain: boolean } = {
    position: 0,
    isPlain: true,
    start: (field) => scanner.start(field + listFields),
    end: (field) => scanner.end(field + listFields),
    bytes: memory,
    remember: (set) => scanner.remember(set << listFields),
    json: () => JSON.parse(memory.toString('utf8', itemStart, itemEnd)),
  }

  function feed(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length;) {
      makeRoom()
      const taken = Math.min(bytes.length - offset, scanner.windowEnd - to)
      memory.set(taken === bytes.length ? bytes : bytes.subarray(offset, offset + taken), to)
      to += taken
      offset += taken
      read()
    }
  }

  function end(): void {
    isOver = true
    makeRoom()
    // A number ends only where something else begins.
    memory[to++] = SPACE
    read()
    if (mode === 'items' || mode === 'afterList') {
      problem(`the file ends before its list of records does: it is cut off behind record ${count}`)
    }
    reset()
  }

  /** Moves the unread bytes to the window's beginning. */
  function makeRoom(): void {
    if (from > scanner.windowStart) {
      memory.copyWithin(scanner.windowStart, from, to)
      to -= from - scanner.windowStart
      from = scanner.windowStart
    }
    indexed = from
  }

  function problem(reason: string): void {
    visitor.problem(++count, reason)
  }

  /** Reads on until more bytes are needed. */
  function read(): void {
    if (isFirstByte && !skipByteOrderMark()) return
    for (;;) {
      if (recovery !== null && !resume(recovery)) return
      while (from < to && isSpace(memory[from])) from++
      if (from === to) return
      if (mode === 'items' && readSeparator()) continue
      if (mode === 'afterList') readAfterList()
      else if (!readValue()) return
    }
  }

  function skipByteOrderMark(): boolean {
    if (to - from < BYTE_ORDER_MARK.length && !isOver) return false
    if (BYTE_ORDER_MARK.equals(memory.subarray(from, from + BYTE_ORDER_MARK.length))) from += BYTE_ORDER_MARK.length
    isFirstByte = false
    return true
  }

  /** In a list: takes a comma, or the list's end. True if that was all there was to do. */
  function readSeparator(): boolean {
    const byte = memory[from]
    if (byte === CLOSE_BRACKET) {
      from++
      mode = isBareList ? 'documents' : 'afterList'
      return true
    }
    if (!wantsSeparator) return false
    wantsSeparator = false
    if (byte !== COMMA) return false
    from++
    return true
  }

  /** Behind a list: the object's end, or a comma and more members, which are made to look like an object of their own. */
  function readAfterList(): void {
    const byte = memory[from]
    if (byte === COMMA) {
      memory[from] = OPEN_BRACE
      mode = 'otherMembers'
    } else if (byte === CLOSE_BRACE) {
      from++
      mode = 'documents'
    } else {
      problem('not valid JSON behind the list of records')
      mode = 'documents'
      recovery = createLineSeeker(false).seek
    }
  }

  /** Reads one value. False if it needs more bytes. */
  function readValue(): boolean {
    if (mode === 'documents' && memory[from] === OPEN_BRACKET) {
      from++
      enterList(true)
      return true
    }
    if (from >= indexed) prepare(to)
    const isTop = mode !== 'items' || mayBeDocument
    let walked = scanner.walk(from, indexed, isTop)
    while (walked === Walked.incomplete && indexed < to) {
      prepare(Math.min(to, from + 2 * (indexed - from)))
      walked = scanner.walk(from, indexed, isTop)
    }
    switch (walked) {
      case Walked.done:
        finishValue(scanner.at())
        return true
      case Walked.items:
        from = scanner.at()
        enterList(false)
        return true
      case Walked.incomplete:
        if (to - from > ITEM_BYTES_MAX) leaveOut(TOO_LARGE)
        else if (isOver) recoverFromEnd()
        else return false
        return true
      case Walked.invalid:
        if (isOver && isCutOff(memory.subarray(scanner.at(), to))) recoverFromEnd()
        else recover(scanner.at())
        return true
      case Walked.tooDeep:
        leaveOut('nested too deep')
        return true
    }
  }

  function prepare(until: number): void {
    scanner.index(from, until)
    indexed = until
  }

  function enterList(isBare: boolean): void {
    mode = 'items'
    isBareList = isBare
    wantsSeparator = false
    mayBeDocument = false
  }

  function finishValue(next: number): void {
    const start = from
    from = next
    mayBeDocument = false
    if (mode === 'otherMembers') {
      mode = 'documents'
      return
    }
    wantsSeparator = mode === 'items'
    if (next - start > ITEM_BYTES_MAX) problem(TOO_LARGE)
    else if (scanner.nonAscii() && !isUtf8(memory.subarray(start, next))) problem('invalid UTF-8')
    else {
      itemStart = start
      itemEnd = next
      item.position = ++count
      item.isPlain = !scanner.escaped()
      visitor.item(item)
    }
  }

  /** Reports the value at `from`, which is no JSON at `at`, and goes on where something new seems to begin. */
  function recover(at: number): void {
    problem(`not valid JSON (byte ${at - from} of the record)`)
    const line = lineWithBracket({ memory, from, to, isOver }, at)
    if (line !== -1) startAtLine(line)
    else if (mode === 'items') recovery = createItemSkipper().skip
    else {
      // Text on one line is one broken line; a document over many lines is broken until the next one begins.
      const wantsBracket = isOpening(memory[from]) && memory.subarray(from, at).includes(LINE_FEED)
      recovery = createLineSeeker(wantsBracket).seek
      mode = 'documents'
      from = at
    }
  }

  /** Reports the value at `from`, which the file's end cuts off; lines behind it may still be whole. */
  function recoverFromEnd(): void {
    problem('the file ends in the middle of a JSON document')
    const line = lineWithBracket({ memory, from, to, isOver }, to)
    if (line !== -1) startAtLine(line)
    else {
      from = to
      mode = 'documents'
    }
  }

  /** Reports the value at `from` and leaves it out by its brackets. */
  function leaveOut(reason: string): void {
    problem(reason)
    if (mode !== 'items') mode = 'documents'
    recovery = createItemSkipper().skip
  }

  /** True if the recovery found where to go on. */
  function resume(find: NonNullable<typeof recovery>): boolean {
    const { doneWith, found } = find({ memory, from, to, isOver })
    from = doneWith
    if (found === null) return false
    recovery = null
    wantsSeparator = mode === 'items'
    if (found.isLine) startAtLine(found.position)
    else startAt(found.position)
    return true
  }

  /** Goes on at a line that begins with a bracket: in a list it may be the next item, or a new document after one that was cut. */
  function startAtLine(position: number): void {
    startAt(position)
    wantsSeparator = false
    mayBeDocument = true
    if (mode !== 'items') mode = 'documents'
  }

  function startAt(position: number): void {
    from = position
    prepare(Math.min(to, position + CAUTIOUS_BYTES))
  }

  function fail(reason: string): void {
    visitor.problem(count === 0 ? 0 : count + 1, reason)
    reset()
  }

  function reset(): void {
    mode = 'documents'
    from = to = indexed = scanner.windowStart
    isFirstByte = true
    isOver = false
    count = 0
    mayBeDocument = false
    recovery = null
  }

  return { feed, end, fail }
}
