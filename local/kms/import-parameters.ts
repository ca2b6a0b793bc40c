import { constants, createPrivateKey, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, memberOf, textOf } from '../../shared/json.ts'
import { open, parseCiphertext, seal } from './ciphertext.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html#select-wrapping-key-spec */
export const WRAPPING_KEY_SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const
const MODULUS_BITS = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 } as const
/** Those that can wrap a symmetric key. https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html */
export const WRAPPING_ALGORITHMS = ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'] as const

export type Wrapping = {
  readonly spec: (typeof WRAPPING_KEY_SPECS)[number]
  readonly algorithm: (typeof WRAPPING_ALGORITHMS)[number]
}
export type ImportParameters = {
  readonly token: Buffer
  /** In DER, as SubjectPublicKeyInfo. */
  readonly publicKey: Buffer
  readonly validToMs: number
}

export type Unwrapped =
  | { readonly outcome: 'unwrapped'; readonly material: Buffer }
  | { readonly outcome: 'foreign token' | 'expired token' | 'wrongly wrapped' }

/** Public keys to wrap key material with, and tokens that hold the private half, sealed: so nothing is kept of what is never used. */
export type ImportTokens = {
  issue(keyArn: string, wrapping: Wrapping, nowMs: number): ImportParameters
  unwrap(keyArn: string, token: Buffer, wrapped: Buffer, nowMs: number): Unwrapped
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html */
const VALID_MS = 24 * 3_600_000
const HASHES = { RSAES_OAEP_SHA_256: 'sha256', RSAES_OAEP_SHA_1: 'sha1' } as const
/** What tells a token from a ciphertext. */
const PURPOSE = [['purpose', 'import token']] as const
const MATERIAL_ID = '0'.repeat(64)
const SECRET_BYTES = 32

export function importTokensIn(db: DatabaseSync): ImportTokens {
  db.exec('CREATE TABLE IF NOT EXISTS kms_token_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT')
  db.prepare('INSERT OR IGNORE INTO kms_token_secret VALUES (1, ?)').run(randomBytes(SECRET_BYTES))
  const secret = db.prepare('SELECT secret FROM kms_token_secret').get()?.['secret']
  if (!(secret instanceof Uint8Array)) throw new Error('kms_token_secret holds no secret: the database was changed by something else')
  const sealing = { materialId: MATERIAL_ID, secret }

  return {
    issue(keyArn, { spec, algorithm }, nowMs) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: MODULUS_BITS[spec] })
      const validToMs = nowMs + VALID_MS
      const privateBytes = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
      const content = Buffer.from(JSON.stringify({ algorithm, validToMs, privateKey: privateBytes }), 'utf8')
      return {
        token: seal(keyArn, sealing, PURPOSE, content),
        publicKey: publicKey.export({ format: 'der', type: 'spki' }),
        validToMs,
      }
    },
    unwrap(keyArn, token, wrapped, nowMs) {
      const sealed = parseCiphertext(token)
      const content = sealed?.keyArn === keyArn ? open(sealed, secret, PURPOSE) : null
      const issued = content === null ? null : issuedOf(content)
      if (issued === null) return { outcome: 'foreign token' }
      if (issued.validToMs <= nowMs) return { outcome: 'expired token' }
      const material = decrypted(issued, wrapped)
      return material === null ? { outcome: 'wrongly wrapped' } : { outcome: 'unwrapped', material }
    },
  }
}

type Issued = { readonly hash: string; readonly validToMs: number; readonly privateKey: Buffer }

/** What `issue` sealed. */
function issuedOf(content: Buffer): Issued | null {
  const value: unknown = JSON.parse(content.toString('utf8'))
  if (!isJsonObject(value)) return null
  const algorithm = WRAPPING_ALGORITHMS.find((known) => known === memberOf(value, 'algorithm'))
  const validToMs = memberOf(value, 'validToMs')
  const privateKey = textOf(value, 'privateKey')
  if (algorithm === undefined || typeof validToMs !== 'number' || privateKey === null) return null
  return { hash: HASHES[algorithm], validToMs, privateKey: Buffer.from(privateKey, 'base64') }
}

function decrypted({ hash, privateKey }: Issued, wrapped: Buffer): Buffer | null {
  const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' })
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, wrapped)
  } catch {
    return null
  }
}
