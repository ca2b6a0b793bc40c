import type { Key, Keys } from './keys.ts'
import type { Material, RotationType } from './materials.ts'

/** Imported for a rotation that has not come yet: not bound to the key for good. */
export function isPending({ state }: Pick<Material, 'state'>): boolean {
  return state === 'PENDING_ROTATION' || state === 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'
}

/** Every material that belongs to the key for good is there. */
export function hasAllMaterial(keys: Keys, keyArn: string): boolean {
  const bound = keys.materials.all(keyArn).filter((material) => !isPending(material))
  return bound.length > 0 && bound.every(({ secret }) => secret !== null)
}

/** Material that waits for a rotation can be rotated to as soon as the primary and all its replicas have it. */
export function judgePendingMaterial(keys: Keys, keyArn: string): void {
  const keyArns = [keyArn, ...keys.related(keyArn).map((related) => related.keyArn)]
  const pending = keyArns.flatMap((each) => keys.materials.all(each).filter(isPending))
  const isEverywhere = pending.length === keyArns.length && pending.every(({ secret }) => secret !== null)
  const state = isEverywhere ? 'PENDING_ROTATION' : 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'
  for (const each of keyArns) for (const { materialId } of pending) keys.materials.setState(each, materialId, state)
}

export type Rotated = { readonly previousMaterialId: string | null; readonly currentMaterialId: string }

/**
 * Gives a key and its replicas the next material: a new one, or the imported one that waits. Null if none waits.
 * https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html#multi-region-rotate
 */
export function rotateWithReplicas(keys: Keys, key: Key, type: RotationType, timeMs: number): Rotated | null {
  const { keyArn, origin, materialId: previousMaterialId } = key
  const replicas = keys.related(keyArn)
  if (origin === 'EXTERNAL') {
    const next = keys.materials.all(keyArn).find(({ state, secret }) => state === 'PENDING_ROTATION' && secret !== null)
    if (next === undefined) return null
    for (const each of [key, ...replicas]) makeImportedCurrent(keys, each.keyArn, next.materialId, type, timeMs)
    return { previousMaterialId, currentMaterialId: next.materialId }
  }
  keys.rotate(key, type, timeMs)
  const currentMaterialId = keys.find(keyArn)?.materialId ?? null
  const made = currentMaterialId === null ? null : keys.materials.find(keyArn, currentMaterialId)
  if (currentMaterialId === null || made === null) return null
  for (const replica of replicas) {
    keys.materials.put(replica.keyArn, { ...made, state: 'NON_CURRENT' })
    keys.setMaterial(replica.keyArn, currentMaterialId)
  }
  return { previousMaterialId, currentMaterialId }
}

function makeImportedCurrent(keys: Keys, keyArn: string, materialId: string, rotationType: RotationType, rotatedMs: number): void {
  const material = keys.materials.find(keyArn, materialId)
  if (material === null) return
  keys.materials.put(keyArn, { ...material, rotationType, rotatedMs })
  keys.setMaterial(keyArn, materialId)
}

/** What a new replica gets: the same material, or the same list of materials that are still to be imported. */
export function copyMaterials(keys: Keys, primary: Key, replicaArn: string): void {
  for (const material of keys.materials.all(primary.keyArn)) {
    const imported = { secret: null, expiresMs: null, description: null }
    keys.materials.put(replicaArn, primary.origin === 'EXTERNAL' ? { ...material, ...imported } : material)
  }
  if (primary.materialId !== null) keys.setMaterial(replicaArn, primary.materialId)
  judgePendingMaterial(keys, primary.keyArn)
}

/**
 * Deletes imported material. What waits for a rotation leaves the key, and with a primary's its replicas; what belongs to the key for
 * good leaves its name behind, and the key cannot be used until it is imported again.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html
 */
export function deleteMaterial(keys: Keys, key: Key, material: Material): void {
  const { keyArn, state, multiRegion } = key
  const isReplica = multiRegion?.role === 'REPLICA'
  const missing = { ...material, secret: null, expiresMs: null }
  if (isPending(material) && !isReplica) {
    for (const each of [key, ...keys.related(keyArn)]) keys.materials.remove(each.keyArn, material.materialId)
    return
  }
  keys.materials.put(keyArn, missing)
  if (isPending(material)) judgePendingMaterial(keys, keyArn)
  else if (state !== 'PendingDeletion' && state !== 'PendingReplicaDeletion') keys.setState(keyArn, 'PendingImport')
}
