import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, visit } from 'yaml'
import { cappedText } from '../text.ts'
import { type PolicyProblem, PROBLEMS_MAX } from './problem.ts'

/** Where a value stands: itself, or, where nothing stands, what it belongs to. */
export type Place = { readonly node: Node | null; readonly offset: number }

/** An alias repeats all that its anchor names: so many values may be read in all. */
const VALUES_MAX = 20_000
const SHOWN_BYTES_MAX = 80

/** One reading of a document: keeps what is wrong, all of it. */
export type Reading = {
  /** The value itself, behind an alias too; null: nothing stands there; undefined: it is refused. */
  resolve(place: Place): Node | null | undefined
  refuse(place: Pick<Place, 'offset'>, message: string): void
  warn(place: Pick<Place, 'offset'>, message: string): void
  readonly problems: readonly PolicyProblem[]
  readonly warnings: readonly PolicyProblem[]
  /** How many more there are than are listed. */
  unlisted(): number
}

export function createReading(document: Document, lines: LineCounter): Reading {
  const problems: PolicyProblem[] = []
  const warnings: PolicyProblem[] = []
  const anchored = anchoredIn(document)
  let valueCount = 0
  let unlisted = 0
  const refuse = (place: Pick<Place, 'offset'>, message: string): void => {
    if (problems.length >= PROBLEMS_MAX) unlisted++
    else problems.push(problemAt(lines, place.offset, message))
  }
  return {
    problems,
    warnings,
    refuse,
    unlisted: () => unlisted,
    warn(place, message) {
      if (warnings.length < PROBLEMS_MAX) warnings.push(problemAt(lines, place.offset, message))
    },
    resolve({ node, offset }) {
      valueCount++
      if (valueCount === VALUES_MAX + 1)
        refuse({ offset }, `the file holds more than ${VALUES_MAX} values, those that aliases repeat included`)
      if (valueCount > VALUES_MAX) return undefined
      if (node === null || !isAlias(node)) return node
      const meant = anchored.get(node)
      if (meant === undefined) refuse({ offset }, `there is no anchor &${cappedText(node.source, SHOWN_BYTES_MAX)} before this`)
      return meant
    },
  }
}

/** What each alias means, all found in one walk: `Alias.resolve` walks the document for each of them, which takes minutes for thousands. */
function anchoredIn(document: Document): ReadonlyMap<Alias, Node> {
  const [meant, anchors] = [new Map<Alias, Node>(), new Map<string, Node>()]
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node)
        return
      }
      const last = anchors.get(node.source)
      if (last !== undefined) meant.set(node, last)
    },
  })
  return meant
}

export function problemAt(lines: LineCounter, offset: number, message: string): PolicyProblem {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col), message }
}

/** Where a node begins. */
export function placeOf(node: Node | null | undefined, fallback: number): Place {
  return { node: node ?? null, offset: node?.range?.[0] ?? fallback }
}

/** What stands there, in words: texts of strangers are cut off. */
export function written(node: Node | null): string {
  if (node === null) return 'nothing'
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node) || node.value === null) return 'nothing'
  return quoted(node.source ?? (typeof node.value === 'string' ? node.value : JSON.stringify(node.value)))
}

export function quoted(text: string): string {
  const capped = cappedText(text, SHOWN_BYTES_MAX)
  return `"${capped}${capped === text ? '' : '…'}"`
}
