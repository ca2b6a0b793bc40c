import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  KmsKeyringNode,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import type { KmsClient } from '../../shared/envelope/index.ts'
import { NAMES, WRAPPING_KEY } from './envelope-bytes.ts'
import { oracleClient } from './envelope-kms.ts'

/** AWS's own SDK for JavaScript. */
const client = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
export type OracleKeyring = Parameters<typeof client.encrypt>[0]
type WriteOptions = Parameters<typeof client.encrypt>[2]

const SUITE = {
  '0478': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
  '0578': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
} as const

/** Opens what `sampleKeyring` wraps, and the other way round. */
export function oracleRawKeyring(): OracleKeyring {
  return new RawAesKeyringNode({
    keyName: NAMES.name,
    keyNamespace: NAMES.namespace,
    unencryptedMasterKey: new Uint8Array(WRAPPING_KEY),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    // Without it, this SDK orders keys by the locale, and no other SDK reads it.
    utf8Sorting: true,
  })
}

export function oracleKmsKeyring(kms: KmsClient, generatorKeyId: string, keyIds: readonly string[]): OracleKeyring {
  // The oracle needs three functions of its client; its type asks for the whole of it.
  const clientProvider = (() => oracleClient(kms)) as unknown as NonNullable<
    ConstructorParameters<typeof KmsKeyringNode>[0]
  >['clientProvider']
  return new KmsKeyringNode({ ...(clientProvider === undefined ? {} : { clientProvider }), generatorKeyId, keyIds: [...keyIds] })
}

/** Suites without key commitment, which nobody should write any more. */
const LEGACY_SUITE = {
  '0014': AlgorithmSuiteIdentifier.ALG_AES128_GCM_IV12_TAG16,
  '0046': AlgorithmSuiteIdentifier.ALG_AES192_GCM_IV12_TAG16,
  '0078': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16,
  '0114': AlgorithmSuiteIdentifier.ALG_AES128_GCM_IV12_TAG16_HKDF_SHA256,
  '0146': AlgorithmSuiteIdentifier.ALG_AES192_GCM_IV12_TAG16_HKDF_SHA256,
  '0178': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA256,
  '0214': AlgorithmSuiteIdentifier.ALG_AES128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256,
  '0346': AlgorithmSuiteIdentifier.ALG_AES192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384,
  '0378': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384,
} as const
export type LegacySuite = keyof typeof LEGACY_SUITE
export const LEGACY_SUITES = Object.keys(LEGACY_SUITE) as readonly LegacySuite[]

/** A message of version 1, in frames of 10 bytes. */
export async function oracleEncryptLegacy(keyring: OracleKeyring, plaintext: Buffer, suite: LegacySuite): Promise<Buffer> {
  const { encrypt } = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
  return (await encrypt(keyring, plaintext, { suiteId: LEGACY_SUITE[suite], encryptionContext: { tenant: 'a' }, frameLength: 10 })).result
}

export type OracleWrite = {
  readonly suite: '0478' | '0578'
  readonly encryptionContext: Readonly<Record<string, string>>
  readonly frameLength: number
}

export async function oracleEncrypt(keyring: OracleKeyring, plaintext: Buffer, options: OracleWrite): Promise<Buffer> {
  return (await client.encrypt(keyring, plaintext, optionsOf(options))).result
}

export async function oracleEncryptStream(keyring: OracleKeyring, pieces: readonly Buffer[], options: OracleWrite): Promise<Buffer> {
  const stream = client.encryptStream(keyring, optionsOf(options))
  Readable.from(pieces, { objectMode: false }).pipe(stream)
  return buffer(stream)
}

export async function oracleDecrypt(keyring: OracleKeyring, message: Buffer): Promise<Buffer> {
  return (await client.decrypt(keyring, message)).plaintext
}

export async function oracleDecryptStream(keyring: OracleKeyring, pieces: readonly Buffer[]): Promise<Buffer> {
  const stream = client.decryptStream(keyring)
  Readable.from(pieces, { objectMode: false }).pipe(stream)
  return buffer(stream)
}

function optionsOf({ suite, encryptionContext, frameLength }: OracleWrite): NonNullable<WriteOptions> {
  return { suiteId: SUITE[suite], encryptionContext: { ...encryptionContext }, frameLength }
}
