import { type KeyEvent } from './key-events.ts'
import { DAY_MS, type Key } from './keys.ts'
import type { Moment } from './moments.ts'
import type { Stores } from './operation.ts'
import { deleteMaterial, hasAllMaterial, judgePendingMaterial, rotateWithReplicas } from './related-materials.ts'
import type { RotationType } from './materials.ts'
import { atomically } from './tables.ts'

/** What is read at a time; the rest is read after it. */
const MOMENTS_MAX = 100

type Tell = (event: KeyEvent) => void

/** Does what time did until now: deletes keys and expired material, rotates, ends what takes a moment. Tells of it in the same transaction. */
export function passTime(stores: Stores, timeMs: number, tell: Tell): void {
  for (;;) {
    const due = stores.moments.due(timeMs, MOMENTS_MAX)
    if (due.length === 0) return
    for (const moment of due) atomically(stores.db, () => pass(stores, moment, timeMs, tell))
  }
}

/** What stands before it among those of one time may have done with it. */
function pass(stores: Stores, moment: Moment, timeMs: number, tell: Tell): void {
  const key = stores.keys.find(moment.keyArn)
  if (key === null) return
  switch (moment.kind) {
    case 'settling':
      return settle(stores, key, tell)
    case 'on-demand rotation':
      stores.moments.endOnDemandRotation(key.keyArn)
      return rotate(stores, key, 'ON_DEMAND', timeMs, tell)
    case 'expiry': {
      const material = stores.keys.materials.find(key.keyArn, moment.materialId)
      if (material === null || material.expiresMs === null) return
      deleteMaterial(stores.keys, key, material)
      return tell({ name: 'DeleteExpiredKeyMaterial', key })
    }
    case 'automatic rotation':
      return rotateOnDate(stores, key, timeMs, tell)
    case 'deletion':
      return remove(stores, key, timeMs, tell)
  }
}

/** A replica is there, or a primary has moved. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
function settle({ keys, moments }: Stores, key: Key, tell: Tell): void {
  moments.setSettling(key.keyArn, null)
  if (key.state !== 'Creating' && key.state !== 'Updating') return
  keys.setState(key.keyArn, hasAllMaterial(keys, key.keyArn) ? 'Enabled' : 'PendingImport')
  const primary = key.state === 'Creating' && key.multiRegion !== null ? keys.find(key.multiRegion.primaryArn) : null
  if (primary !== null) tell({ name: 'SynchronizeMultiRegionKey', key: primary })
}

function rotate({ keys }: Stores, key: Key, rotationType: RotationType, timeMs: number, tell: Tell): void {
  const rotated = rotateWithReplicas(keys, key, rotationType, timeMs)
  if (rotated === null) return
  tell({ name: 'RotateKey', key, rotationType, ...rotated })
  if (keys.related(key.keyArn).length > 0) tell({ name: 'SynchronizeMultiRegionKey', key })
}

/** A key that slept through several dates rotates once: nobody used what would have been between. */
function rotateOnDate(stores: Stores, key: Key, timeMs: number, tell: Tell): void {
  if (key.rotation === null || key.rotation.nextMs > timeMs || key.state !== 'Enabled') return
  const { periodDays, nextMs } = key.rotation
  const periodMs = periodDays * DAY_MS
  rotate(stores, key, 'AUTOMATIC', timeMs, tell)
  const rotation = { periodDays, nextMs: nextMs + periodMs * (1 + Math.floor((timeMs - nextMs) / periodMs)) }
  for (const each of [key, ...stores.keys.related(key.keyArn)]) stores.keys.setRotation(each.keyArn, rotation)
}

/** With its last replica gone, the waiting period of a primary begins. https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
function remove({ keys }: Stores, key: Key, timeMs: number, tell: Tell): void {
  if (key.deletionMs === null || key.deletionMs > timeMs) return
  const [first, ...others] = keys.related(key.keyArn)
  keys.remove(key.keyArn)
  tell({ name: 'DeleteKey', key })
  if (first === undefined) return
  judgePendingMaterial(keys, first.keyArn)
  if (others.length === 0 && first.state === 'PendingReplicaDeletion') {
    keys.setPendingDeletion(first.keyArn, timeMs + (first.pendingWindowDays ?? 0) * DAY_MS)
  }
}
