/**
 * What the message format itself costs with suite 0478, on node:crypto and nothing else: HKDF-SHA512 for key and commitment (three HMACs
 * on the one-shot hash, the fastest there is), the key object, the GCM pass of the header and that of one frame.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject, randomBytes } from 'node:crypto'
import type { Contender } from './envelope-rounds.ts'

const BLOCK_BYTES = 128
const DIGEST_BYTES = 64
const MESSAGE_ID_BYTES = 32
const IV_BYTES = 12
const WITH_TAG = { authTagLength: 16 } as const
const CIPHER = 'aes-256-gcm'
const DERIVE_INFO = Buffer.from('\u0004\u0078DERIVEKEY\u0001', 'latin1')
const COMMIT_INFO = Buffer.from('COMMITKEY\u0001', 'latin1')
const FRAME_LABEL = 'AWSKMSEncryptionClient Final Frame'

type Floor = { readonly encrypt: Contender; readonly decrypt: Contender }

/** @param headerBytes what the tag of the header authenticates */
export function formatFloor(operations: number, headerBytes: number, plaintext: Buffer): Floor {
  const dataKey = randomBytes(32)
  const messageId = randomBytes(MESSAGE_ID_BYTES)
  const header = randomBytes(headerBytes)
  const headerIv = Buffer.alloc(IV_BYTES)
  const frameIv = Buffer.alloc(IV_BYTES)
  frameIv[IV_BYTES - 1] = 1
  const frameAad = Buffer.concat([messageId, Buffer.from(FRAME_LABEL), Buffer.alloc(4 + 8)])
  const derive = derivation(dataKey, messageId)

  const key = derive()
  const { tag: headerTag } = seal(key, headerIv, header, null)
  const { bytes: ciphertext, tag: frameTag } = seal(key, frameIv, frameAad, plaintext)
  return {
    encrypt: {
      operations,
      run(count) {
        for (let message = 0; message < count; message++) {
          const derived = derive()
          seal(derived, headerIv, header, null)
          seal(derived, frameIv, frameAad, plaintext)
        }
      },
    },
    decrypt: {
      operations,
      run(count) {
        for (let message = 0; message < count; message++) {
          const derived = derive()
          open(derived, headerIv, header, null, headerTag)
          open(derived, frameIv, frameAad, ciphertext, frameTag)
        }
      },
    },
  }
}

function seal(key: KeyObject, iv: Buffer, aad: Buffer, content: Buffer | null): { readonly bytes: Buffer | null; readonly tag: Buffer } {
  const cipher = createCipheriv(CIPHER, key, iv)
  cipher.setAAD(aad)
  const bytes = content === null ? null : cipher.update(content)
  cipher.final()
  return { bytes, tag: cipher.getAuthTag() }
}

function open(key: KeyObject, iv: Buffer, aad: Buffer, content: Buffer | null, tag: Buffer): void {
  const decipher = createDecipheriv(CIPHER, key, iv, WITH_TAG)
  decipher.setAAD(aad)
  if (content !== null) decipher.update(content)
  decipher.setAuthTag(tag)
  decipher.final()
}

/** The key of a message; its commitment is computed, and dropped. */
function derivation(dataKey: Buffer, messageId: Buffer): () => KeyObject {
  const extract = hmac(dataKey.length)
  const expand = hmac(DERIVE_INFO.length)
  const commit = hmac(COMMIT_INFO.length)
  return () => {
    const extracted = extract(messageId, dataKey)
    const bytes = expand(extracted, DERIVE_INFO)
    commit(extracted, COMMIT_INFO)
    return createSecretKey(bytes.subarray(0, 32))
  }
}

/** HMAC-SHA512 of texts of one length, under keys of one length: two hashes. */
function hmac(textBytes: number): (key: Buffer, text: Buffer) => Buffer {
  const inner = Buffer.alloc(BLOCK_BYTES + textBytes, 0x36)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c)
  return (key, text) => {
    for (let at = 0; at < key.length; at++) {
      const byte = key[at] ?? 0
      inner[at] = byte ^ 0x36
      outer[at] = byte ^ 0x5c
    }
    inner.set(text, BLOCK_BYTES)
    outer.set(hash('sha512', inner, 'buffer'), BLOCK_BYTES)
    return hash('sha512', outer, 'buffer')
  }
}
