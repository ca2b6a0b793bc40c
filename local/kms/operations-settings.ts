import { flag, required } from './input.ts'
import { requiredKeyName } from './key-names.ts'
import { findManagedKey, type Operation } from './operation.ts'
import { accepted, refuse, together } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'
import { keyPolicy, POLICY_NAME, policyName } from './policy.ts'
import { tagKeyList, tagList, TAGS_MAX } from './tags.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html */
const LIST_TAGS = { limitMax: 50, limitDefault: 50 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html */
const LIST_POLICIES = { limitMax: 1000, limitDefault: 100 }

export const tagResource: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), tags: required('Tags', tagList(call.input)) })
  if (!request.ok) return request
  const { name, tags } = request.value
  const key = findManagedKey(stores, call, name)
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
  const key = findManagedKey(stores, call, request.value.name)
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

export const listKeyPolicies: Operation = (stores, call) => {
  const request = together({ name: requiredKeyName(call.input, 'KeyId'), page: pageRequest(call.input, LIST_POLICIES) })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name)
  if (!key.ok) return key
  // "Only one policy can be attached to a key": there is no second page.
  return accepted({ output: { PolicyNames: [POLICY_NAME], Truncated: false }, resourceArns: [key.value.keyArn] })
}
