import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { contextOfCall } from '../iam/call-context.ts'
import type { ServiceCall } from '../service.ts'
import { type EncryptionContext, encryptionContext } from './encryption-context.ts'
import { parseKeyName } from './key-names.ts'
import type { Key } from './keys.ts'
import type { Stores } from './operation.ts'
import { TAGS_MAX } from './tags.ts'

/** Condition keys of a request, and what they are told of. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html */
export type Conditions = Record<string, string | readonly string[]>

/** Members of a request that are condition keys of the same kind, and what stands for them if they were not sent. */
const MEMBERS: Readonly<Record<string, readonly (readonly [key: string, member: string, usual?: string])[]>> = {
  CreateKey: [
    ['kms:KeySpec', 'KeySpec', 'SYMMETRIC_DEFAULT'],
    ['kms:KeyUsage', 'KeyUsage', 'ENCRYPT_DECRYPT'],
    ['kms:KeyOrigin', 'Origin', 'AWS_KMS'],
    ['kms:MultiRegion', 'MultiRegion', 'false'],
    ['kms:BypassPolicyLockoutSafetyCheck', 'BypassPolicyLockoutSafetyCheck', 'false'],
  ],
  CreateGrant: [
    ['kms:GranteePrincipal', 'GranteePrincipal'],
    ['kms:RetiringPrincipal', 'RetiringPrincipal'],
  ],
  Decrypt: [['kms:EncryptionAlgorithm', 'EncryptionAlgorithm', 'SYMMETRIC_DEFAULT']],
  DeriveSharedSecret: [['kms:KeyAgreementAlgorithm', 'KeyAgreementAlgorithm']],
  EnableKeyRotation: [['kms:RotationPeriodInDays', 'RotationPeriodInDays', '365']],
  Encrypt: [['kms:EncryptionAlgorithm', 'EncryptionAlgorithm', 'SYMMETRIC_DEFAULT']],
  GenerateDataKey: [],
  GenerateDataKeyPair: [['kms:DataKeyPairSpec', 'KeyPairSpec']],
  GenerateDataKeyPairWithoutPlaintext: [['kms:DataKeyPairSpec', 'KeyPairSpec']],
  GenerateMac: [['kms:MacAlgorithm', 'MacAlgorithm']],
  GetParametersForImport: [
    ['kms:WrappingAlgorithm', 'WrappingAlgorithm'],
    ['kms:WrappingKeySpec', 'WrappingKeySpec'],
  ],
  ImportKeyMaterial: [['kms:ExpirationModel', 'ExpirationModel', 'KEY_MATERIAL_EXPIRES']],
  PutKeyPolicy: [['kms:BypassPolicyLockoutSafetyCheck', 'BypassPolicyLockoutSafetyCheck', 'false']],
  ReEncryptFrom: [['kms:EncryptionAlgorithm', 'SourceEncryptionAlgorithm', 'SYMMETRIC_DEFAULT']],
  ReEncryptTo: [['kms:EncryptionAlgorithm', 'DestinationEncryptionAlgorithm', 'SYMMETRIC_DEFAULT']],
  ReplicateKey: [['kms:ReplicaRegion', 'ReplicaRegion']],
  ScheduleKeyDeletion: [['kms:ScheduleKeyDeletionPendingWindowInDays', 'PendingWindowInDays', '30']],
  Sign: [
    ['kms:SigningAlgorithm', 'SigningAlgorithm'],
    ['kms:MessageType', 'MessageType', 'RAW'],
  ],
  UpdatePrimaryRegion: [['kms:PrimaryRegion', 'PrimaryRegion']],
  Verify: [
    ['kms:SigningAlgorithm', 'SigningAlgorithm'],
    ['kms:MessageType', 'MessageType', 'RAW'],
  ],
  VerifyMac: [['kms:MacAlgorithm', 'MacAlgorithm']],
}
/** Where the encryption context of an action stands in its request. */
const CONTEXTS: Readonly<Record<string, string>> = {
  Decrypt: 'EncryptionContext',
  Encrypt: 'EncryptionContext',
  GenerateDataKey: 'EncryptionContext',
  GenerateDataKeyPair: 'EncryptionContext',
  GenerateDataKeyPairWithoutPlaintext: 'EncryptionContext',
  GenerateDataKeyWithoutPlaintext: 'EncryptionContext',
  ReEncryptFrom: 'SourceEncryptionContext',
  ReEncryptTo: 'DestinationEncryptionContext',
}
/** Actions on a key that may be named by an alias. */
const TAKES_ALIAS = /^(?:Decrypt|DeriveSharedSecret|DescribeKey|Encrypt|Generate|GetPublicKey|ReEncrypt|Sign$|Verify)/
const GRANTING = ['CreateGrant', 'ListGrants', 'RevokeGrant']
/** A key has fewer. */
const ALIASES_MAX = 100

/** The encryption context that an action is asked for; none where the request has none that can be read. */
export function contextOfAction(action: string, input: JsonObject): EncryptionContext {
  const member = Object.hasOwn(CONTEXTS, action) ? CONTEXTS[action] : undefined
  const context = member === undefined ? null : encryptionContext(input, member)
  return context?.ok === true ? context.value : []
}

/** All that policies are told of an action on a key, on an alias or on nothing. */
export function conditionsOf(
  stores: Stores,
  call: ServiceCall,
  { action, key, keyName }: { readonly action: string; readonly key: Key | null; readonly keyName: string | null },
): Conditions {
  const { input, principal, region, via } = call
  return {
    ...contextOfCall(call),
    'kms:CallerAccount': principal.accountId,
    ...(via === null ? {} : { 'kms:ViaService': `${via.split('.')[0] ?? ''}.${region}.amazonaws.com` }),
    ...(key === null ? {} : conditionsOfKey(stores, call, key)),
    ...(key !== null && keyName !== null && TAKES_ALIAS.test(action) ? requestAlias(keyName, call) : {}),
    ...conditionsOfMembers(action, input),
    ...conditionsOfContext(contextOfAction(action, input)),
    ...(action === 'CreateGrant' ? conditionsOfGrant(input) : {}),
    ...(GRANTING.includes(action) ? { 'kms:GrantIsForAWSResource': String(via !== null) } : {}),
    ...conditionsOfTags(action, input),
  }
}

function conditionsOfKey(stores: Stores, call: ServiceCall, key: Key): Conditions {
  const aliases = stores.aliases.page(call, key.keyArn, '', ALIASES_MAX).map(({ aliasName }) => aliasName)
  const tags = stores.tags.page(key.keyArn, '', TAGS_MAX).map(({ tagKey, tagValue }) => [`aws:ResourceTag/${tagKey}`, tagValue])
  return {
    'kms:KeySpec': key.spec,
    'kms:KeyUsage': key.usage,
    'kms:KeyOrigin': key.origin,
    'kms:MultiRegion': String(key.multiRegion !== null),
    ...(key.multiRegion === null ? {} : { 'kms:MultiRegionKeyType': key.multiRegion.role }),
    ...(aliases.length === 0 ? {} : { 'kms:ResourceAliases': aliases }),
    ...(Object.fromEntries(tags) as Record<string, string>),
  }
}

function requestAlias(keyName: string, call: ServiceCall): Conditions {
  const parsed = parseKeyName(keyName, call)
  return parsed.ok && parsed.value.kind === 'alias' ? { 'kms:RequestAlias': parsed.value.aliasName } : {}
}

function conditionsOfMembers(action: string, input: JsonObject): Conditions {
  const members = Object.hasOwn(MEMBERS, action) ? (MEMBERS[action] ?? []) : []
  const conditions: Conditions = {}
  for (const [key, member, usual] of members) {
    const value = memberOf(input, member) ?? usual
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') conditions[key] = String(value)
  }
  const validTo = memberOf(input, 'ValidTo')
  if (action === 'ImportKeyMaterial' && typeof validTo === 'number') conditions['kms:ValidTo'] = new Date(validTo * 1000).toISOString()
  const spec = memberOf(input, 'CustomerMasterKeySpec')
  if (action === 'CreateKey' && typeof spec === 'string' && memberOf(input, 'KeySpec') === undefined) conditions['kms:KeySpec'] = spec
  if (action === 'CreateKey' && memberOf(input, 'MultiRegion') === true) conditions['kms:MultiRegionKeyType'] = 'PRIMARY'
  return conditions
}

function conditionsOfContext(context: EncryptionContext): Conditions {
  if (context.length === 0) return {}
  const pairs = context.map(([key, value]) => [`kms:EncryptionContext:${key}`, value])
  return { ...(Object.fromEntries(pairs) as Record<string, string>), 'kms:EncryptionContextKeys': context.map(([key]) => key) }
}

function conditionsOfGrant(input: JsonObject): Conditions {
  const operations = memberOf(input, 'Operations')
  const constraints = memberOf(input, 'Constraints')
  const types = ['EncryptionContextEquals', 'EncryptionContextSubset'] as const
  const type = isJsonObject(constraints) ? types.find((name) => isJsonObject(memberOf(constraints, name))) : undefined
  const context = isJsonObject(constraints) && type !== undefined ? encryptionContext(constraints, type) : null
  return {
    ...(Array.isArray(operations) ? { 'kms:GrantOperations': operations.map(String) } : {}),
    ...(type === undefined ? {} : { 'kms:GrantConstraintType': type }),
    ...(context?.ok === true ? conditionsOfContext(context.value) : {}),
  }
}

function conditionsOfTags(action: string, input: JsonObject): Conditions {
  const tags = memberOf(input, 'Tags')
  const tagKeys = memberOf(input, 'TagKeys')
  if (action === 'UntagResource' && Array.isArray(tagKeys)) return { 'aws:TagKeys': tagKeys.map(String) }
  if (!['CreateKey', 'ReplicateKey', 'TagResource'].includes(action) || !Array.isArray(tags) || tags.length === 0) return {}
  const pairs = tags.filter(isJsonObject).map((tag): [string, string] => [textOf(tag, 'TagKey') ?? '', textOf(tag, 'TagValue') ?? ''])
  const requested = pairs.map(([key, value]) => [`aws:RequestTag/${key}`, value])
  return { ...(Object.fromEntries(requested) as Record<string, string>), 'aws:TagKeys': pairs.map(([key]) => key) }
}
