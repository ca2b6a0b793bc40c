import { type AccountId, kmsKeyArn } from '../../shared/arn.ts'
import type { JsonObject } from '../../shared/json.ts'
import { required, text } from './input.ts'
import { accepted, type Checked, refuse } from './outcome.ts'

/** An account's keys of one Region. */
export type Place = { readonly accountId: AccountId; readonly region: string }

/** What a caller's text names. */
export type KeyName = { readonly kind: 'key'; readonly keyArn: string } | { readonly kind: 'alias'; readonly aliasName: string }

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html#KMS-DescribeKey-request-KeyId */
const KEY_ID_LENGTH_MAX = 2048
/** A UUID, or `mrk-` and 32 digits. https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id */
const KEY_ID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/
/** What the IDs of multi-Region keys begin with. https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html */
export const MULTI_REGION_PREFIX = 'mrk-'
const ARN = /^arn:([^:]+):kms:([^:]*):([^:]*):(key|alias)\/(.+)$/

/** A key ID, key ARN, alias name or alias ARN as it was sent; null if none was. */
export function keyNameText(input: JsonObject, name: string): Checked<string | null> {
  return text(input, name, { lengthMax: KEY_ID_LENGTH_MAX })
}

export function requiredKeyName(input: JsonObject, name: string): Checked<string> {
  return required(name, keyNameText(input, name))
}

/**
 * Codes and messages as AWS answers them, recorded in
 * https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json (test_get_key_…).
 */
export function parseKeyName(name: string, place: Place): Checked<KeyName> {
  if (!name.startsWith('arn:')) {
    if (name.startsWith('alias/')) return accepted({ kind: 'alias', aliasName: name })
    return keyById(name, place)
  }
  const [, partition, region, accountId, kind, id = ''] = ARN.exec(name) ?? []
  if (region === undefined || region !== place.region) return refuse('NotFoundException', `Invalid arn ${region ?? name}`)
  if (accountId !== place.accountId || partition !== partitionOf(place)) return refuse('NotFoundException', `Invalid arn ${name}`)
  return kind === 'alias' ? accepted({ kind: 'alias', aliasName: `alias/${id}` }) : keyById(id, place)
}

function keyById(keyId: string, place: Place): Checked<KeyName> {
  const keyArn = KEY_ID.test(keyId) ? arnOfKey(keyId, place) : null
  return keyArn === null ? refuse('NotFoundException', `Invalid keyId '${keyId}'`) : accepted({ kind: 'key', keyArn })
}

/** Null where the place is no Region of AWS. */
export function arnOfKey(keyId: string, place: Place): string | null {
  return kmsKeyArn({ keyId, region: place.region, accountId: place.accountId })
}

/** That of the related key in this place: keys of one multi-Region key ID share their material. Any other key's ARN stays. */
export function relatedArn(keyArn: string, place: Place): string {
  const [, , , , accountId, resource = ''] = keyArn.split(':')
  const keyId = resource.slice(resource.indexOf('/') + 1)
  return keyId.startsWith(MULTI_REGION_PREFIX) && accountId === place.accountId ? (arnOfKey(keyId, place) ?? keyArn) : keyArn
}

export function arnOfAlias(aliasName: string, place: Place): string {
  return `arn:${partitionOf(place)}:kms:${place.region}:${place.accountId}:${aliasName}`
}

/** `aws`, or that of the Regions of China, the governments and so on. */
export function partitionOf(place: Place): string {
  return arnOfKey('any', place)?.split(':')[1] ?? 'aws'
}
