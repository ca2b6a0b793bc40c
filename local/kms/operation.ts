import type { DatabaseSync } from 'node:sqlite'
import type { ServiceCall } from '../service.ts'
import { type Aliases, aliasesIn } from './aliases.ts'
import { arnOfAlias, parseKeyName, requiredKeyName } from './key-names.ts'
import { type Key, type Keys, keysIn } from './keys.ts'
import { accepted, type Checked, type Done, refuse, type Refused } from './outcome.ts'
import { createTables } from './tables.ts'
import { type Tags, tagsIn } from './tags.ts'

/** What operations work on. */
export type Stores = { readonly db: DatabaseSync; readonly keys: Keys; readonly aliases: Aliases; readonly tags: Tags }

/** One operation of KMS: reads the request, acts, and tells what came of it. */
export type Operation = (stores: Stores, call: ServiceCall) => Checked<Done>

export function storesIn(db: DatabaseSync): Stores {
  createTables(db)
  return { db, keys: keysIn(db), aliases: aliasesIn(db), tags: tagsIn(db) }
}

/** The key that a key ID, key ARN, alias name or alias ARN names. */
export function findKey(stores: Stores, call: ServiceCall, name: string): Checked<Key> {
  const parsed = parseKeyName(name, call)
  if (!parsed.ok) return parsed
  if (parsed.value.kind === 'key') return keyOfArn(stores, parsed.value.keyArn)
  const { aliasName } = parsed.value
  const alias = stores.aliases.find(call, aliasName)
  if (alias === null) return refuse('NotFoundException', `Alias ${arnOfAlias(aliasName, call)} is not found.`)
  return keyOfArn(stores, alias.keyArn)
}

/** The key that a key ID or key ARN names, unless `refusal` says why not: operations that manage a key take no alias. */
export function findManagedKey(
  stores: Stores,
  call: ServiceCall,
  name: string,
  refusal: (key: Key) => Refused | null = () => null,
): Checked<Key> {
  const parsed = parseKeyName(name, call)
  if (!parsed.ok) return parsed
  if (parsed.value.kind === 'alias') return refuse('NotFoundException', `Invalid keyId '${name}'`)
  const key = keyOfArn(stores, parsed.value.keyArn)
  return key.ok ? (refusal(key.value) ?? key) : key
}

/** The key that `KeyId` names, of an operation that needs to know no more. */
export function managedKey(stores: Stores, call: ServiceCall, refusal?: (key: Key) => Refused | null): Checked<Key> {
  const name = requiredKeyName(call.input, 'KeyId')
  return name.ok ? findManagedKey(stores, call, name.value, refusal) : name
}

function keyOfArn(stores: Stores, keyArn: string): Checked<Key> {
  const key = stores.keys.find(keyArn)
  return key === null ? refuse('NotFoundException', `Key '${keyArn}' does not exist`) : accepted(key)
}

/** Null if the key can be used. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html, notes [1] and [3] */
export function unusable(key: Key): Refused | null {
  switch (key.state) {
    case 'Enabled':
      return null
    case 'Disabled':
      return refuse('DisabledException', `${key.keyArn} is disabled.`, [key.keyArn])
    case 'PendingDeletion':
      return pendingDeletion(key)
  }
}

/** Null unless the key waits for its deletion: such a key cannot be changed. */
export function pendingDeletion(key: Key): Refused | null {
  return key.state === 'PendingDeletion' ? refuse('KMSInvalidStateException', `${key.keyArn} is pending deletion.`, [key.keyArn]) : null
}
