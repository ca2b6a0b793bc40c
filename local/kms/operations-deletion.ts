import { integer } from './input.ts'
import { requiredKeyName } from './key-names.ts'
import { DAY_MS } from './keys.ts'
import { timestamp } from './metadata.ts'
import { findManagedKey, managedKey, type Operation } from './operation.ts'
import { accepted, together } from './outcome.ts'
import { hasAllMaterial } from './related-materials.ts'
import { dateText } from './trail.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
const PENDING_WINDOW_DAYS = { min: 7, max: 30 }
const PENDING_WINDOW_DAYS_DEFAULT = 30

/** The waiting period of a primary begins when its last replica is deleted: until then it has no date. */
export const scheduleKeyDeletion: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    windowDays: integer(call.input, 'PendingWindowInDays', PENDING_WINDOW_DAYS),
  })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name)
  if (!key.ok) return key
  const { keyArn, multiRegion } = key.value
  const windowDays = request.value.windowDays ?? PENDING_WINDOW_DAYS_DEFAULT
  const waits = { PendingWindowInDays: windowDays }
  const waitsInTrail = { pendingWindowInDays: windowDays }
  if (multiRegion?.role === 'PRIMARY' && stores.keys.related(keyArn).length > 0) {
    stores.keys.setPendingReplicaDeletion(keyArn, windowDays)
    return accepted({
      output: { KeyId: keyArn, KeyState: 'PendingReplicaDeletion', ...waits },
      resourceArns: [keyArn],
      responseElements: { keyId: keyArn, keyState: 'PendingReplicaDeletion', ...waitsInTrail },
    })
  }
  const deletionMs = call.timeMs + windowDays * DAY_MS
  stores.keys.setPendingDeletion(keyArn, deletionMs)
  return accepted({
    output: { KeyId: keyArn, DeletionDate: timestamp(deletionMs), KeyState: 'PendingDeletion', ...waits },
    resourceArns: [keyArn],
    responseElements: { keyId: keyArn, keyState: 'PendingDeletion', deletionDate: dateText(deletionMs), ...waitsInTrail },
  })
}

/** A key whose imported material is not all there goes back to waiting for it. */
export const cancelKeyDeletion: Operation = (stores, call) => {
  const key = managedKey(stores, call)
  if (!key.ok) return key
  const { keyArn } = key.value
  stores.keys.setState(keyArn, hasAllMaterial(stores.keys, keyArn) ? 'Disabled' : 'PendingImport')
  return accepted({ output: { KeyId: keyArn }, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
}
