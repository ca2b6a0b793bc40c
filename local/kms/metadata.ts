import type { JsonObject } from '../../shared/json.ts'
import { algorithmsOf, SYMMETRIC } from './key-specs.ts'
import type { Key, Keys } from './keys.ts'
import type { Place } from './key-names.ts'
import { dateText, trailValue } from './trail.ts'

/** Epoch seconds, as JSON 1.1 writes a timestamp. */
export function timestamp(timeMs: number): number {
  return timeMs / 1000
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html */
export function keyMetadata(keys: Keys, key: Key, { accountId }: Pick<Place, 'accountId'>): JsonObject {
  const { keyArn, keyId, spec, usage, origin, multiRegion, deletionMs, pendingWindowDays, materialId } = key
  return {
    AWSAccountId: accountId,
    KeyId: keyId,
    Arn: keyArn,
    CreationDate: timestamp(key.createdMs),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: usage,
    KeyState: key.state,
    ...(deletionMs === null ? {} : { DeletionDate: timestamp(deletionMs) }),
    ...(pendingWindowDays === null ? {} : { PendingDeletionWindowInDays: pendingWindowDays }),
    Origin: origin,
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    ...metadataAlgorithms(key),
    MultiRegion: multiRegion !== null,
    ...(multiRegion === null ? {} : { MultiRegionConfiguration: multiRegionConfiguration(keys, key) }),
    ...(origin === 'EXTERNAL' && materialId !== null ? expiration(keys, keyArn) : {}),
    // "Present for symmetric encryption keys with AWS_KMS origin"; an EXTERNAL one has it with its material.
    ...(spec === SYMMETRIC && materialId !== null ? { CurrentKeyMaterialId: materialId } : {}),
  }
}

/** Only the list that fits the key's usage is there. */
export function metadataAlgorithms(key: Pick<Key, 'spec' | 'usage'>): JsonObject {
  const { encryption, signing, mac, agreement } = algorithmsOf(key)
  const lists = { EncryptionAlgorithms: encryption, SigningAlgorithms: signing, MacAlgorithms: mac, KeyAgreementAlgorithms: agreement }
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
}

function multiRegionConfiguration(keys: Keys, key: Key): JsonObject {
  const all = [key, ...keys.related(key.keyArn)]
  const described = all.map(({ keyArn, region, multiRegion }) => ({ role: multiRegion?.role, listed: { Arn: keyArn, Region: region } }))
  return {
    MultiRegionKeyType: key.multiRegion?.role,
    PrimaryKey: described.find(({ role }) => role === 'PRIMARY')?.listed,
    ReplicaKeys: described.filter(({ role }) => role === 'REPLICA').map(({ listed }) => listed),
  }
}

/** "The earliest expiration" counts where a key has several materials. */
function expiration(keys: Keys, keyArn: string): JsonObject {
  const expiries = keys.materials.all(keyArn).flatMap(({ secret, expiresMs }) => (secret === null || expiresMs === null ? [] : [expiresMs]))
  if (expiries.length === 0) return { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
  return { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: timestamp(Math.min(...expiries)) }
}

/** The same in responseElements of CreateKey. https://docs.aws.amazon.com/kms/latest/developerguide/ct-createkey.html */
export function keyMetadataOfTrail(keys: Keys, key: Key, place: Pick<Place, 'accountId'>): JsonObject {
  return trailValue({ ...keyMetadata(keys, key, place), CreationDate: dateText(key.createdMs) }) as JsonObject
}
