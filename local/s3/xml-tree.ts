/** An element of an XML document. Attributes are dropped, but for the default namespace. */
export type XmlElement = {
  readonly name: string
  readonly namespace: string | null
  readonly children: readonly XmlElement[]
  /** What stands in it as text, entities resolved; of an element without children only. */
  readonly text: string
}

const DEPTH_MAX = 16
/** DeleteObjects names 1,000 objects, CompleteMultipartUpload 10,000 parts, each with a few elements. */
const ELEMENTS_MAX = 100_000
const TOKEN =
  /<\?[^?]*\?>|<!--[^]*?-->|<(?<close>\/?)(?<name>[A-Za-z_][\w.:-]*)(?<attributes>(?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?<empty>\/?)>|(?<text>[^<]+)/y
const NAMESPACE = /\sxmlns\s*=\s*["'](?<uri>[^"']*)["']/
const ENTITY = /&(?:#(?<decimal>\d{1,7})|#x(?<hex>[\da-f]{1,6})|(?<name>\w+));/giu
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

type Open = { readonly name: string; readonly namespace: string | null; readonly children: XmlElement[]; text: string }

/** The root of a document; null for anything that is none. Document types are refused: entities of one's own can grow without end. */
export function parseXml(document: string): XmlElement | null {
  const open: Open[] = []
  let root: XmlElement | null = null
  let count = 0
  TOKEN.lastIndex = document.startsWith('\u{feff}') ? 1 : 0
  while (TOKEN.lastIndex < document.length) {
    const groups = TOKEN.exec(document)?.groups
    if (groups === undefined) return reset()
    const { close, name, attributes = '', empty, text } = groups
    const parent = open.at(-1)
    if (text !== undefined) {
      if (parent === undefined && text.trim() !== '') return reset()
      if (parent !== undefined) parent.text += text
    } else if (name === undefined) {
      continue
    } else if (close === '/') {
      const closed = open.pop()
      if (closed?.name !== name) return reset()
      const element = elementOf(closed)
      if (element === null) return reset()
      if (open.length === 0) root = element
      else open.at(-1)?.children.push(element)
    } else {
      count++
      if (root !== null || count > ELEMENTS_MAX || open.length >= DEPTH_MAX) return reset()
      const namespace = NAMESPACE.exec(attributes)?.groups?.['uri'] ?? null
      if (empty === '/' && parent === undefined) root = { name, namespace, children: [], text: '' }
      else if (empty === '/') parent?.children.push({ name, namespace, children: [], text: '' })
      else open.push({ name, namespace, children: [], text: '' })
    }
  }
  return open.length === 0 ? root : null
}

function reset(): null {
  TOKEN.lastIndex = 0
  return null
}

function elementOf({ name, namespace, children, text }: Open): XmlElement | null {
  if (children.length > 0) return { name, namespace, children, text: '' }
  const resolved = text.replaceAll(ENTITY, (_entity: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as { decimal?: string; hex?: string; name?: string }
    if (groups.name !== undefined) return ENTITIES[groups.name] ?? '\u{0}'
    const code = groups.decimal === undefined ? Number.parseInt(groups.hex ?? '', 16) : Number(groups.decimal)
    return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : '\u{0}'
  })
  return resolved.includes('\u{0}') ? null : { name, namespace, children, text: resolved }
}

export function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

/** The text of the first child of that name; null if there is none. */
export function childText(element: XmlElement, name: string): string | null {
  return childrenNamed(element, name)[0]?.text ?? null
}
