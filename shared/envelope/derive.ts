import { createSecretKey, hash, hkdfSync, type KeyObject } from 'node:crypto'
import type { Suite } from './suites.ts'

/** What one message is encrypted with. The commitment is null for suites that have none. */
export type DerivedKeys = { readonly contentKey: KeyObject; readonly commitment: Buffer | null }

const BLOCK_BYTES = 128
const DIGEST_BYTES = 64
const KEY_BYTES = 32
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
const DERIVE_LABEL = Buffer.from('__DERIVEKEY\u0001', 'latin1')
const COMMIT_LABEL = Buffer.from('COMMITKEY\u0001', 'latin1')

/**
 * HMAC-SHA512 needs two hashes. On Node's one-shot hash, the three HMACs of a message take 9 µs; on createHmac 55 µs, and on hkdfSync 31 µs
 * because it extracts twice. These blocks hold padding and labels; keys are in them only within one call, so that one of each will do.
 */
const extractInner = padded(INNER_PAD, Buffer.alloc(KEY_BYTES))
const expandInner = padded(INNER_PAD, DERIVE_LABEL)
const commitInner = padded(INNER_PAD, COMMIT_LABEL)
const outer = padded(OUTER_PAD, Buffer.alloc(DIGEST_BYTES))

/**
 * The keys of a message, from its data key and its message id. The data key is not needed afterwards.
 * https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html
 */
export function derivedKeys(suite: Suite, dataKey: Uint8Array, messageId: Uint8Array): DerivedKeys {
  if (suite.commits) return committingKeys(suite, dataKey, messageId)
  if (suite.derivation === null) return { contentKey: createSecretKey(dataKey), commitment: null }
  const info = Buffer.concat([codeBytes(suite), messageId])
  const bytes = Buffer.from(hkdfSync(suite.derivation, dataKey, Buffer.alloc(0), info, suite.dataKeyBytes))
  return { contentKey: keyOf(bytes, suite.dataKeyBytes), commitment: null }
}

/** HKDF-SHA512 (RFC 5869) with the message id as its salt: extracted once, expanded to the key and to the commitment. */
function committingKeys(suite: Suite, dataKey: Uint8Array, messageId: Uint8Array): DerivedKeys {
  mask(extractInner, messageId, INNER_PAD)
  extractInner.set(dataKey, BLOCK_BYTES)
  const extracted = outerHash(messageId, extractInner)
  mask(expandInner, extracted, INNER_PAD)
  mask(commitInner, extracted, INNER_PAD)
  expandInner.writeUInt16BE(suite.code, BLOCK_BYTES)
  const contentKey = keyOf(outerHash(extracted, expandInner), KEY_BYTES)
  const commitment = outerHash(extracted, commitInner).subarray(0, KEY_BYTES)
  extracted.fill(0)
  extractInner.fill(0, BLOCK_BYTES)
  for (const block of [extractInner, expandInner, commitInner]) block.fill(INNER_PAD, 0, DIGEST_BYTES)
  outer.fill(OUTER_PAD, 0, DIGEST_BYTES)
  return { contentKey, commitment }
}

/** The second hash of HMAC: of the key, padded, and of the first hash. */
function outerHash(key: Uint8Array, inner: Buffer): Buffer {
  mask(outer, key, OUTER_PAD)
  outer.set(hash('sha512', inner, 'buffer'), BLOCK_BYTES)
  return hash('sha512', outer, 'buffer')
}

/** A key of 64 bytes at most; behind it is padding. */
function mask(block: Buffer, key: Uint8Array, byte: number): void {
  for (let index = 0; index < key.length; index++) block[index] = (key[index] ?? 0) ^ byte
}

function padded(byte: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(BLOCK_BYTES, byte), content])
}

/** A KeyObject: createCipheriv takes ten times as long with a plain buffer. */
function keyOf(bytes: Buffer, length: number): KeyObject {
  const key = createSecretKey(bytes.subarray(0, length))
  bytes.fill(0)
  return key
}

function codeBytes({ code }: Suite): Buffer {
  return Buffer.of(code >> 8, code & 0xff)
}
