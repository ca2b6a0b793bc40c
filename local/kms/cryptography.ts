import { type JsonObject, memberOf } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { type KeyMaterial, open, parseCiphertext } from './ciphertext.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { blob, choice, list } from './input.ts'
import type { Key } from './keys.ts'
import { parseKeyName } from './key-names.ts'
import { findKey, type Stores, unusable } from './operation.ts'
import { accepted, type Checked, refuse, type Refused, refuseRequest } from './outcome.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#KMS-Decrypt-request-CiphertextBlob */
const CIPHERTEXT_BYTES = { bytesMin: 1, bytesMax: 6144 }

export const SYMMETRIC = 'SYMMETRIC_DEFAULT'
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html#KMS-Encrypt-request-EncryptionAlgorithm */
const ALGORITHMS = [SYMMETRIC, 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE'] as const
const DRY_RUN_MODIFIERS_MAX = 1
const IGNORE_CIPHERTEXT = 'IGNORE_CIPHERTEXT'

export type Algorithm = (typeof ALGORITHMS)[number]

export function algorithm(input: JsonObject, name: string): Checked<Algorithm> {
  const chosen = choice(input, name, ALGORITHMS)
  return chosen.ok ? accepted(chosen.value ?? SYMMETRIC) : chosen
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

/** A key that can be used, and its current material. */
export type UsableKey = { readonly key: Key; readonly material: KeyMaterial }

export function usableKey(stores: Stores, call: ServiceCall, name: string, chosen: Algorithm): Checked<UsableKey> {
  const key = findKey(stores, call, name)
  return key.ok ? usable(stores, key.value, key.value.materialId, chosen) : key
}

function usable(stores: Stores, key: Key, materialId: string, chosen: Algorithm): Checked<UsableKey> {
  if (chosen !== SYMMETRIC) {
    return refuse('InvalidKeyUsageException', `Algorithm ${chosen} is incompatible with key spec ${SYMMETRIC}.`, [key.keyArn])
  }
  const refused = unusable(key)
  if (refused !== null) return refused
  const material = stores.keys.material(key.keyArn, materialId)
  return material === null ? invalidCiphertext([key.keyArn]) : accepted({ key, material })
}

export type OpenRequest = {
  /** Null if the caller wants none to be looked at. */
  readonly blob: Buffer | null
  readonly name: string | null
  readonly context: EncryptionContext
  readonly algorithm: Algorithm
}

export type Opened = UsableKey & { readonly plaintext: Buffer }

/** The plaintext of a ciphertext, for Decrypt and the first half of ReEncrypt. */
export function opened(stores: Stores, call: ServiceCall, request: OpenRequest): Checked<Opened> {
  const asked = request.name === null ? accepted(null) : findKey(stores, call, request.name)
  if (!asked.ok) return asked
  if (request.blob === null) return withoutCiphertext(stores, asked.value, request.algorithm)
  const ciphertext = parseCiphertext(request.blob)
  if (ciphertext === null) return invalidCiphertext(asked.value === null ? [] : [asked.value.keyArn])
  const key = keyOfCiphertext(stores, call, ciphertext.keyArn)
  if (!key.ok) return key
  if (asked.value !== null && asked.value.keyArn !== key.value.keyArn) {
    return refuse('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.', [
      asked.value.keyArn,
    ])
  }
  const found = usable(stores, key.value, ciphertext.materialId, request.algorithm)
  if (!found.ok) return found
  const plaintext = open(ciphertext, found.value.material.secret, request.context)
  return plaintext === null ? invalidCiphertext([key.value.keyArn]) : accepted({ ...found.value, plaintext })
}

function withoutCiphertext(stores: Stores, key: Key | null, chosen: Algorithm): Checked<Opened> {
  if (key === null) return refuseRequest('ValidationException', 'A key is required without a ciphertext.')
  const found = usable(stores, key, key.materialId, chosen)
  return found.ok ? accepted({ ...found.value, plaintext: Buffer.alloc(0) }) : found
}

/** A key that is deleted makes its ciphertexts unreadable; one that never was shows that the ciphertext is none. */
function keyOfCiphertext(stores: Stores, call: ServiceCall, keyArn: string): Checked<Key> {
  const key = parseKeyName(keyArn, call).ok ? stores.keys.find(keyArn) : null
  if (key !== null) return accepted(key)
  return stores.keys.wasDeleted(keyArn) ? refuse('NotFoundException', `Key '${keyArn}' does not exist`) : invalidCiphertext([])
}

/** KMS gives no message. https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json */
function invalidCiphertext(resourceArns: readonly string[]): Refused {
  return refuse('InvalidCiphertextException', '', resourceArns)
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html */
export function dryRun(resourceArns: readonly string[]): Refused {
  return refuse('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.', resourceArns)
}
