import type { KeyObject } from 'node:crypto'
import type { EncryptionContext } from './encryption-context.ts'
import type { Suite } from './suites.ts'

/** A data key under one wrapping key, as a message carries it. */
export type EncryptedDataKey = {
  /** Such as `aws-kms`, or the namespace of a raw AES keyring. */
  readonly providerId: string
  /** Such as the KMS key's ARN. */
  readonly providerInfo: Uint8Array
  readonly ciphertext: Uint8Array
}

/** A data key in the clear. Whoever makes it owns its bytes, and writes zeros over them when nobody uses it any more. */
export type DataKey = {
  readonly bytes: Buffer
  /** The wrapping key that gave it: for KMS the key's ARN. */
  readonly wrappedBy: string
}

/**
 * Makes data keys and gets them back: what KMS does, or a key of one's own.
 * Rejects with an `EnvelopeError`; nothing it throws holds a key or a context value.
 */
export type Keyring = {
  /** Names the wrapping keys, and who may use them: caches keep keyrings of different identities apart. */
  readonly identity: string
  /** A fresh data key of `suite.dataKeyBytes` bytes, and its encrypted forms: one at least. */
  generateDataKey(request: {
    readonly suite: Suite
    readonly encryptionContext: EncryptionContext
  }): Promise<{ readonly dataKey: DataKey; readonly encryptedDataKeys: readonly EncryptedDataKey[] }>
  /** The data key of one of the encrypted ones, which are tried in order; all failures are in the error if none works. */
  decryptDataKey(request: {
    readonly suite: Suite
    readonly encryptionContext: EncryptionContext
    readonly encryptedDataKeys: readonly EncryptedDataKey[]
  }): Promise<DataKey>
}

export type EncryptionMaterials = {
  readonly suite: Suite
  /** With the public key of the signature, if the suite has one. */
  readonly encryptionContext: EncryptionContext
  readonly dataKey: DataKey
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
  /** P-384 (or P-256) private key of suites that sign. */
  readonly signingKey: KeyObject | null
}

export type DecryptionMaterials = {
  readonly suite: Suite
  readonly encryptionContext: EncryptionContext
  readonly dataKey: DataKey
  readonly verificationKey: KeyObject | null
}

/** Something held for one operation. After `release` the data key may be overwritten at any time. */
export type Lease<Materials> = { readonly materials: Materials; release(): void }

export type EncryptionRequest = {
  readonly suite: Suite
  /** Without the public key of a signature. */
  readonly encryptionContext: EncryptionContext
  /** How long the plaintext will be; null: nobody knows, and nothing may be cached. */
  readonly plaintextBytes: number | null
}

export type DecryptionRequest = {
  readonly suite: Suite
  readonly encryptionContext: EncryptionContext
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
}

/** Where operations get their keys from: straight from a keyring, or through a cache. */
export type MaterialsSource = {
  forEncryption(request: EncryptionRequest): Promise<Lease<EncryptionMaterials>>
  forDecryption(request: DecryptionRequest): Promise<Lease<DecryptionMaterials>>
}
