import { isAscii, isUtf8 } from 'node:buffer'
import { EnvelopeError } from './errors.ts'

/** Pairs that are authenticated with a message and not secret, such as `{ tenant: 'a' }`. */
export type EncryptionContext = Readonly<Record<string, string>>

/** The pair that carries the public key of a signed message: base64 of the compressed point. */
export const PUBLIC_KEY_NAME = 'aws-crypto-public-key'
/** https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/concepts.html#encryption-context */
const RESERVED_PREFIX = 'aws-crypto-'
/** Of a context as a message carries it: its length is a field of two bytes. */
const CONTEXT_BYTES_MAX = 65_535
const NOTHING = Buffer.alloc(0)

/**
 * A copy of a caller's pairs that nobody can change any more.
 * @throws EnvelopeError `encryption-context` for keys with the prefix `aws-crypto-`, lone surrogates, values that are no texts, and pairs
 * that need more than 65,535 bytes
 */
export function checkedContext(context: EncryptionContext): EncryptionContext {
  const copy = emptyContext()
  let bytes = 2
  for (const key of Object.keys(context)) {
    const value: unknown = context[key]
    if (typeof value !== 'string') throw broken('the value of a pair is no text')
    if (key.startsWith(RESERVED_PREFIX)) throw broken(`keys that begin with ${RESERVED_PREFIX} are reserved`)
    // A lone surrogate has no UTF-8 form: two different contexts would be one.
    if (!key.isWellFormed() || !value.isWellFormed()) throw broken('a pair holds half a character')
    bytes += 4 + Buffer.byteLength(key) + Buffer.byteLength(value)
    copy[key] = value
  }
  if (bytes > CONTEXT_BYTES_MAX) throw broken(`the pairs need more than ${CONTEXT_BYTES_MAX} bytes`)
  return copy
}

/**
 * Count, then keys and values with their lengths, ordered by the UTF-8 bytes of the keys; no bytes at all for no pairs.
 * This is what wrapping keys authenticate; a message puts its length (two bytes) before it.
 * @throws EnvelopeError `encryption-context` if it comes to more than 65,535 bytes
 */
export function serializedContext(context: EncryptionContext): Buffer {
  const keys = Object.keys(context)
  if (keys.length === 0) return NOTHING
  const pairs = keys.map((key) => [Buffer.from(key), Buffer.from(context[key] ?? '')] as const)
  pairs.sort(([a], [b]) => Buffer.compare(a, b))
  const length = pairs.reduce((sum, [key, value]) => sum + 4 + key.length + value.length, 2)
  if (length > CONTEXT_BYTES_MAX) throw broken(`the pairs need more than ${CONTEXT_BYTES_MAX} bytes`)
  const bytes = Buffer.allocUnsafe(length)
  let at = bytes.writeUInt16BE(pairs.length)
  for (const part of pairs.flat()) {
    at = bytes.writeUInt16BE(part.length, at)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Messages come in rows with the same context: to compare its bytes costs a tenth of reading them. */
let lastRead: { readonly bytes: Buffer; readonly context: EncryptionContext } | null = null

/**
 * Reads what `serializedContext` writes. Pairs may stand in any order, as some writers sort them differently.
 * @throws EnvelopeError `header` for cut-off pairs, bytes left over, repeated keys and what is no UTF-8
 */
export function parseContext(bytes: Buffer): EncryptionContext {
  if (lastRead !== null && lastRead.bytes.equals(bytes)) return lastRead.context
  const context = emptyContext()
  if (bytes.length === 0) return context
  if (bytes.length < 2) throw malformed()
  const count = bytes.readUInt16BE(0)
  if (count === 0) throw malformed()
  let at = 2
  const isPlain = isAscii(bytes)
  function text(): string {
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : Infinity
    if (end > bytes.length) throw malformed()
    if (isPlain) {
      const from = at + 2
      at = end
      return bytes.toString('latin1', from, end)
    }
    const part = bytes.subarray(at + 2, end)
    if (!isUtf8(part)) throw malformed()
    at = end
    return part.toString('utf8')
  }
  for (let pair = 0; pair < count; pair++) {
    const key = text()
    if (key in context) throw malformed()
    context[key] = text()
  }
  if (at !== bytes.length) throw malformed()
  lastRead = { bytes: Buffer.from(bytes), context: Object.freeze(context) }
  return context
}

/** Both together. Keys of the second that the first has, too, are taken from the second. */
export function mergedContext(first: EncryptionContext, second: EncryptionContext): EncryptionContext {
  return Object.assign(emptyContext(), first, second)
}

/** Without a prototype: pairs may be called `__proto__` or `constructor`. */
function emptyContext(): Record<string, string> {
  return Object.create(null) as Record<string, string>
}

function broken(why: string): EnvelopeError {
  return new EnvelopeError('encryption-context', `the encryption context cannot be used: ${why}`)
}

function malformed(): EnvelopeError {
  return new EnvelopeError('header', 'the encryption context in the header is malformed')
}
