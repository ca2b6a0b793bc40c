import type { JsonObject } from '../../shared/json.ts'
import { choice, integer } from './input.ts'
import { notSymmetric, ofOtherOrigin, replica, suited } from './key-kinds.ts'
import { requiredKeyName } from './key-names.ts'
import { DAY_MS, type Key } from './keys.ts'
import type { Material } from './materials.ts'
import { timestamp } from './metadata.ts'
import { findManagedKey, managedKey, type Operation, type Stores } from './operation.ts'
import { accepted, type Checked, refuse, type Refused, together } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'
import { isPending } from './related-materials.ts'
import { atomically } from './tables.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
const ROTATION_PERIOD_DAYS = { min: 90, max: 2560 }
const ROTATION_PERIOD_DAYS_DEFAULT = 365
/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const ON_DEMAND_ROTATIONS_MAX = 25
/** An automatic rotation so soon stands in the way. https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html */
const AUTOMATIC_SOON_MS = 20 * 60_000
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html */
const LIST_ROTATIONS = { limitMax: 1000, limitDefault: 100 }
const INCLUDED = ['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY'] as const

/** https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html: only symmetric encryption keys rotate, and replicas with their primary. */
function unrotatable(key: Key): Refused | null {
  return notSymmetric(key) ?? replica(key)
}

function unrotatableByDate(key: Key): Refused | null {
  return unrotatable(key) ?? ofOtherOrigin(key, 'AWS_KMS')
}

function setRotation({ db, keys }: Stores, key: Key, rotation: Key['rotation']): void {
  atomically(db, () => {
    for (const each of [key, ...keys.related(key.keyArn)]) keys.setRotation(each.keyArn, rotation)
  })
}

export const enableKeyRotation: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    periodDays: integer(call.input, 'RotationPeriodInDays', ROTATION_PERIOD_DAYS),
  })
  if (!request.ok) return request
  const key = suited(findManagedKey(stores, call, request.value.name), unrotatableByDate)
  if (!key.ok) return key
  const { keyArn } = key.value
  const periodDays = request.value.periodDays ?? ROTATION_PERIOD_DAYS_DEFAULT
  setRotation(stores, key.value, { periodDays, nextMs: call.timeMs + periodDays * DAY_MS })
  return accepted({ output: {}, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
}

export const disableKeyRotation: Operation = (stores, call) => {
  const key = suited(managedKey(stores, call), unrotatableByDate)
  if (!key.ok) return key
  setRotation(stores, key.value, null)
  return accepted({ output: {}, resourceArns: [key.value.keyArn] })
}

/**
 * A key pending deletion does not rotate; what was set returns if its deletion is cancelled. Keys that cannot rotate by date do not.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
 */
export const getKeyRotationStatus: Operation = (stores, call) => {
  const key = managedKey(stores, call)
  if (!key.ok) return key
  const { keyArn, keyId, rotation, state, multiRegion } = key.value
  const status =
    rotation === null || state === 'PendingDeletion' || state === 'PendingReplicaDeletion'
      ? { KeyRotationEnabled: false }
      : { KeyRotationEnabled: true, RotationPeriodInDays: rotation.periodDays, NextRotationDate: timestamp(rotation.nextMs) }
  const startedMs = stores.moments.onDemandStartedMs(multiRegion?.primaryArn ?? keyArn)
  const onDemand = startedMs === null ? {} : { OnDemandRotationStartDate: timestamp(startedMs) }
  return accepted({ output: { KeyId: keyId, ...status, ...onDemand }, resourceArns: [keyArn] })
}

export const rotateKeyOnDemand: Operation = (stores, call) => {
  const key = suited(managedKey(stores, call), unrotatable)
  if (!key.ok) return key
  const { keyArn, keyId } = key.value
  const refused = cannotRotateNow(stores, key.value, call.timeMs)
  if (refused !== null) return refused
  atomically(stores.db, () => {
    stores.moments.startOnDemandRotation(keyArn, call.timeMs)
    for (const each of [key.value, ...stores.keys.related(keyArn)]) stores.keys.countOnDemandRotation(each.keyArn)
  })
  return accepted({ output: { KeyId: keyId }, resourceArns: [keyArn], responseElements: { keyId } })
}

function cannotRotateNow({ keys, moments }: Stores, key: Key, timeMs: number): Refused | null {
  const { keyArn, origin, rotation, onDemandRotations } = key
  const isRotating = moments.onDemandStartedMs(keyArn) !== null
  if (isRotating || (rotation !== null && rotation.nextMs - timeMs <= AUTOMATIC_SOON_MS)) {
    return refuse('ConflictException', `A rotation of ${keyArn} is in progress or scheduled to begin within the next 20 minutes.`, [keyArn])
  }
  if (onDemandRotations >= ON_DEMAND_ROTATIONS_MAX) {
    return refuse('LimitExceededException', `On-demand rotations quota exceeded for ${keyArn}.`, [keyArn])
  }
  if (origin === 'AWS_KMS' || keys.materials.all(keyArn).some(({ state }) => state === 'PENDING_ROTATION')) return null
  return refuse('KMSInvalidStateException', `${keyArn} has no key material in state PENDING_ROTATION.`, [keyArn])
}

/** From the oldest material to the newest. */
export const listKeyRotations: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    included: choice(call.input, 'IncludeKeyMaterial', INCLUDED),
    page: pageRequest(call.input, LIST_ROTATIONS),
  })
  if (!request.ok) return request
  const key = suited(findManagedKey(stores, call, request.value.name), notSymmetric)
  if (!key.ok) return key
  const { keyArn } = key.value
  const { included, page } = request.value
  const all = stores.keys.materials.all(keyArn)
  const listed = included === 'ALL_KEY_MATERIAL' ? all : all.filter(({ rotationType }) => rotationType !== null)
  const rest = after(listed, page.after)
  if (!rest.ok) return rest
  const output = pageOutput('Rotations', rest.value, page.limit, {
    nameOf: ({ materialId }) => materialId,
    outputOf: (material) => rotationOf(key.value, material),
  })
  return accepted({ output, resourceArns: [keyArn] })
}

function after(materials: readonly Material[], materialId: string): Checked<readonly Material[]> {
  if (materialId === '') return accepted(materials)
  const index = materials.findIndex((material) => material.materialId === materialId)
  return index === -1 ? refuse('InvalidMarkerException', 'The marker is not valid.') : accepted(materials.slice(index + 1))
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html */
function rotationOf({ keyId, origin }: Key, material: Material): JsonObject {
  const { materialId, state, rotationType, rotatedMs } = material
  return {
    KeyId: keyId,
    KeyMaterialId: materialId,
    KeyMaterialState: state,
    ...(origin === 'EXTERNAL' && importOf(material)),
    ...(rotatedMs === null || isPending(material) ? {} : { RotationDate: timestamp(rotatedMs), RotationType: rotationType }),
  }
}

function importOf({ secret, expiresMs, description }: Material): JsonObject {
  const described = description === null ? {} : { KeyMaterialDescription: description }
  if (secret === null) return { ...described, ImportState: 'PENDING_IMPORT' }
  const expiry =
    expiresMs === null
      ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
      : { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: timestamp(expiresMs) }
  return { ...described, ImportState: 'IMPORTED', ...expiry }
}
