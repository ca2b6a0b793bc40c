import { flag, integer, required } from './input.ts'
import { requiredKeyName } from './key-names.ts'
import { DAY_MS } from './keys.ts'
import { timestamp } from './metadata.ts'
import { findManagedKey, managedKey, type Operation, pendingDeletion, unusable } from './operation.ts'
import { accepted, refuse, together } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'
import { keyPolicy, POLICY_NAME, policyName } from './policy.ts'
import { tagKeyList, tagList, TAGS_MAX } from './tags.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
const ROTATION_PERIOD_DAYS = { min: 90, max: 2560 }
const ROTATION_PERIOD_DAYS_DEFAULT = 365
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html */
const LIST_TAGS = { limitMax: 50, limitDefault: 50 }

export const enableKeyRotation: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    periodDays: integer(call.input, 'RotationPeriodInDays', ROTATION_PERIOD_DAYS),
  })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name, unusable)
  if (!key.ok) return key
  const { keyArn } = key.value
  const periodDays = request.value.periodDays ?? ROTATION_PERIOD_DAYS_DEFAULT
  stores.keys.setRotation(keyArn, { periodDays, nextMs: call.timeMs + periodDays * DAY_MS })
  return accepted({ output: {}, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
}

export const disableKeyRotation: Operation = (stores, call) => {
  const key = managedKey(stores, call, unusable)
  if (!key.ok) return key
  stores.keys.setRotation(key.value.keyArn, null)
  return accepted({ output: {}, resourceArns: [key.value.keyArn] })
}

/**
 * A key pending deletion does not rotate; what was set returns if its deletion is cancelled.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
 */
export const getKeyRotationStatus: Operation = (stores, call) => {
  const key = managedKey(stores, call)
  if (!key.ok) return key
  const { keyArn, keyId, rotation, state } = key.value
  const status =
    rotation === null || state === 'PendingDeletion'
      ? { KeyRotationEnabled: false }
      : { KeyRotationEnabled: true, RotationPeriodInDays: rotation.periodDays, NextRotationDate: timestamp(rotation.nextMs) }
  return accepted({ output: { KeyId: keyId, ...status }, resourceArns: [keyArn] })
}

export const tagResource: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), tags: required('Tags', tagList(call.input)) })
  if (!request.ok) return request
  const { name, tags } = request.value
  const key = findManagedKey(stores, call, name, pendingDeletion)
  if (!key.ok) return key
  const { keyArn } = key.value
  const tagKeys = new Set([...stores.tags.page(keyArn, '', TAGS_MAX), ...tags].map(({ tagKey }) => tagKey))
  if (tagKeys.size > TAGS_MAX) return refuse('LimitExceededException', `A KMS key can have ${TAGS_MAX} tags at most.`, [keyArn])
  stores.tags.put(keyArn, tags)
  return accepted({ output: {}, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
}

export const untagResource: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), tagKeys: tagKeyList(call.input) })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name, pendingDeletion)
  if (!key.ok) return key
  const { keyArn } = key.value
  stores.tags.remove(keyArn, request.value.tagKeys)
  return accepted({ output: {}, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
}

export const listResourceTags: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), page: pageRequest(call.input, LIST_TAGS) })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name)
  if (!key.ok) return key
  const { keyArn } = key.value
  const { limit, after } = request.value.page
  const output = pageOutput('Tags', stores.tags.page(keyArn, after, limit + 1), limit, {
    nameOf: ({ tagKey }) => tagKey,
    outputOf: ({ tagKey, tagValue }) => ({ TagKey: tagKey, TagValue: tagValue }),
  })
  return accepted({ output, resourceArns: [keyArn] })
}

export const getKeyPolicy: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), policyName: policyName(call.input) })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name)
  if (!key.ok) return key
  return accepted({ output: { Policy: key.value.policy, PolicyName: POLICY_NAME }, resourceArns: [key.value.keyArn] })
}

export const putKeyPolicy: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    policyName: policyName(call.input),
    policy: required('Policy', keyPolicy(call.input)),
    bypass: flag(call.input, 'BypassPolicyLockoutSafetyCheck'),
  })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name)
  if (!key.ok) return key
  stores.keys.setPolicy(key.value.keyArn, request.value.policy)
  return accepted({ output: {}, resourceArns: [key.value.keyArn] })
}
