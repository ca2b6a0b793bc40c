import type { Brand } from './brand.ts'

/** `arn:<partition>:kms:<Region>:<account>:key/<key ID>`, never an alias. */
export type KmsKeyArn = Brand<string, 'KmsKeyArn'>
/** Twelve digits. */
export type AccountId = Brand<string, 'AccountId'>

/** Longer than any key ARN AWS makes (partition, Region, account, `key/mrk-` and 32 digits come to 90). */
const KEY_ARN_LENGTH_MAX = 256
const KEY_ARN = /^arn:[^:\s]+:kms:[^:\s]*:[^:\s]*:key\/[^:\s]+$/
const KEY_ID = /^[\w-]{1,128}$/
const REGION = /^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/
const ACCOUNT_ID = /^\d{12}$/

/** Region prefixes outside the partition `aws`. https://docs.aws.amazon.com/general/latest/gr/rande.html */
const PARTITION_OF_PREFIX: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
]

export function parseKmsKeyArn(value: unknown): KmsKeyArn | null {
  if (typeof value !== 'string' || value.length > KEY_ARN_LENGTH_MAX || !KEY_ARN.test(value)) return null
  return value as KmsKeyArn
}

export function parseAccountId(value: unknown): AccountId | null {
  return typeof value === 'string' && ACCOUNT_ID.test(value) ? (value as AccountId) : null
}

/** The ARN of the key that a bare key ID names in a Region and an account; null if one of the three is no such thing. */
export function kmsKeyArn(parts: { readonly keyId: string; readonly region: string; readonly accountId: string }): KmsKeyArn | null {
  const { keyId, region, accountId } = parts
  if (!KEY_ID.test(keyId) || !REGION.test(region) || !ACCOUNT_ID.test(accountId)) return null
  return parseKmsKeyArn(`arn:${partitionOf(region)}:kms:${region}:${accountId}:key/${keyId}`)
}

/** What stands behind `arn:` for resources of a Region. */
export function partitionOf(region: string): string {
  return PARTITION_OF_PREFIX.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'
}
