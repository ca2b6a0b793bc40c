import { blob, choice, required, text } from './input.ts'
import { requiredKeyName } from './key-names.ts'
import { expiry, importMaterial } from './importing.ts'
import { WRAPPING_ALGORITHMS, WRAPPING_KEY_SPECS } from './import-parameters.ts'
import { notSymmetric, ofOtherOrigin, suited } from './key-kinds.ts'
import type { Key } from './keys.ts'
import { timestamp } from './metadata.ts'
import { findManagedKey, type Operation } from './operation.ts'
import { accepted, type Done, refuse, type Refused, together } from './outcome.ts'
import { deleteMaterial } from './related-materials.ts'
import { atomically } from './tables.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html */
const BLOB_BYTES = { bytesMin: 1, bytesMax: 6144 }
const MATERIAL_ID = { lengthMin: 64, lengthMax: 64, pattern: /^[a-f0-9]+$/ }
const DESCRIPTION = { lengthMin: 0, lengthMax: 256, pattern: /^[a-zA-Z0-9:/_\s.-]*$/ }
const IMPORT_TYPES = ['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL'] as const

/** The local cloud imports material of symmetric encryption keys only. */
function notImportable(key: Key): Refused | null {
  return ofOtherOrigin(key, 'EXTERNAL') ?? notSymmetric(key)
}

export const getParametersForImport: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    algorithm: required('WrappingAlgorithm', choice(call.input, 'WrappingAlgorithm', WRAPPING_ALGORITHMS)),
    spec: required('WrappingKeySpec', choice(call.input, 'WrappingKeySpec', WRAPPING_KEY_SPECS)),
  })
  if (!request.ok) return request
  const { name, algorithm, spec } = request.value
  const key = suited(findManagedKey(stores, call, name), notImportable)
  if (!key.ok) return key
  const { keyArn } = key.value
  const { token, publicKey, validToMs } = stores.importTokens.issue(keyArn, { algorithm, spec }, call.timeMs)
  return accepted({
    output: {
      KeyId: keyArn,
      ImportToken: token.toString('base64'),
      PublicKey: publicKey.toString('base64'),
      ParametersValidTo: timestamp(validToMs),
    },
    resourceArns: [keyArn],
  })
}

export const importKeyMaterial: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    name: requiredKeyName(input, 'KeyId'),
    token: required('ImportToken', blob(input, 'ImportToken', BLOB_BYTES)),
    wrapped: required('EncryptedKeyMaterial', blob(input, 'EncryptedKeyMaterial', BLOB_BYTES)),
    expiresMs: expiry(input, call.timeMs),
    type: choice(input, 'ImportType', IMPORT_TYPES),
    description: text(input, 'KeyMaterialDescription', DESCRIPTION),
    materialId: text(input, 'KeyMaterialId', MATERIAL_ID),
  })
  if (!request.ok) return request
  const { name, token, wrapped, ...asked } = request.value
  const key = suited(findManagedKey(stores, call, name), notImportable)
  if (!key.ok) return key
  const { keyArn } = key.value
  const unwrapped = stores.importTokens.unwrap(keyArn, token, wrapped, call.timeMs)
  switch (unwrapped.outcome) {
    case 'foreign token':
      return refuse('InvalidImportTokenException', 'The import token is not valid for this KMS key.', [keyArn])
    case 'expired token':
      return refuse('ExpiredImportTokenException', 'The import token has expired.', [keyArn])
    case 'wrongly wrapped':
      return refuse('InvalidCiphertextException', 'The key material could not be decrypted.', [keyArn])
    case 'unwrapped': {
      const imported = atomically(stores.db, () =>
        importMaterial(stores.keys, key.value, unwrapped.material, { ...asked, timeMs: call.timeMs }),
      )
      return imported.ok ? accepted(importDone(keyArn, imported.value)) : imported
    }
  }
}

function importDone(keyArn: string, materialId: string): Done {
  return {
    output: { KeyId: keyArn, KeyMaterialId: materialId },
    resourceArns: [keyArn],
    responseElements: { keyId: keyArn, keyMaterialId: materialId },
  }
}

export const deleteImportedKeyMaterial: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), materialId: text(call.input, 'KeyMaterialId', MATERIAL_ID) })
  if (!request.ok) return request
  const key = suited(findManagedKey(stores, call, request.value.name), notImportable)
  if (!key.ok) return key
  const { keyArn } = key.value
  const materialId = request.value.materialId ?? key.value.materialId
  const material = materialId === null ? null : stores.keys.materials.find(keyArn, materialId)
  // A key that waits for its first material has none to delete: "no effect". https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
  if (materialId === null) return accepted({ output: { KeyId: keyArn }, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
  if (material === null) return refuse('NotFoundException', `Key material '${materialId}' does not exist`, [keyArn])
  if (material.secret !== null) atomically(stores.db, () => deleteMaterial(stores.keys, key.value, material))
  return accepted(importDone(keyArn, materialId))
}
