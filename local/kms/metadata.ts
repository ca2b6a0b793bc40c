import type { JsonObject } from '../../shared/json.ts'
import type { Key } from './keys.ts'
import type { Place } from './key-names.ts'
import { dateText, trailValue } from './trail.ts'

/** Epoch seconds, as JSON 1.1 writes a timestamp. */
export function timestamp(timeMs: number): number {
  return timeMs / 1000
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html */
export function keyMetadata(key: Key, place: Place): JsonObject {
  const { keyArn, keyId, deletionMs } = key
  return {
    AWSAccountId: place.accountId,
    KeyId: keyId,
    Arn: keyArn,
    CreationDate: timestamp(key.createdMs),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: key.state,
    ...(deletionMs === null ? {} : { DeletionDate: timestamp(deletionMs) }),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: key.multiRegion,
    ...(key.multiRegion ? { MultiRegionConfiguration: primaryAlone(keyArn, place) } : {}),
    CurrentKeyMaterialId: key.materialId,
  }
}

function primaryAlone(keyArn: string, place: Place): JsonObject {
  return { MultiRegionKeyType: 'PRIMARY', PrimaryKey: { Arn: keyArn, Region: place.region }, ReplicaKeys: [] }
}

/** The same in responseElements of CreateKey. https://docs.aws.amazon.com/kms/latest/developerguide/ct-createkey.html */
export function keyMetadataOfTrail(key: Key, place: Place): JsonObject {
  return trailValue({ ...keyMetadata(key, place), CreationDate: dateText(key.createdMs) }) as JsonObject
}
