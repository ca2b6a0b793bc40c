import { memberOf, textOf } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { parseCiphertext } from './ciphertext.ts'
import { arnOfAlias, arnOfKey, parseKeyName, relatedArn } from './key-names.ts'
import type { Key } from './keys.ts'
import type { Stores } from './operation.ts'
import { defaultKeyPolicy } from './policy.ts'
import { type Conditions, conditionsOf } from './request-context.ts'

/** One thing that a caller has to be allowed for an operation. */
export type Demand = {
  /** Without its `kms:`. */
  readonly action: string
  readonly resourceArn: string
  /** The key whose policy and grants count; null: only the caller's own policies do. */
  readonly key: Key | null
  readonly policy: string | null
  readonly conditions: Conditions
}

/** Operations on no key. https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html */
const ON_NO_KEY = ['CreateKey', 'GenerateRandom', 'ListAliases', 'ListKeys', 'ListRetirableGrants']
/** In the place of a key ID that nobody knows yet. */
const NO_KEY_ID = '00000000-0000-0000-0000-000000000000'

/**
 * What the caller has to be allowed. A key or alias that is not there demands nothing: the operation will say that it is not there.
 * RetireGrant is judged by its grant.
 */
export function demandsOf(stores: Stores, call: ServiceCall): readonly Demand[] {
  const { input, operation } = call
  const named = (member: string): string | null => textOf(input, member)
  const onKey = (action: string, key: Key | null, keyName: string | null = null): readonly Demand[] => {
    if (key === null) return []
    const conditions = conditionsOf(stores, call, { action, key, keyName })
    return [{ action, resourceArn: key.keyArn, key, policy: key.policy, conditions }]
  }
  const onAll = (action: string): Demand => {
    return {
      action,
      resourceArn: '*',
      key: null,
      policy: null,
      conditions: conditionsOf(stores, call, { action, key: null, keyName: null }),
    }
  }
  if (ON_NO_KEY.includes(operation)) return [onAll(operation), ...taggingOfNewKey(stores, call)]
  switch (operation) {
    case 'CreateAlias':
    case 'UpdateAlias':
    case 'DeleteAlias': {
      const aliasName = named('AliasName') ?? ''
      const alias = stores.aliases.find(call, aliasName)
      const left = alias === null ? null : stores.keys.find(alias.keyArn)
      const target = keyNamed(stores, call, named('TargetKeyId'))
      const conditions = conditionsOf(stores, call, { action: operation, key: null, keyName: null })
      const resourceArn = arnOfAlias(aliasName, call)
      // A reserved name is no alias to be judged: the operation refuses it.
      const onAlias = aliasName.startsWith('alias/') ? [{ action: operation, resourceArn, key: null, policy: null, conditions }] : []
      const keys = operation === 'CreateAlias' ? [target] : operation === 'DeleteAlias' ? [left] : [left, target]
      return [...onAlias, ...keys.flatMap((key) => onKey(operation, key))]
    }
    case 'Decrypt': {
      const keyName = named('KeyId')
      return onKey('Decrypt', keyName === null ? keyOfCiphertext(stores, call) : keyNamed(stores, call, keyName), keyName)
    }
    case 'ReEncrypt': {
      const [from, to] = [named('SourceKeyId'), named('DestinationKeyId')]
      const source = from === null ? keyOfCiphertext(stores, call) : keyNamed(stores, call, from)
      const destination = keyNamed(stores, call, to)
      const same = { 'kms:ReEncryptOnSameKey': String(source?.keyArn === destination?.keyArn) }
      const demands = [...onKey('ReEncryptFrom', source, from), ...onKey('ReEncryptTo', destination, to)]
      return demands.map((demand) => ({ ...demand, conditions: { ...demand.conditions, ...same } }))
    }
    case 'ReplicateKey':
      return [...onKey('ReplicateKey', keyNamed(stores, call, named('KeyId'))), onAll('CreateKey'), ...taggingOfNewKey(stores, call)]
    case 'UpdatePrimaryRegion': {
      const key = keyNamed(stores, call, named('KeyId'))
      const region = named('PrimaryRegion') ?? ''
      const next = key === null ? null : stores.keys.find(relatedArn(key.keyArn, { accountId: call.accountId, region }))
      return [...onKey(operation, key), ...(next?.keyArn === key?.keyArn ? [] : onKey(operation, next))]
    }
    case 'RetireGrant':
      return []
    default: {
      const keyName = named('KeyId')
      return onKey(operation, keyNamed(stores, call, keyName), keyName)
    }
  }
}

/** Tags of a key that is being made need their own permission, which only the caller's own policies can give. */
function taggingOfNewKey(stores: Stores, call: ServiceCall): readonly Demand[] {
  const tags = memberOf(call.input, 'Tags')
  if (!Array.isArray(tags) || tags.length === 0) return []
  const conditions = conditionsOf(stores, call, { action: 'TagResource', key: null, keyName: null })
  return [{ action: 'TagResource', resourceArn: newKeyArn(call), key: null, policy: defaultKeyPolicy(call), conditions }]
}

/** Of a key that is not made yet, or that is not there. */
export function newKeyArn(call: ServiceCall): string {
  return arnOfKey(NO_KEY_ID, call) ?? '*'
}

/** The key that a key ID, an ARN or an alias names, in whatever state; null if there is none. */
export function keyNamed(stores: Stores, call: ServiceCall, name: string | null): Key | null {
  const parsed = name === null ? null : parseKeyName(name, call)
  if (parsed === null || !parsed.ok) return null
  if (parsed.value.kind === 'key') return stores.keys.find(parsed.value.keyArn)
  const alias = stores.aliases.find(call, parsed.value.aliasName)
  return alias === null ? null : stores.keys.find(alias.keyArn)
}

/** Of multi-Region keys, the one of the Region that was called. */
function keyOfCiphertext(stores: Stores, call: ServiceCall): Key | null {
  const blob = textOf(call.input, 'CiphertextBlob')
  const ciphertext = blob === null ? null : parseCiphertext(Buffer.from(blob, 'base64'))
  return ciphertext === null ? null : stores.keys.find(relatedArn(ciphertext.keyArn, call))
}
