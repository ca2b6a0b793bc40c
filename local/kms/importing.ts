import { createHash } from 'node:crypto'
import { type JsonObject, memberOf } from '../../shared/json.ts'
import { choice, wrongType } from './input.ts'
import { DAY_MS, type Key, type Keys } from './keys.ts'
import type { Material, MaterialState } from './materials.ts'
import { accepted, type Checked, refuse, type Refused, refuseRequest } from './outcome.ts'
import { hasAllMaterial, isPending, judgePendingMaterial } from './related-materials.ts'

export type ImportRequest = {
  /** Null: what fits the key. */
  readonly type: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL' | null
  readonly materialId: string | null
  /** Null: never. */
  readonly expiresMs: number | null
  readonly description: string | null
  readonly timeMs: number
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html#KMS-ImportKeyMaterial-request-ValidTo */
const VALID_DAYS_MAX = 365
const EXPIRATION_MODELS = ['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE'] as const
const MATERIAL_BYTES = 32

/** `ValidTo` under the `ExpirationModel`: milliseconds, or null for never. */
export function expiry(input: JsonObject, nowMs: number): Checked<number | null> {
  const model = choice(input, 'ExpirationModel', EXPIRATION_MODELS)
  if (!model.ok) return model
  const validTo = memberOf(input, 'ValidTo') ?? null
  if (model.value === 'KEY_MATERIAL_DOES_NOT_EXPIRE') {
    return validTo === null
      ? accepted(null)
      : refuseRequest('ValidationException', 'ValidTo must be omitted with KEY_MATERIAL_DOES_NOT_EXPIRE.')
  }
  if (validTo === null) return refuseRequest('ValidationException', 'ValidTo is required with KEY_MATERIAL_EXPIRES.')
  if (typeof validTo !== 'number') return wrongType('ValidTo')
  const expiresMs = Math.round(validTo * 1000)
  const isInRange = expiresMs > nowMs && expiresMs <= nowMs + VALID_DAYS_MAX * DAY_MS
  return isInRange ? accepted(expiresMs) : refuseRequest('ValidationException', `ValidTo must be within the next ${VALID_DAYS_MAX} days.`)
}

/**
 * Gives a key imported material, and answers its ID. The first becomes the current one; a later one waits for a rotation, and in the
 * replicas of a key for being imported there too.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
 */
export function importMaterial(keys: Keys, key: Key, secret: Uint8Array, request: ImportRequest): Checked<string> {
  const { keyArn } = key
  if (secret.length !== MATERIAL_BYTES) return incorrect(key, `The key material must have ${MATERIAL_BYTES} bytes.`)
  const materialId = idOf(key, secret)
  const materials = keys.materials.all(keyArn)
  const known = materials.find((material) => material.materialId === materialId) ?? null
  const type = request.type ?? (materials.length === 0 ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL')
  const refused = type === 'NEW_KEY_MATERIAL' ? cannotBeNew(key, materials, known, request) : cannotExist(key, known, materialId, request)
  if (refused !== null) return refused
  const { expiresMs, timeMs } = request
  const description = request.description ?? known?.description ?? null
  const state = known?.state ?? newState(materials)
  const made = { materialId, secret, state, createdMs: timeMs, rotationType: null, rotatedMs: null }
  keys.materials.put(keyArn, { ...(known ?? made), secret, expiresMs, description })
  if (state === 'CURRENT') keys.setMaterial(keyArn, materialId)
  // The replicas learn which material they are to have.
  if (known === null)
    for (const replica of keys.related(keyArn)) expect(keys, replica, { ...made, secret: null, expiresMs: null, description: null })
  judgePendingMaterial(keys, keyArn)
  if (key.state === 'PendingImport' && hasAllMaterial(keys, keyArn)) keys.setState(keyArn, 'Enabled')
  return accepted(materialId)
}

function expect(keys: Keys, replica: Key, material: Material): void {
  keys.materials.put(replica.keyArn, material)
  if (material.state === 'CURRENT') keys.setMaterial(replica.keyArn, material.materialId)
}

/** The same for the same material in related keys, which have one key ID. */
function idOf({ keyId }: Key, secret: Uint8Array): string {
  return createHash('sha256').update(keyId).update(secret).digest('hex')
}

function newState(materials: readonly Material[]): MaterialState {
  return materials.length === 0 ? 'CURRENT' : 'PENDING_ROTATION'
}

function cannotBeNew(key: Key, materials: readonly Material[], known: Material | null, { materialId }: ImportRequest): Refused | null {
  const { keyArn, multiRegion } = key
  if (materialId !== null) return refuseRequest('ValidationException', 'KeyMaterialId cannot be specified with NEW_KEY_MATERIAL.')
  if (known !== null) return incorrect(key, 'The key material is already associated with the KMS key.')
  if (multiRegion?.role === 'REPLICA') {
    return refuse('UnsupportedOperationException', `New key material of ${keyArn} is to be imported into its primary key first.`, [keyArn])
  }
  return materials.some(isPending)
    ? refuse('KMSInvalidStateException', `${keyArn} has key material that is pending rotation.`, [keyArn])
    : null
}

function cannotExist(key: Key, known: Material | null, computedId: string, { materialId }: ImportRequest): Refused | null {
  if (known !== null && (materialId === null || materialId === computedId)) return null
  return incorrect(key, 'The key material is not the one that was imported before.')
}

function incorrect({ keyArn }: Key, message: string): Refused {
  return refuse('IncorrectKeyMaterialException', message, [keyArn])
}
