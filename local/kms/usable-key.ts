import type { JsonObject } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import type { KeyMaterial } from './ciphertext.ts'
import { algorithmsOf, type KeyUsage, SYMMETRIC } from './key-specs.ts'
import type { Key } from './keys.ts'
import { findKey, type Stores } from './operation.ts'
import { accepted, type Checked, refuse } from './outcome.ts'

/** A key that can do what was asked, and the material to do it with. */
export type UsableKey = { readonly key: Key; readonly material: KeyMaterial }

/** What an operation wants of a key. */
export type Use = { readonly usage: KeyUsage; readonly algorithm: string }

/** The named key with its current material. */
export function usableKey(stores: Stores, call: ServiceCall, name: string, use: Use): Checked<UsableKey> {
  const key = findKey(stores, call, name)
  if (!key.ok) return key
  const { keyArn, materialId } = key.value
  // A key whose scheduled deletion was cancelled can be enabled without any material.
  if (materialId === null) return refuse('KMSInvalidStateException', `${keyArn} is pending import.`, [keyArn])
  return usable(stores, call, key.value, { ...use, materialId })
}

/** Messages as recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json */
export function usable(
  stores: Stores,
  { operation }: ServiceCall,
  key: Key,
  { usage, algorithm, materialId }: Use & { readonly materialId: string },
): Checked<UsableKey> {
  const { keyArn, spec } = key
  if (key.usage !== usage) {
    return refuse('InvalidKeyUsageException', `${keyArn} key usage is ${key.usage} which is not valid for ${operation}.`, [keyArn])
  }
  const { encryption, signing, mac, agreement } = algorithmsOf(key)
  if (![...encryption, ...signing, ...mac, ...agreement].some((known) => known === algorithm)) {
    return refuse('InvalidKeyUsageException', `Algorithm ${algorithm} is incompatible with key spec ${spec}.`, [keyArn])
  }
  const material = stores.keys.materials.secret(keyArn, materialId)
  return material === null ? refuse('InvalidCiphertextException', '', [keyArn]) : accepted({ key, material })
}

/** The material's ID as a member of an answer or a record: KMS names the material of symmetric encryption keys only. */
export function namedMaterial(member: string, { key, material }: UsableKey): JsonObject {
  return key.spec === SYMMETRIC ? { [member]: material.materialId } : {}
}
