import { randomBytes, randomUUID } from 'node:crypto'
import type { ServiceCall } from '../service.ts'
import { flag, integer, text } from './input.ts'
import { arnOfKey, requiredKeyName } from './key-names.ts'
import { DAY_MS, type KeyState } from './keys.ts'
import { keyMetadata, keyMetadataOfTrail, timestamp } from './metadata.ts'
import { findKey, findManagedKey, managedKey, type Operation, pendingDeletion } from './operation.ts'
import { accepted, type Checked, refuse, refuseRequest, together } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'
import { defaultKeyPolicy, keyPolicy } from './policy.ts'
import { tagList, TAGS_MAX } from './tags.ts'
import { atomically } from './tables.ts'
import { dateText } from './trail.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const KEYS_MAX = 100_000
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-Description */
const DESCRIPTION_LENGTH_MAX = 8192
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html */
const LIST_KEYS = { limitMax: 1000, limitDefault: 100 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
const PENDING_WINDOW_DAYS = { min: 7, max: 30 }
const PENDING_WINDOW_DAYS_DEFAULT = 30

/** The only kind of key there is here; null where nothing may be said. */
const KIND: readonly (readonly [member: string, value: string | null])[] = [
  ['KeySpec', 'SYMMETRIC_DEFAULT'],
  ['CustomerMasterKeySpec', 'SYMMETRIC_DEFAULT'],
  ['KeyUsage', 'ENCRYPT_DECRYPT'],
  ['Origin', 'AWS_KMS'],
  ['CustomKeyStoreId', null],
  ['XksKeyId', null],
]
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html: XksKeyId, the longest of them. */
const KIND_LENGTH_MAX = 128

export const createKey: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    kind: onlyKind(call),
    description: text(input, 'Description', { lengthMin: 0, lengthMax: DESCRIPTION_LENGTH_MAX }),
    multiRegion: flag(input, 'MultiRegion'),
    bypass: flag(input, 'BypassPolicyLockoutSafetyCheck'),
    policy: keyPolicy(input),
    tags: tagList(input),
  })
  if (!request.ok) return request
  const { description, multiRegion, policy, tags } = request.value
  if ((tags?.length ?? 0) > TAGS_MAX) return refuse('LimitExceededException', `A KMS key can have ${TAGS_MAX} tags at most.`)
  if (stores.keys.count(call) >= KEYS_MAX) return refuse('LimitExceededException', `The account has ${KEYS_MAX} KMS keys in this Region.`)
  const keyId = multiRegion ? `mrk-${randomBytes(16).toString('hex')}` : randomUUID()
  const keyArn = arnOfKey(keyId, call)
  if (keyArn === null) return refuseRequest('ValidationException', 'The request is for no Region of AWS.')
  const key = atomically(stores.db, () => {
    const made = stores.keys.create(
      { keyArn, keyId, description: description ?? '', multiRegion, policy: policy ?? defaultKeyPolicy(call), createdMs: call.timeMs },
      call,
    )
    stores.tags.put(keyArn, tags ?? [])
    return made
  })
  return accepted({
    output: { KeyMetadata: keyMetadata(key, call) },
    resourceArns: [keyArn],
    responseElements: { keyMetadata: keyMetadataOfTrail(key, call) },
  })
}

function onlyKind({ input }: ServiceCall): Checked<null> {
  const values = KIND.map(([member, only]) => ({ member, only, value: text(input, member, { lengthMax: KIND_LENGTH_MAX }) }))
  for (const { value } of values) if (!value.ok) return value
  for (const { member, only, value } of values) {
    if (value.ok && value.value !== null && value.value !== only) {
      return refuse('UnsupportedOperationException', `The local cloud has no keys with another ${member} than ${only ?? 'none'}.`)
    }
  }
  return accepted(null)
}

export const describeKey: Operation = (stores, call) => {
  const name = requiredKeyName(call.input, 'KeyId')
  if (!name.ok) return name
  const key = findKey(stores, call, name.value)
  if (!key.ok) return key
  return accepted({ output: { KeyMetadata: keyMetadata(key.value, call) }, resourceArns: [key.value.keyArn] })
}

export const listKeys: Operation = (stores, call) => {
  const page = pageRequest(call.input, LIST_KEYS)
  if (!page.ok) return page
  const { limit, after } = page.value
  const output = pageOutput('Keys', stores.keys.page(call, after, limit + 1), limit, {
    nameOf: ({ keyId }) => keyId,
    outputOf: ({ keyId, keyArn }) => ({ KeyId: keyId, KeyArn: keyArn }),
  })
  return accepted({ output, resourceArns: [] })
}

/** EnableKey and DisableKey; a key that is there already stays. */
export function switchTo(state: KeyState): Operation {
  return (stores, call) => {
    const key = managedKey(stores, call, pendingDeletion)
    if (!key.ok) return key
    const { keyArn } = key.value
    stores.keys.setState(keyArn, state, null)
    return accepted({ output: {}, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
  }
}

export const scheduleKeyDeletion: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    windowDays: integer(call.input, 'PendingWindowInDays', PENDING_WINDOW_DAYS),
  })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name, pendingDeletion)
  if (!key.ok) return key
  const { keyArn } = key.value
  const windowDays = request.value.windowDays ?? PENDING_WINDOW_DAYS_DEFAULT
  const deletionMs = call.timeMs + windowDays * DAY_MS
  stores.keys.setState(keyArn, 'PendingDeletion', deletionMs)
  return accepted({
    output: { KeyId: keyArn, DeletionDate: timestamp(deletionMs), KeyState: 'PendingDeletion', PendingWindowInDays: windowDays },
    resourceArns: [keyArn],
    responseElements: {
      keyId: keyArn,
      keyState: 'PendingDeletion',
      deletionDate: dateText(deletionMs),
      pendingWindowInDays: windowDays,
    },
  })
}

export const cancelKeyDeletion: Operation = (stores, call) => {
  const key = managedKey(stores, call)
  if (!key.ok) return key
  const { keyArn, state } = key.value
  if (state !== 'PendingDeletion') return refuse('KMSInvalidStateException', `${keyArn} is not pending deletion.`, [keyArn])
  stores.keys.setState(keyArn, 'Disabled', null)
  return accepted({ output: { KeyId: keyArn }, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
}
