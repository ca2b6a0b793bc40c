import { type JsonObject, memberOf } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { open, parseCiphertext, seal } from './ciphertext.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { blob, choice, list } from './input.ts'
import { decryptOaep, encryptOaep, oaepBytesMax } from './key-pairs.ts'
import { type EncryptionAlgorithm, SYMMETRIC } from './key-specs.ts'
import { parseKeyName, relatedArn } from './key-names.ts'
import type { Key } from './keys.ts'
import { findKey, keyOfArn, type Stores } from './operation.ts'
import { accepted, type Checked, refuse, type Refused, refuseRequest } from './outcome.ts'
import { usable, type UsableKey, usableKey, type Use } from './usable-key.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#KMS-Decrypt-request-CiphertextBlob */
const CIPHERTEXT_BYTES = { bytesMin: 1, bytesMax: 6144 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html#KMS-Encrypt-request-EncryptionAlgorithm */
const ALGORITHMS = [SYMMETRIC, 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE'] as const
const DRY_RUN_MODIFIERS_MAX = 1
const IGNORE_CIPHERTEXT = 'IGNORE_CIPHERTEXT'

export function algorithm(input: JsonObject, name: string): Checked<EncryptionAlgorithm> {
  const chosen = choice(input, name, ALGORITHMS)
  if (!chosen.ok) return chosen
  if (chosen.value === 'SM2PKE') return refuse('UnsupportedOperationException', 'The local cloud has no keys for SM2PKE.')
  return accepted(chosen.value ?? SYMMETRIC)
}

export function ciphertextBlob(input: JsonObject): Checked<Buffer | null> {
  return blob(input, 'CiphertextBlob', CIPHERTEXT_BYTES)
}

/** Whether the caller asked for a dry run that looks at no ciphertext. */
export function ignoresCiphertext(input: JsonObject): Checked<boolean> {
  const modifiers = list(input, 'DryRunModifiers', { countMax: DRY_RUN_MODIFIERS_MAX })
  if (!modifiers.ok) return modifiers
  const modifier = choice({ DryRunModifiers: modifiers.value?.[0] }, 'DryRunModifiers', [IGNORE_CIPHERTEXT])
  return modifier.ok ? accepted(modifier.value !== null && memberOf(input, 'DryRun') === true) : modifier
}

/** There is no enclave that could attest anything. */
export function withoutRecipient(input: JsonObject): Checked<null> {
  return (memberOf(input, 'Recipient') ?? null) === null
    ? accepted(null)
    : refuse('UnsupportedOperationException', 'The local cloud knows no attestation documents.')
}

/** How a request wants something encrypted or decrypted. */
export type Encryption = { readonly context: EncryptionContext; readonly algorithm: EncryptionAlgorithm }

/**
 * "An encryption context is supported only on operations with symmetric encryption KMS keys"; which error stands, AWS does not tell.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html#KMS-Encrypt-request-EncryptionContext
 */
function misplacedContext({ context, algorithm: chosen }: Encryption): Refused | null {
  return chosen === SYMMETRIC || context.length === 0
    ? null
    : refuseRequest('ValidationException', 'An encryption context is valid with symmetric encryption keys only.')
}

/** A key that can encrypt so many bytes, or nothing in particular, in this way. */
export function encryptingKey(
  stores: Stores,
  call: ServiceCall,
  name: string,
  how: Encryption,
  plaintextBytes: number,
): Checked<UsableKey> {
  const refused = misplacedContext(how)
  if (refused !== null) return refused
  const found = usableKey(stores, call, name, use(how))
  return found.ok ? (tooLong(found.value.key, how.algorithm, plaintextBytes) ?? found) : found
}

/** Message as recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json */
function tooLong({ spec }: Key, chosen: EncryptionAlgorithm, plaintextBytes: number): Refused | null {
  if (chosen === SYMMETRIC) return null
  const bytesMax = oaepBytesMax(spec, chosen)
  const message = `Algorithm ${chosen} and key spec ${spec} cannot encrypt data larger than ${bytesMax} bytes.`
  return plaintextBytes <= bytesMax ? null : refuseRequest('ValidationException', message)
}

export function encrypted({ key, material }: UsableKey, { context, algorithm: chosen }: Encryption, plaintext: Uint8Array): Buffer {
  return chosen === SYMMETRIC ? seal(key.keyArn, material, context, plaintext) : encryptOaep(material.secret, chosen, plaintext)
}

export type OpenRequest = Encryption & {
  /** Null if the caller wants none to be looked at. */
  readonly blob: Buffer | null
  readonly name: string | null
}

export type Opened = UsableKey & { readonly plaintext: Buffer }

/** The plaintext of a ciphertext, for Decrypt and the first half of ReEncrypt. */
export function opened(stores: Stores, call: ServiceCall, request: OpenRequest): Checked<Opened> {
  const refused = misplacedContext(request)
  if (refused !== null) return refused
  if (request.algorithm === SYMMETRIC && request.blob !== null) return unsealed(stores, call, request, request.blob)
  if (request.name === null) return refuseRequest('ValidationException', 'A key is required without a ciphertext that names its own.')
  const found = usableKey(stores, call, request.name, use(request))
  if (!found.ok) return found
  const plaintext = openedUnder(found.value, request)
  return plaintext === null ? invalidCiphertext([found.value.key.keyArn]) : accepted({ ...found.value, plaintext })
}

function use({ algorithm: chosen }: Encryption): Use {
  return { usage: 'ENCRYPT_DECRYPT', algorithm: chosen }
}

function openedUnder({ material }: UsableKey, request: OpenRequest): Buffer | null {
  if (request.blob === null || request.algorithm === SYMMETRIC) return Buffer.alloc(0)
  return decryptOaep(material.secret, request.algorithm, request.blob)
}

/** A ciphertext of a symmetric encryption key names that key. */
function unsealed(stores: Stores, call: ServiceCall, request: OpenRequest, ciphertextBytes: Buffer): Checked<Opened> {
  const asked = request.name === null ? accepted(null) : findKey(stores, call, request.name)
  if (!asked.ok) return asked
  const ciphertext = parseCiphertext(ciphertextBytes)
  if (ciphertext === null) return invalidCiphertext(asked.value === null ? [] : [asked.value.keyArn])
  const key = keyOfCiphertext(stores, call, ciphertext.keyArn)
  if (!key.ok) return key
  if (asked.value !== null && asked.value.keyArn !== key.value.keyArn) {
    return refuse('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.', [
      asked.value.keyArn,
    ])
  }
  const found = usable(stores, call, key.value, { ...use(request), materialId: ciphertext.materialId })
  if (!found.ok) return found
  const plaintext = open(ciphertext, found.value.material.secret, request.context)
  return plaintext === null ? invalidCiphertext([key.value.keyArn]) : accepted({ ...found.value, plaintext })
}

/**
 * A key that is deleted makes its ciphertexts unreadable; one that never was shows that the ciphertext is none. Related multi-Region keys
 * open each other's: https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
 */
function keyOfCiphertext(stores: Stores, call: ServiceCall, sealedArn: string): Checked<Key> {
  const keyArn = relatedArn(sealedArn, call)
  const isKnown = parseKeyName(keyArn, call).ok && (stores.keys.find(keyArn) !== null || stores.keys.wasDeleted(keyArn))
  return isKnown ? keyOfArn(stores, call, keyArn) : invalidCiphertext([])
}

/** KMS gives no message. https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json */
function invalidCiphertext(resourceArns: readonly string[]): Refused {
  return refuse('InvalidCiphertextException', '', resourceArns)
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html */
export function dryRun(resourceArns: readonly string[]): Refused {
  return refuse('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.', resourceArns)
}
