import { hash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../json.ts'
import type { ContextDigester } from './key-use.ts'

/** 128 bits: among a million contexts two share a digest with a chance of 10^-27. */
const DIGEST_HEX = 32
/** Most callers send the same few contexts over and over. */
const KNOWN_MAX = 4096
const KNOWN_LENGTH_MAX = 1024

/**
 * Digests that stand for encryption contexts where their values must not be kept: equal contexts have equal digests, whatever the order
 * of their pairs. Without the key nobody can try out contexts that they suspect.
 * @returns 32 hexadecimal digits; null for no context, an empty one, or what is none
 */
export function createContextDigester(key: Uint8Array): ContextDigester {
  const known = new Map<string, string>()
  // SHA-3 behind a key is a keyed digest as it is, with no need of HMAC, which costs twice as much. https://keccak.team/keccak_strengths.html
  const prefix = Buffer.from(key).toString('base64')

  function digest(text: string): string {
    return hash('sha3-256', prefix + text).slice(0, DIGEST_HEX)
  }

  return (encryptionContext) => {
    if (!isJsonObject(encryptionContext)) return null
    const text = canonicalText(encryptionContext)
    if (text === null) return null
    if (text.length > KNOWN_LENGTH_MAX) return digest(text)
    let found = known.get(text)
    if (found === undefined) {
      if (known.size === KNOWN_MAX) known.clear()
      known.set(text, (found = digest(text)))
    }
    return found
  }
}

/** The pairs of texts, sorted by code units, each text behind its length; null if there are none, or others. */
function canonicalText(encryptionContext: JsonObject): string | null {
  const names = Object.keys(encryptionContext)
  if (names.length === 0) return null
  if (names.length > 1) names.sort()
  let text = ''
  for (const name of names) {
    const value = encryptionContext[name]
    if (typeof value !== 'string') return null
    text += `${name.length} ${name}${value.length} ${value}`
  }
  return text
}
