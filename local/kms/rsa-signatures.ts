import { constants, createHash, createPublicKey, type KeyObject, privateEncrypt, publicDecrypt, randomBytes } from 'node:crypto'

/**
 * RSA signatures over a digest that somebody else made, which node:crypto has no call for: it always hashes what it signs.
 * RFC 8017, sections 8.1, 8.2 and 9: https://www.rfc-editor.org/rfc/rfc8017
 */

export type Hash = 'sha256' | 'sha384' | 'sha512'

/** What stands before the digest in a DigestInfo. RFC 8017, section 9.2, note 1 */
const DIGEST_INFO_PREFIXES: Readonly<Record<Hash, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}
const PSS_TRAILER = 0xbc

export function signPkcs1(privateKey: KeyObject, hash: Hash, digest: Uint8Array): Buffer {
  return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo(hash, digest))
}

export function isPkcs1Signature(privateKey: KeyObject, hash: Hash, digest: Uint8Array, signature: Uint8Array): boolean {
  const opened = openedSignature(privateKey, constants.RSA_PKCS1_PADDING, signature)
  return opened?.equals(digestInfo(hash, digest)) ?? false
}

function digestInfo(hash: Hash, digest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(DIGEST_INFO_PREFIXES[hash], 'hex'), digest])
}

/** With a salt as long as the hash, and MGF1 of the same hash. */
export function signPss(privateKey: KeyObject, hash: Hash, digest: Uint8Array): Buffer {
  const encoded = pssEncoded(hash, digest, randomBytes(digest.length), modulusBytes(privateKey))
  return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoded)
}

export function isPssSignature(privateKey: KeyObject, hash: Hash, digest: Uint8Array, signature: Uint8Array): boolean {
  const encoded = openedSignature(privateKey, constants.RSA_NO_PADDING, signature)
  if (encoded === null) return false
  const maskedEnd = encoded.length - digest.length - 1
  const block = masked(hash, encoded.subarray(0, maskedEnd), encoded.subarray(maskedEnd, -1))
  return pssEncoded(hash, digest, block.subarray(-digest.length), encoded.length).equals(encoded)
}

/** EMSA-PSS, for a modulus whose length in bits is a multiple of eight. */
function pssEncoded(hash: Hash, digest: Uint8Array, salt: Uint8Array, length: number): Buffer {
  const hashed = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest()
  const block = Buffer.alloc(length - hashed.length - 1)
  block.writeUInt8(1, block.length - salt.length - 1)
  block.set(salt, block.length - salt.length)
  return Buffer.concat([masked(hash, block, hashed), hashed, Buffer.from([PSS_TRAILER])])
}

/** The block exclusive-or MGF1 of the seed, its first bit cleared. */
function masked(hash: Hash, block: Uint8Array, seed: Uint8Array): Buffer {
  const result = Buffer.from(block)
  const counter = Buffer.alloc(4)
  for (let at = 0; at < result.length; at += seed.length) {
    counter.writeUInt32BE(at / seed.length)
    const mask = createHash(hash).update(seed).update(counter).digest()
    for (const [index, byte] of mask.subarray(0, result.length - at).entries()) result[at + index] = (result[at + index] ?? 0) ^ byte
  }
  result[0] = (result[0] ?? 0) & 0x7f
  return result
}

function modulusBytes(key: KeyObject): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
}

/** Null where the bytes are no signature of this length and padding. */
function openedSignature(privateKey: KeyObject, padding: number, signature: Uint8Array): Buffer | null {
  if (signature.length !== modulusBytes(privateKey)) return null
  try {
    return publicDecrypt({ key: createPublicKey(privateKey), padding }, signature)
  } catch {
    return null
  }
}
