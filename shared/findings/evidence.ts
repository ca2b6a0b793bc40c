import type { AnyFacts } from '../rules/rule.ts'
import { plainJson } from './plain-text.ts'

const FACTS_BYTES_MAX = 8192

/** The facts of these names as JSON, 8 KB at most: of what is too long, the longest stand as their size alone. */
export function factsText(facts: AnyFacts, names: readonly string[]): string {
  const parts = new Map(names.toSorted().map((name) => [name, plainJson(stated(facts[name]))]))
  const joined = (): string => `{${Array.from(parts, ([name, part]) => `${plainJson(name)}:${part}`).join(',')}}`
  let bytes = Buffer.byteLength(joined())
  for (const [name, part] of [...parts].toSorted(([, one], [, other]) => other.length - one.length)) {
    if (bytes <= FACTS_BYTES_MAX) break
    const size = plainJson({ cutBytes: Buffer.byteLength(part) })
    bytes += size.length - Buffer.byteLength(part)
    parts.set(name, size)
  }
  return bytes <= FACTS_BYTES_MAX ? joined() : plainJson({ cutFacts: names.length })
}

function stated(fact: AnyFacts[string]): unknown {
  if (fact === undefined) return null
  return fact.known ? fact.value : { unread: fact.action, because: fact.because, code: fact.code }
}
