import { randomBytes, randomUUID } from 'node:crypto'
import { flag, required, text } from './input.ts'
import { arnOfKey, MULTI_REGION_PREFIX, requiredKeyName } from './key-names.ts'
import { keyMetadata, keyMetadataOfTrail } from './metadata.ts'
import { newKeyKind } from './new-key-kind.ts'
import { findKey, findManagedKey, managedKey, type Operation } from './operation.ts'
import { accepted, refuse, refuseRequest, together } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'
import { defaultKeyPolicy, keyPolicy } from './policy.ts'
import { tagList, TAGS_MAX } from './tags.ts'
import { atomically } from './tables.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const KEYS_MAX = 100_000
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-Description */
const DESCRIPTION_LENGTH = { lengthMin: 0, lengthMax: 8192 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html */
const LIST_KEYS = { limitMax: 1000, limitDefault: 100 }

export const createKey: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    kind: newKeyKind(input),
    description: text(input, 'Description', DESCRIPTION_LENGTH),
    multiRegion: flag(input, 'MultiRegion'),
    bypass: flag(input, 'BypassPolicyLockoutSafetyCheck'),
    policy: keyPolicy(input),
    tags: tagList(input),
  })
  if (!request.ok) return request
  const { kind, description, multiRegion, policy, tags } = request.value
  if ((tags?.length ?? 0) > TAGS_MAX) return refuse('LimitExceededException', `A KMS key can have ${TAGS_MAX} tags at most.`)
  if (stores.keys.count(call) >= KEYS_MAX) return refuse('LimitExceededException', `The account has ${KEYS_MAX} KMS keys in this Region.`)
  const keyId = multiRegion ? `${MULTI_REGION_PREFIX}${randomBytes(16).toString('hex')}` : randomUUID()
  const keyArn = arnOfKey(keyId, call)
  if (keyArn === null) return refuseRequest('ValidationException', 'The request is for no Region of AWS.')
  const key = atomically(stores.db, () => {
    const made = stores.keys.create(
      {
        keyArn,
        keyId,
        description: description ?? '',
        ...kind,
        multiRegion: multiRegion ? { role: 'PRIMARY', primaryArn: keyArn } : null,
        state: kind.origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
        policy: policy ?? defaultKeyPolicy(call),
        createdMs: call.timeMs,
      },
      call,
    )
    stores.tags.put(keyArn, tags ?? [])
    return made
  })
  return accepted({
    output: { KeyMetadata: keyMetadata(stores.keys, key, call) },
    resourceArns: [keyArn],
    responseElements: { keyMetadata: keyMetadataOfTrail(stores.keys, key, call) },
  })
}

export const describeKey: Operation = (stores, call) => {
  const name = requiredKeyName(call.input, 'KeyId')
  if (!name.ok) return name
  const key = findKey(stores, call, name.value)
  if (!key.ok) return key
  return accepted({ output: { KeyMetadata: keyMetadata(stores.keys, key.value, call) }, resourceArns: [key.value.keyArn] })
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

/**
 * EnableKey and DisableKey; a key that is there already stays. So does an unavailable one: "the operation succeeds, but the key state
 * does not change until it becomes available". https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html, note [12]
 */
export function switchTo(state: 'Enabled' | 'Disabled'): Operation {
  return (stores, call) => {
    const key = managedKey(stores, call)
    if (!key.ok) return key
    const { keyArn } = key.value
    if (key.value.state !== 'Unavailable') stores.keys.setState(keyArn, state)
    return accepted({ output: {}, resourceArns: [keyArn], responseElements: { keyId: keyArn } })
  }
}

export const updateKeyDescription: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    description: required('Description', text(call.input, 'Description', DESCRIPTION_LENGTH)),
  })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.name)
  if (!key.ok) return key
  const { keyArn } = key.value
  stores.keys.setDescription(keyArn, request.value.description)
  return accepted({ output: {}, resourceArns: [keyArn] })
}
