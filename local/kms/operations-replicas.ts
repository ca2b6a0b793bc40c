import type { Elsewhere } from '../service.ts'
import { flag, required, text } from './input.ts'
import { arnOfKey, partitionOf, type Place, requiredKeyName } from './key-names.ts'
import { notPrimary, suited } from './key-kinds.ts'
import { refusedByState } from './key-states.ts'
import type { Key } from './keys.ts'
import { keyMetadata, keyMetadataOfTrail } from './metadata.ts'
import { SETTLING_MS } from './moments.ts'
import { findManagedKey, type Operation, type Stores } from './operation.ts'
import { accepted, type Checked, refuse, refuseRequest, together } from './outcome.ts'
import { defaultKeyPolicy, keyPolicy } from './policy.ts'
import { copyMaterials } from './related-materials.ts'
import { atomically } from './tables.ts'
import { type Tag, tagList, TAGS_MAX } from './tags.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html */
const REGION = { lengthMax: 32, pattern: /^([a-z]+-){2,3}\d+$/ }
const DESCRIPTION = { lengthMin: 0, lengthMax: 8192 }

/** A key of the same ID in another Region, with the primary's material and settings, and with a policy, tags and aliases of its own. */
export const replicateKey: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    name: requiredKeyName(input, 'KeyId'),
    region: required('ReplicaRegion', text(input, 'ReplicaRegion', REGION)),
    policy: keyPolicy(input),
    bypass: flag(input, 'BypassPolicyLockoutSafetyCheck'),
    description: text(input, 'Description', DESCRIPTION),
    tags: tagList(input),
  })
  if (!request.ok) return request
  const { name, region, description } = request.value
  const tags = request.value.tags ?? []
  const primary = suited(findManagedKey(stores, call, name), notPrimary)
  if (!primary.ok) return primary
  const { keyArn, keyId } = primary.value
  if (tags.length > TAGS_MAX) return refuse('LimitExceededException', `A KMS key can have ${TAGS_MAX} tags at most.`, [keyArn])
  const place = { accountId: call.accountId, region }
  const replicaArn = arnOfKey(keyId, place)
  if (replicaArn === null) return refuseRequest('ValidationException', 'ReplicaRegion is no Region of AWS.')
  if (partitionOf(place) !== partitionOf(call)) {
    return refuse('UnsupportedOperationException', `${keyArn} cannot be replicated into another partition.`, [keyArn])
  }
  if (stores.keys.find(replicaArn) !== null) {
    return refuse('AlreadyExistsException', `A related key of ${keyArn} already exists in ${region}.`, [keyArn])
  }
  const policy = request.value.policy ?? defaultKeyPolicy(place)
  const replica = atomically(stores.db, () => {
    const { spec, usage, origin, rotation } = primary.value
    stores.keys.create(
      {
        keyArn: replicaArn,
        keyId,
        description: description ?? '',
        spec,
        usage,
        origin,
        multiRegion: { role: 'REPLICA', primaryArn: keyArn },
        state: 'Creating',
        policy,
        createdMs: call.timeMs,
      },
      place,
    )
    copyMaterials(stores.keys, primary.value, replicaArn)
    stores.keys.setRotation(replicaArn, rotation)
    for (let count = 0; count < primary.value.onDemandRotations; count++) stores.keys.countOnDemandRotation(replicaArn)
    stores.moments.setSettling(replicaArn, call.timeMs + SETTLING_MS)
    stores.tags.put(replicaArn, tags)
    return stores.keys.find(replicaArn)
  })
  if (replica === null) throw new Error('a replica that was made is not there')
  const replicaTags = tags.map(({ tagKey, tagValue }) => ({ TagKey: tagKey, TagValue: tagValue }))
  return accepted({
    output: { ReplicaKeyMetadata: keyMetadata(stores.keys, replica, place), ReplicaPolicy: policy, ReplicaTags: replicaTags },
    resourceArns: [keyArn],
    responseElements: {
      replicaKeyMetadata: keyMetadataOfTrail(stores.keys, replica, place),
      replicaPolicy: policy,
      ...(tags.length > 0 && { replicaTags: tags }),
    },
    elsewhere: creationOf(stores, place, replica, { policy: request.value.policy, tags }),
  })
}

/** "A CreateKey operation in the replica key's Region", recorded as any other. https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html */
function creationOf(
  { keys }: Stores,
  place: Place,
  replica: Key,
  given: { readonly policy: string | null; readonly tags: readonly Tag[] },
): Elsewhere {
  const { keyArn, region, description, origin, usage, spec } = replica
  const { policy, tags } = given
  const kind = { origin, keyUsage: usage, keySpec: spec, customerMasterKeySpec: spec, multiRegion: true }
  return {
    operation: 'CreateKey',
    region,
    requestParameters: { description, ...kind, ...(policy !== null && { policy }), ...(tags.length > 0 && { tags }) },
    responseElements: { keyMetadata: keyMetadataOfTrail(keys, replica, place) },
    resources: [{ accountId: place.accountId, type: 'AWS::KMS::Key', ARN: keyArn }],
  }
}

/** The primary and one of its replicas change places. https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html */
export const updatePrimaryRegion: Operation = (stores, call) => {
  const request = together({
    name: requiredKeyName(call.input, 'KeyId'),
    region: required('PrimaryRegion', text(call.input, 'PrimaryRegion', REGION)),
  })
  if (!request.ok) return request
  const primary = suited(findManagedKey(stores, call, request.value.name), notPrimary)
  if (!primary.ok) return primary
  const { keyArn } = primary.value
  const replica = replicaIn(stores, primary.value, request.value.region)
  if (!replica.ok) return replica
  atomically(stores.db, () => {
    const all = [primary.value, ...stores.keys.related(keyArn)]
    for (const each of all) stores.keys.setPrimary(each.keyArn, replica.value.keyArn)
    for (const each of [primary.value, replica.value]) {
      stores.keys.setState(each.keyArn, 'Updating')
      stores.moments.setSettling(each.keyArn, call.timeMs + SETTLING_MS)
    }
  })
  const { keyArn: replicaArn, region } = replica.value
  return accepted({
    output: {},
    resourceArns: [keyArn],
    responseElements: { keyId: keyArn },
    // https://docs.aws.amazon.com/kms/latest/developerguide/ct-update-primary-region.html: both Regions have a record.
    elsewhere: {
      operation: 'UpdatePrimaryRegion',
      region,
      requestParameters: { keyId: replicaArn, primaryRegion: region },
      responseElements: { keyId: replicaArn },
      resources: [{ accountId: call.accountId, type: 'AWS::KMS::Key', ARN: replicaArn }],
    },
  })
}

function replicaIn(stores: Stores, primary: Key, region: string): Checked<Key> {
  const replica = stores.keys.related(primary.keyArn).find((related) => related.region === region)
  if (replica === undefined) return refuse('NotFoundException', `There is no replica of ${primary.keyArn} in ${region}.`, [primary.keyArn])
  return refusedByState(replica, 'UpdatePrimaryRegion') ?? accepted(replica)
}
