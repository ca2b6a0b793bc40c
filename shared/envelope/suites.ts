import { EnvelopeError } from './errors.ts'

/** Suites that are written. https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html */
export type WrittenSuiteId = '0478' | '0578'
/** Suites without key commitment: read only, and only where the commitment policy allows it. */
type LegacySuiteId = '0014' | '0046' | '0078' | '0114' | '0146' | '0178' | '0214' | '0346' | '0378'
export type SuiteId = WrittenSuiteId | LegacySuiteId

/** An ECDSA signature over a whole message. */
export type SignatureAlgorithm = {
  readonly hash: 'sha256' | 'sha384'
  /** As OpenSSL names it. */
  readonly curve: 'prime256v1' | 'secp384r1'
  /** Bytes of a compressed point. */
  readonly pointBytes: 33 | 49
  /** The longest DER form: two integers of the curve's size with a sign byte each, and three headers of two bytes. */
  readonly signatureBytesMax: 72 | 104
}

export type Suite = {
  /** Four hexadecimal digits, as the documents of AWS name it. */
  readonly id: SuiteId
  /** The same as it stands in a message. */
  readonly code: number
  readonly messageVersion: 1 | 2
  /** Of the data key, and of the key derived from it. */
  readonly dataKeyBytes: 16 | 24 | 32
  readonly cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'
  /** Null: the data key itself encrypts, and must never be used for a second message. */
  readonly derivation: 'sha256' | 'sha384' | 'sha512' | null
  /** Whether a message fits one data key only. */
  readonly commits: boolean
  readonly signature: SignatureAlgorithm | null
}

/** Which suites an operation may use. The names are those of AWS. */
export type CommitmentPolicy = 'FORBID_ENCRYPT_ALLOW_DECRYPT' | 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' | 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT'

const P256: SignatureAlgorithm = { hash: 'sha256', curve: 'prime256v1', pointBytes: 33, signatureBytesMax: 72 }
const P384: SignatureAlgorithm = { hash: 'sha384', curve: 'secp384r1', pointBytes: 49, signatureBytesMax: 104 }

const SUITES: Readonly<Record<SuiteId, Suite>> = {
  '0014': legacy('0014', 16, null, null),
  '0046': legacy('0046', 24, null, null),
  '0078': legacy('0078', 32, null, null),
  '0114': legacy('0114', 16, 'sha256', null),
  '0146': legacy('0146', 24, 'sha256', null),
  '0178': legacy('0178', 32, 'sha256', null),
  '0214': legacy('0214', 16, 'sha256', P256),
  '0346': legacy('0346', 24, 'sha384', P384),
  '0378': legacy('0378', 32, 'sha384', P384),
  '0478': committing('0478', null),
  '0578': committing('0578', P384),
}
const SUITE_OF_CODE: ReadonlyMap<number, Suite> = new Map(Object.values(SUITES).map((suite) => [suite.code, suite]))

function legacy(id: LegacySuiteId, dataKeyBytes: 16 | 24 | 32, derivation: Suite['derivation'], signature: Suite['signature']): Suite {
  const cipher = dataKeyBytes === 16 ? 'aes-128-gcm' : dataKeyBytes === 24 ? 'aes-192-gcm' : 'aes-256-gcm'
  return { id, code: Number.parseInt(id, 16), messageVersion: 1, dataKeyBytes, cipher, derivation, commits: false, signature }
}

function committing(id: WrittenSuiteId, signature: Suite['signature']): Suite {
  const cipher = 'aes-256-gcm'
  return { id, code: Number.parseInt(id, 16), messageVersion: 2, dataKeyBytes: 32, cipher, derivation: 'sha512', commits: true, signature }
}

export function suiteOf(id: SuiteId): Suite {
  return SUITES[id]
}

/** The suite a message names; null: there is none of that number. */
export function suiteOfCode(code: number): Suite | null {
  return SUITE_OF_CODE.get(code) ?? null
}

/** The suite a caller wants to write. @throws EnvelopeError `suite` for any that is not written */
export function writtenSuite(id: unknown): Suite {
  if (id !== '0478' && id !== '0578') throw new EnvelopeError('suite', "suite must be '0478' or '0578': others are not written")
  return SUITES[id]
}

/** @throws EnvelopeError `commitment-policy` if a message of this suite must not be read */
export function requireReadable(suite: Suite, policy: CommitmentPolicy): void {
  if (suite.commits || policy !== 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT') return
  throw new EnvelopeError(
    'commitment-policy',
    `suite ${suite.id} does not commit to its key, and the commitment policy ${policy} refuses it`,
  )
}

/** @throws EnvelopeError `commitment-policy` if the policy forbids every suite that is written */
export function requireWritable(policy: CommitmentPolicy): void {
  if (policy !== 'FORBID_ENCRYPT_ALLOW_DECRYPT') return
  throw new EnvelopeError('commitment-policy', `the commitment policy ${policy} forbids the suites that are written: all of them commit`)
}
