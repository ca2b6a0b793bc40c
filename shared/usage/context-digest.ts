import { hash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../json.ts'
import type { ContextDigest, ContextDigester } from './key-use.ts'

/** 96 bits: among a million contexts two share a digest with a chance of 10^-17. */
const DIGEST_HEX = 24
/** Most callers send the same few contexts over and over. A power of two. */
const PLACES = 4096
const PLACED_BY_LENGTH = 32
const KNOWN_LENGTH_MAX = 1024

/**
 * Digests that stand for encryption contexts where their values must not be kept: equal contexts have equal digests, whatever the order
 * of their pairs. Without the key nobody can try out contexts that they suspect.
 * @returns 24 hexadecimal digits; null for no context, an empty one, or what is none
 */
export function createContextDigester(key: Uint8Array): ContextDigester {
  // A place for each text, which the next one that belongs there takes: a Map would cost as much as it saves where no context comes again.
  const known: ({ readonly text: string; readonly digest: ContextDigest } | undefined)[] = Array.from({ length: PLACES })
  // SHA-3 behind a key is a keyed digest as it is, with no need of HMAC, which costs twice as much. https://keccak.team/keccak_strengths.html
  const prefix = Buffer.from(key).toString('base64')

  function digest(text: string): ContextDigest {
    return hash('sha3-256', prefix + text).slice(0, DIGEST_HEX) as ContextDigest
  }

  return (encryptionContext) => {
    if (!isJsonObject(encryptionContext)) return null
    const text = canonicalText(encryptionContext)
    if (text === null) return null
    if (text.length > KNOWN_LENGTH_MAX) return digest(text)
    const place = placeOf(text)
    const found = known[place]
    if (found?.text === text) return found.digest
    const made = digest(text)
    known[place] = { text, digest: made }
    return made
  }
}

/** By the end of the text: names stand before values, and are more alike. */
function placeOf(text: string): number {
  let mixed = text.length
  for (let at = Math.max(0, text.length - PLACED_BY_LENGTH); at < text.length; at++)
    mixed = (Math.imul(mixed, 31) + text.charCodeAt(at)) | 0
  return (mixed ^ (mixed >>> 16)) & (PLACES - 1)
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
