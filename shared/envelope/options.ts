import { checkedContext, type EncryptionContext } from './encryption-context.ts'
import { EnvelopeError } from './errors.ts'
import { FRAME_LENGTH_MAX } from './frames.ts'
import { ENCRYPTED_DATA_KEYS_LIMIT } from './header.ts'
import { keyringMaterials } from './keyring-materials.ts'
import type { Keyring, MaterialsSource } from './materials.ts'
import { type CommitmentPolicy, requireWritable, type Suite, type WrittenSuiteId, writtenSuite } from './suites.ts'

/** Where keys come from: a keyring, or materials (see `cachingMaterials`). */
export type KeySource =
  | { readonly keyring: Keyring; readonly materials?: undefined }
  | { readonly materials: MaterialsSource; readonly keyring?: undefined }

type CommonOptions = KeySource & {
  /** At least 1; 16 unless told. More are refused: each may cost a call of KMS. */
  readonly maxEncryptedDataKeys?: number
  /** Default `REQUIRE_ENCRYPT_REQUIRE_DECRYPT`. The others let suites without key commitment be read; none lets them be written. */
  readonly commitmentPolicy?: CommitmentPolicy
}

export type EncryptOptions = CommonOptions & {
  /**
   * `0578` (the default) signs with ECDSA P-384: who may only decrypt cannot forge messages. `0478` does not, and is 40 times faster for
   * small messages: for where writers and readers are the same party.
   */
  readonly suite?: WrittenSuiteId
  /** Authenticated, and stored in the clear. Keys must not begin with `aws-crypto-`. 65,535 bytes at most. */
  readonly encryptionContext?: EncryptionContext
  /** Bytes of plaintext in a frame, 1 to 2^32 - 1; 4,096 unless told: see `FRAME_LENGTH_DEFAULT`. */
  readonly frameLength?: number
}

export type DecryptOptions = CommonOptions & {
  /** Pairs that must have been there: each is either stored with the message, or was authenticated without being stored. */
  readonly encryptionContext?: EncryptionContext
}

/** Where a buffer operation writes its result. */
export type OutputOptions = {
  /** The result is a view of its beginning. Until the operation ends well its content means nothing; after a failure it is zeros. */
  readonly into?: Uint8Array
}

/**
 * What AWS's own SDKs write. Longer frames are faster (64 to 256 KiB for files), but versions of the JavaScript SDK before 5.0.2
 * (decrypt-node 4.2.4) silently lose whole frames of 16 KiB or more: https://github.com/aws/aws-encryption-sdk-javascript/pull/1670
 * Take longer ones where all readers are known.
 */
const FRAME_LENGTH_DEFAULT = 4096
const ENCRYPTED_DATA_KEYS_DEFAULT = 16
const POLICIES: readonly CommitmentPolicy[] = [
  'FORBID_ENCRYPT_ALLOW_DECRYPT',
  'REQUIRE_ENCRYPT_ALLOW_DECRYPT',
  'REQUIRE_ENCRYPT_REQUIRE_DECRYPT',
]
const NO_PAIRS: EncryptionContext = checkedContext({})

type CommonPlan = {
  readonly source: MaterialsSource
  readonly encryptedDataKeysMax: number
  readonly encryptionContext: EncryptionContext
}
export type EncryptPlan = CommonPlan & { readonly suite: Suite; readonly frameLength: number }
export type DecryptPlan = CommonPlan & { readonly policy: CommitmentPolicy }

/** @throws EnvelopeError for wrong use: `options`, `suite`, `frame-length`, `encryption-context`, `commitment-policy` */
export function encryptPlan(options: EncryptOptions): EncryptPlan {
  const { suite = '0578', frameLength = FRAME_LENGTH_DEFAULT } = options
  requireWritable(policyOf(options))
  requireInteger('frame-length', 'frameLength', frameLength, FRAME_LENGTH_MAX)
  return { ...commonPlan(options), suite: writtenSuite(suite), frameLength }
}

/** @throws EnvelopeError for wrong use: `options`, `encryption-context` */
export function decryptPlan(options: DecryptOptions): DecryptPlan {
  return { ...commonPlan(options), policy: policyOf(options) }
}

/** @throws EnvelopeError `rule` unless the value is an integer from 1 (or `min`) to `max` */
export function requireInteger(rule: 'frame-length' | 'options', name: string, value: unknown, max: number, min = 1): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new EnvelopeError(rule, `${name} must be an integer from ${min} to ${max}`)
}

function commonPlan(options: CommonOptions & { readonly encryptionContext?: EncryptionContext }): CommonPlan {
  const { keyring, materials, encryptionContext, maxEncryptedDataKeys = ENCRYPTED_DATA_KEYS_DEFAULT } = options
  requireInteger('options', 'maxEncryptedDataKeys', maxEncryptedDataKeys, ENCRYPTED_DATA_KEYS_LIMIT)
  return {
    source: sourceOf(keyring, materials),
    encryptedDataKeysMax: maxEncryptedDataKeys,
    encryptionContext: encryptionContext === undefined ? NO_PAIRS : checkedContext(encryptionContext),
  }
}

function sourceOf(keyring: Keyring | undefined, materials: MaterialsSource | undefined): MaterialsSource {
  if (keyring !== undefined && materials === undefined) return keyringMaterials(keyring)
  if (materials !== undefined && keyring === undefined) return materials
  throw new EnvelopeError('options', 'either keyring or materials must be given, and not both')
}

function policyOf({ commitmentPolicy = 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT' }: CommonOptions): CommitmentPolicy {
  if (POLICIES.includes(commitmentPolicy)) return commitmentPolicy
  throw new EnvelopeError('options', `commitmentPolicy must be one of ${POLICIES.join(', ')}`)
}
